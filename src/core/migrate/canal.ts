import { parseNetConf } from '../flannel/index.ts';
import type { DaemonSet } from '../kube/types.ts';
import { isInEtcd } from './calico-settings.ts';
import type { Rule } from './common-blockers.ts';
import { REMOVE_RULES } from './old-rules.ts';
import type { Network } from './network.ts';
import type { ClusterObject, OldNetwork } from './model.ts';
import { NETWORK_LABEL } from './node-marks.ts';

/** Goes on with Canal's network on nodes that have changed. */
const CARRIER = 'canal-flannel';
/** Canal's container that is the network; the other is Calico's, for policy. */
const CONTAINER = 'kube-flannel';

/** Canal's DaemonSet with flannel alone, for labelled nodes. */
function carrierOf({ agents }: OldNetwork): ClusterObject {
  const { spec, metadata } = agents;
  const labels = { 'k8s-app': CARRIER };
  const pod = spec!.template.spec!;
  const containers = pod.containers.filter(({ name }) => name === CONTAINER);
  const mounted = new Set(containers.flatMap(({ volumeMounts = [] }) => volumeMounts.map(({ name }) => name)));
  const { initContainers: _, affinity: __, ...rest } = pod;
  const template = {
    metadata: { labels },
    spec: {
      ...rest,
      containers,
      volumes: (pod.volumes ?? []).filter(({ name }) => mounted.has(name)),
      nodeSelector: { ...withoutNetwork(pod), [NETWORK_LABEL]: 'sluice' },
    },
  };
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name: CARRIER, namespace: metadata!.namespace!, labels } as ClusterObject['metadata'] & object,
    spec: { selector: { matchLabels: labels }, template } satisfies DaemonSet['spec'],
  };
}

function withoutNetwork({ nodeSelector = {} }: { readonly nodeSelector?: Readonly<Record<string, string>> }) {
  return Object.fromEntries(Object.entries(nodeSelector).filter(([key]) => key !== NETWORK_LABEL));
}

interface Chain {
  readonly plugins?: readonly { readonly type?: string; readonly ipam?: object }[];
}

/** Canal's chain with our plugin in the place of Calico's: under the same name, so that host-local's leases go on. */
function chainOf({ config }: OldNetwork): string | undefined {
  // The placeholder of a number is no JSON before it is replaced.
  const text = (config?.data?.['cni_network_config'] ?? '').replace(/:\s*__CNI_MTU__/u, ': "__CNI_MTU__"');
  try {
    const chain = JSON.parse(text) as Chain;
    const plugins = chain.plugins?.map((plugin) =>
      plugin.type === 'calico' ? { type: 'sluice', mtu: '__CNI_MTU__', ipam: plugin.ipam } : plugin,
    );
    if (plugins?.some(({ type }) => type === 'sluice') !== true) return undefined;
    return JSON.stringify({ ...chain, plugins }, null, 2).replace('"__CNI_MTU__"', '__CNI_MTU__');
  } catch {
    return undefined;
  }
}

const inEtcd: Rule = (old) => {
  if (!isInEtcd(old)) return undefined;
  return {
    code: 'etcd',
    reason:
      "Canal's policies are kept in etcd, where its nodes know of pods by WorkloadEndpoints, which Sluice does not write for pods of another network",
    remedy: "move them to the Kubernetes API first (sluice datastore migrate), and apply Canal's manifest for that",
  };
};

const unknownChain: Rule = (old) => {
  const text = old.config?.data?.['cni_network_config'] ?? '';
  if (chainOf(old) !== undefined && text.includes('host-local')) return undefined;
  return {
    code: 'cni',
    reason: 'ConfigMap canal-config has no cni_network_config with plugin calico and addresses of host-local',
    remedy: "bring it back to the form of Canal's manifest",
  };
};

const noCarrier: Rule = ({ agents }) => {
  if (agents.spec?.template.spec?.containers.some(({ name }) => name === CONTAINER) === true) return undefined;
  return {
    code: 'no-flannel',
    reason: `DaemonSet canal has no container ${CONTAINER}, which is the network that is to stay`,
    remedy: 'run Sluice in its policy-only mode (deploy/sluice-policy-only.yaml) beside whatever network that is',
  };
};

/** The network is flannel's to know; but where it wraps packets in a way that nobody knows, nobody has tried it either. */
const unknownNetConf: Rule = ({ config }) => {
  const reading = parseNetConf(config?.data?.['net-conf.json'] ?? '');
  if (reading.kind === 'read') return undefined;
  return {
    code: 'net-conf',
    reason: `ConfigMap canal-config, net-conf.json: ${reading.problems.join('; ')}`,
    remedy: 'change flannel to backend vxlan, host-gw, ipip or wireguard first',
  };
};

/** From Canal: flannel stays the network, and Sluice takes Calico's part. Pods keep running as they are. */
export const CANAL: Network = {
  title: 'Canal',
  daemonSet: 'canal',
  find: ({ daemonSets, deployments, configMaps }) => {
    const agents = daemonSets.find(({ metadata }) => metadata?.name === 'canal');
    if (agents === undefined) return undefined;
    return {
      agents,
      deployments: deployments.filter(({ metadata }) => metadata?.name === 'calico-kube-controllers'),
      config: configMaps.find(({ metadata }) => metadata?.name === 'canal-config'),
    };
  },
  blockers: [inEtcd, unknownChain, noCarrier, unknownNetConf],
  settings: (old) => ({
    networking: 'policy-only',
    interface_prefix: 'cali',
    veth_mtu: old.config?.data?.['veth_mtu'] ?? '0',
    cni_network_config: chainOf(old) ?? '',
  }),
  remarks: () => [
    'Pods, addresses and connections stay: flannel goes on as the network, by a DaemonSet of its own, and addresses come from host-local as before.',
    `What Calico's part has in iptables stays on a changed node and goes on denying what it denied for pods of that time, until this, or until the node is started again: ${REMOVE_RULES}`,
    'The plugin /opt/cni/bin/calico has to stay on nodes until pods that it has wired are gone.',
  ],
  stays: {
    manifest: 'sluice-policy-only.yaml',
    carrier: carrierOf,
    interrupts: {
      leave:
        "Nothing: the kernel goes on with routes, tunnel and rules as they are. Changes of policies wait until Sluice's agent is there.",
      join: "Nothing: pods keep their interfaces and addresses, and come under Sluice's policies before its table is in force.",
    },
  },
};
