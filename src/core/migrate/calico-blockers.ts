import { DATASTORE, agentSetting, calicoEtcd, networkingOf } from './calico-settings.ts';
import { anySays, namesOf } from './common-blockers.ts';
import { podsOutsidePools } from './address-blockers.ts';
import type { Rule } from './common-blockers.ts';

/** Calico's objects are in etcd, and this plan was made without them, or the agents of before would not find the same. */
const inEtcd: Rule = (old, { datastore, configMaps }) => {
  const etcd = calicoEtcd(old);
  if (etcd === undefined) return undefined;
  if (datastore !== 'etcdv3')
    return {
      code: 'etcd',
      reason: 'Calico is kept in etcd, and its DaemonSet does not say where',
      remedy: 'name it there by ETCD_ENDPOINTS, which is what Sluice is told',
    };
  const there = configMaps.find(({ metadata }) => metadata?.name === DATASTORE.name);
  const differing = Object.keys(etcd).filter((key) => there !== undefined && there.data?.[key] !== etcd[key]);
  if (differing.length === 0) return undefined;
  return {
    code: 'datastore',
    reason: `ConfigMap ${DATASTORE.name} is there already and says otherwise: ${differing.join(', ')}`,
    remedy: `kubectl -n ${DATASTORE.namespace} delete configmap ${DATASTORE.name}`,
  };
};

/** What keeps Calico from being left node by node. */
export const calicoBlockers: readonly Rule[] = [
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
  inEtcd,
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
  podsOutsidePools,
  (_, { reservations = [] }) => {
    if (reservations.length === 0) return undefined;
    return {
      code: 'reservations',
      reason: `Sluice would give out addresses that are kept back: it knows no IPReservation (${namesOf(reservations)})`,
      remedy: 'replace the IPPools by others that leave these addresses out, and delete the reservations',
    };
  },
];
