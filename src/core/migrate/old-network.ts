import type { Observed, OldNetwork } from './model.ts';

/**
 * Label of nodes: `sluice` runs Sluice, `none` neither network, and without it the network before. (The agent knows it, too:
 * see app/agent/other-networks.ts.)
 */
export const NETWORK_LABEL = 'sluice.dev/network';

/** Of no use without Calico's agents. */
const DEPLOYMENTS: readonly string[] = ['calico-kube-controllers', 'calico-typha'];

/** Calico by the names that its public manifests give; undefined when the cluster has no agents of it. */
export function oldNetwork({ daemonSets, deployments, configMaps }: Observed): OldNetwork | undefined {
  const agents = daemonSets.find(({ metadata }) => metadata?.name === 'calico-node');
  if (agents === undefined) return undefined;
  return {
    agents,
    deployments: deployments.filter(({ metadata }) => DEPLOYMENTS.includes(metadata?.name ?? '')),
    config: configMaps.find(({ metadata }) => metadata?.name === 'calico-config'),
  };
}

/** The value of an environment variable of the agents, as far as the manifest or its ConfigMap says. */
export function agentSetting({ agents, config }: OldNetwork, name: string): string | undefined {
  for (const { env } of agents.spec?.template.spec?.containers ?? []) {
    const variable = env?.find((each) => each.name === name);
    if (variable === undefined) continue;
    const key = variable.valueFrom?.configMapKeyRef;
    return key === undefined ? variable.value : config?.data?.[key.key];
  }
  return undefined;
}

/** How Calico's routes come to be: `bird`, `vxlan`, or `none` where it has policy alone. */
export function networkingOf(old: OldNetwork): string {
  return agentSetting(old, 'CALICO_NETWORKING_BACKEND') ?? old.config?.data?.['calico_backend'] ?? 'bird';
}

/** What ConfigMap `sluice-config` must say so that nodes of both networks reach each other. */
export function settingsOf(old: OldNetwork): Readonly<Record<string, string>> {
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
