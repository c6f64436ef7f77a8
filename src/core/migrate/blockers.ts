import type { Blocker, ClusterObject, Observed, OldNetwork } from './model.ts';
import { agentSetting, networkingOf } from './old-network.ts';

/** A reason why Calico cannot be left node by node as the cluster is; each says at most one thing. */
type Rule = (old: OldNetwork, observed: Observed) => Blocker | undefined;

/** Everything that stands in the way. */
export function blockersOf(old: OldNetwork, observed: Observed): readonly Blocker[] {
  return RULES.flatMap((rule) => rule(old, observed) ?? []);
}

const RULES: readonly Rule[] = [
  ({ agents: { metadata } }, { deployments }) => {
    const isManaged = metadata?.ownerReferences?.some(({ kind }) => kind === 'Installation') === true;
    if (!isManaged && metadata?.namespace !== 'calico-system') return undefined;
    const operator = deployments.find((each) => each.metadata?.name === 'tigera-operator');
    if (operator === undefined || operator.spec?.replicas === 0) return undefined;
    return {
      code: 'operator',
      reason: 'Calico was installed by the Tigera operator, which would undo every change of its DaemonSet',
      remedy: 'kubectl -n tigera-operator scale deployment tigera-operator --replicas=0',
    };
  },
  (old, { felixConfigurations }) => {
    const isOn = agentSetting(old, 'FELIX_BPFENABLED') === 'true' || anySays(felixConfigurations, 'bpfEnabled');
    if (!isOn) return undefined;
    return {
      code: 'ebpf',
      reason: "Calico's eBPF data plane is on: its programs would go on deciding about packets without it",
      remedy:
        'start kube-proxy again, set bpfEnabled to false in FelixConfiguration default, and wait for the standard data plane',
    };
  },
  (_, { felixConfigurations }) => {
    const isOn = ['wireguardEnabled', 'wireguardEnabledV6'].some((field) => anySays(felixConfigurations, field));
    if (!isOn) return undefined;
    return {
      code: 'wireguard',
      reason: 'Calico encrypts between nodes, and that nodes of both networks agree on keys has not been tried',
      remedy: 'set wireguardEnabled to false in FelixConfiguration default until the last node is migrated',
    };
  },
  (old) => {
    if (networkingOf(old) !== 'none') return undefined;
    return {
      code: 'policy-only',
      reason: 'Calico has policy alone here, beside another network',
      remedy: 'run Sluice in its policy-only mode (deploy/sluice-policy-only.yaml)',
    };
  },
  (old) => {
    if (!/"type"\s*:\s*"host-local"/.test(old.config?.data?.['cni_network_config'] ?? '')) return undefined;
    return {
      code: 'host-local',
      reason: 'pods get their addresses from host-local: nodes of Calico would not learn of blocks that Sluice claims',
      remedy: "move to Calico's own address management first",
    };
  },
  (old) => {
    if ((agentSetting(old, 'DATASTORE_TYPE') ?? 'kubernetes') === 'kubernetes') return undefined;
    return {
      code: 'etcd',
      reason: 'Calico is kept in etcd, where its nodes find each other by Node objects that Sluice does not write',
      remedy: 'move Calico to the Kubernetes API with calicoctl datastore migrate first',
    };
  },
  (_, { pools }) => {
    const wrapped = pools.filter(({ spec }) => {
      const { cidr = '', vxlanMode = 'Never' } = (spec ?? {}) as { cidr?: string; vxlanMode?: string };
      return cidr.includes(':') && vxlanMode !== 'Never';
    });
    if (wrapped.length === 0) return undefined;
    return {
      code: 'ipv6-vxlan',
      reason: `IPPool ${namesOf(wrapped)} wraps IPv6 in VXLAN, for which Calico has a device over IPv6 and Sluice's goes over IPv4`,
      remedy:
        'set its vxlanMode to Never where nodes share a segment or BGP brings the routes, or migrate all nodes in one go',
    };
  },
  (_, { nodes }) => {
    const windows = nodes.filter(({ metadata }) => metadata?.labels?.['kubernetes.io/os'] === 'windows');
    if (windows.length === 0) return undefined;
    return {
      code: 'windows',
      reason: `Sluice does not run on Windows: ${namesOf(windows)}`,
      remedy: 'remove these nodes',
    };
  },
  (_, { nodes }) => {
    const sick = nodes.filter(
      ({ status }) => status?.conditions?.some(({ type, status: now }) => type === 'Ready' && now === 'True') !== true,
    );
    if (sick.length === 0) return undefined;
    return {
      code: 'not-ready',
      reason: `not every node is ready: ${namesOf(sick)}`,
      remedy: 'repair or remove them first',
    };
  },
  (_, { daemonSets }) => {
    const own = daemonSets.find(({ metadata }) => metadata?.name === 'sluice-node');
    if (own === undefined || own.spec?.template.spec?.nodeSelector?.['sluice.dev/network'] === 'sluice')
      return undefined;
    return {
      code: 'installed',
      reason: 'DaemonSet sluice-node is there already, and not for labelled nodes only',
      remedy: 'kubectl -n kube-system delete daemonset sluice-node',
    };
  },
  (_, { pods }) => {
    const asking = pods.filter(
      ({ metadata }) => metadata?.annotations?.['cni.projectcalico.org/floatingIPs'] !== undefined,
    );
    if (asking.length === 0) return undefined;
    return {
      code: 'floating-ips',
      reason: `pods ask for floating addresses, which Sluice refuses: ${namesOf(asking)}`,
      remedy: 'give them Services instead',
    };
  },
];

function anySays(objects: readonly ClusterObject[], field: string): boolean {
  return objects.some(({ spec }) => (spec as Readonly<Record<string, unknown>> | undefined)?.[field] === true);
}

function namesOf(objects: readonly { readonly metadata?: { readonly name?: string } }[]): string {
  return objects
    .map(({ metadata }) => metadata?.name ?? '')
    .sort()
    .join(', ');
}
