import type { OldNetwork } from './model.ts';

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

/** ConfigMap of Sluice's agents and controllers that says where Calico's kinds are. */
export const DATASTORE = { name: 'sluice-datastore', namespace: 'kube-system' } as const;

/** Whether Calico keeps its objects in etcd, which is its default: its manifest for etcd says where that is and nothing else. */
export function isInEtcd(old: OldNetwork): boolean {
  const type = agentSetting(old, 'DATASTORE_TYPE') ?? '';
  return type === '' ? (agentSetting(old, 'ETCD_ENDPOINTS') ?? '') !== '' : type !== 'kubernetes';
}

/** How Calico's routes come to be: `bird`, `vxlan`, or `none` where it has policy alone. */
export function networkingOf(old: OldNetwork): string {
  return agentSetting(old, 'CALICO_NETWORKING_BACKEND') ?? old.config?.data?.['calico_backend'] ?? 'bird';
}

/** What says where Calico's etcd is: variables of its agents, which Sluice's take by the same names. */
const ETCD_VARIABLES = ['ETCD_ENDPOINTS', 'ETCD_CA_CERT_FILE', 'ETCD_CERT_FILE', 'ETCD_KEY_FILE'];

/** How agents are told of Calico's etcd; files are those that pods see. Undefined where it is not kept there. */
export function calicoEtcd(old: OldNetwork): Readonly<Record<string, string>> | undefined {
  if (!isInEtcd(old)) return undefined;
  const told = ETCD_VARIABLES.map((name) => [name, agentSetting(old, name) ?? ''] as const);
  return Object.fromEntries([['DATASTORE_TYPE', 'etcdv3'], ...told.filter(([, value]) => value !== '')]);
}
