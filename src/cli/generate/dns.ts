import { SluiceError } from '../../base/errors.ts';
import type { ClusterState } from '../../core/policy/index.ts';
import { portRange, union } from '../../core/reach/index.ts';
import type { Wish } from '../../core/reach/index.ts';

/** What cluster DNS bears, whatever implements it. */
const DNS = { namespace: 'kube-system', label: 'k8s-app', value: 'kube-dns' };

/** That all pods of the namespaces may ask the cluster's DNS. Throws `bad-input` when there is none in the input. */
export function dnsWish(state: ClusterState, namespaces: readonly string[]): Wish {
  const running = [...state.pods.values()].filter((pod) => !pod.hostNetwork && !pod.completed);
  const servers = running.filter(
    ({ namespace, labels }) => namespace === DNS.namespace && labels[DNS.label] === DNS.value,
  );
  if (servers.length === 0)
    throw new SluiceError(
      'bad-input',
      `--dns: no pod of namespace ${DNS.namespace} in the input has the label ${DNS.label}=${DNS.value}; add the manifest of the cluster's DNS with -f, or use --live`,
    );
  const clients = running.filter((pod) => namespaces.includes(pod.namespace));
  const none = { nodes: [], ranges: { 4: [], 6: [] } };
  return {
    from: { pods: clients, ...none },
    to: { pods: servers, ...none },
    ports: union(portRange('UDP', 53, 53), portRange('TCP', 53, 53)),
    text: '--dns',
  };
}
