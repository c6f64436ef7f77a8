import { calicoBlockers } from './calico-blockers.ts';
import { DATASTORE, agentSetting, calicoEtcd, networkingOf } from './calico-settings.ts';
import { REMOVE_RULES } from './old-rules.ts';
import type { Network } from './network.ts';
import type { Observed, OldNetwork } from './model.ts';

/** From Calico with its own networking: Sluice works on with its pools, blocks and tunnels. */
export const CALICO: Network = {
  title: 'Calico',
  daemonSet: 'calico-node',
  find: calico,
  blockers: calicoBlockers,
  settings: calicoSettings,
  objects: (old) => {
    const data = calicoEtcd(old);
    return data === undefined ? [] : [{ apiVersion: 'v1', kind: 'ConfigMap', metadata: DATASTORE, data }];
  },
  remarks: (old) => [
    ...(calicoEtcd(old) === undefined ? [] : IN_ETCD),
    'Addresses stay where they are: Sluice works on with the IPPools, blocks and handles of Calico, and a node keeps its tunnel address.',
    `Calico's rules in iptables stay on a migrated node as they were, and let VXLAN and IPIP in from nodes of that time only. Before new nodes join, start migrated nodes again, or on each: ${REMOVE_RULES}`,
  ],
};

const IN_ETCD = [
  "Calico's objects stay in etcd. Its nodes learn of pods by WorkloadEndpoints there, and Sluice's agents write those of their pods. Leave calico-kube-controllers running until the last step, which stops it: it keeps there what nodes of Calico know of namespaces and policies.",
  'Where etcd has users: Secret sluice-datastore in kube-system with ETCD_USERNAME and ETCD_PASSWORD, before the first step.',
];

/** Of no use without Calico's agents. */
const DEPLOYMENTS: readonly string[] = ['calico-kube-controllers', 'calico-typha'];

/** Calico by the names that its public manifests give; undefined when the cluster has no agents of it. */
function calico({ daemonSets, deployments, configMaps }: Observed): OldNetwork | undefined {
  const agents = daemonSets.find(({ metadata }) => metadata?.name === 'calico-node');
  if (agents === undefined) return undefined;
  return {
    agents,
    deployments: deployments.filter(({ metadata }) => DEPLOYMENTS.includes(metadata?.name ?? '')),
    config: configMaps.find(({ metadata }) => metadata?.name === 'calico-config'),
  };
}

/** What ConfigMap `sluice-config` must say so that nodes of both networks reach each other. */
function calicoSettings(old: OldNetwork): Readonly<Record<string, string>> {
  const mtu = old.config?.data?.['veth_mtu'] ?? '0';
  const methods = ['ip', 'ip6'].flatMap((family) => {
    const method = agentSetting(old, `${family.toUpperCase()}_AUTODETECTION_METHOD`);
    return method === undefined ? [] : [[`${family}_autodetection_method`, method] as const];
  });
  return {
    network_before: 'calico',
    // Of pools with a tunnel, the pool decides; routes come from BIRD where Calico's do.
    calico_backend: networkingOf(old) === 'bird' ? 'none' : 'vxlan',
    veth_mtu: mtu === '' ? '0' : mtu,
    // The pools are there.
    ipv4_pool_cidr: '',
    ipv6_pool_cidr: '',
    ...Object.fromEntries(methods),
  };
}
