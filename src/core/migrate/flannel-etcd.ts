import { formatIp } from '../../base/ip/index.ts';
import type { Family } from '../../base/ip/index.ts';
import { ETCD_PREFIX, FAMILIES, parseEtcdNetConf, parseStoredLease } from '../flannel/index.ts';
import type { StoredLease } from '../flannel/index.ts';
import type { Node } from '../kube/types.ts';
import type { Rule } from './common-blockers.ts';
import type { Observed, OldNetwork } from './model.ts';

/** Where flannel's agents are told that its etcd is; files are those that its pods see. */
export interface FlannelEtcd {
  readonly endpoints: string;
  /** Before all keys. */
  readonly prefix: string;
  /** Whether it takes a file for each of these. */
  readonly files: Readonly<Record<keyof typeof FILES, boolean>>;
  readonly hasUser: boolean;
}

/** By flannel's names. */
const FILES = { ca: 'etcd-cafile', certificate: 'etcd-certfile', key: 'etcd-keyfile' } as const;
/** The keys of Secret calico-etcd-secrets, whose files Sluice's pods have. */
export const SECRET_KEYS = { ca: 'etcd-ca', certificate: 'etcd-cert', key: 'etcd-key' } as const;
const SETTINGS = {
  ca: 'flannel_etcd_ca_cert_file',
  certificate: 'flannel_etcd_cert_file',
  key: 'flannel_etcd_key_file',
} as const;
/** Keys of Secret sluice-datastore. */
export const USER_KEYS = ['SLUICE_FLANNEL_ETCD_USERNAME', 'SLUICE_FLANNEL_ETCD_PASSWORD'] as const;

/** Undefined where leases are in Nodes. */
export function flannelEtcd({ agents }: OldNetwork): FlannelEtcd | undefined {
  const told = optionsOf(agents);
  if (told === undefined || (told.has('kube-subnet-mgr') && told.get('kube-subnet-mgr') !== 'false')) return undefined;
  const { ca, certificate, key } = FILES;
  return {
    endpoints: told.get('etcd-endpoints') ?? '',
    prefix: `/${(told.get('etcd-prefix') ?? ETCD_PREFIX).replaceAll(/^\/+|\/+$/gu, '')}`,
    files: { ca: told.has(ca), certificate: told.has(certificate), key: told.has(key) },
    hasUser: told.has('etcd-username'),
  };
}

/** What flannel's containers are told, by option: `--name=value`, `-name value`, or FLANNELD_NAME in the environment. */
function optionsOf({ spec }: OldNetwork['agents']): ReadonlyMap<string, string> | undefined {
  const options = new Map<string, string>();
  let told = 0;
  for (const { command = [], args = [], env = [] } of spec?.template.spec?.containers ?? []) {
    for (const { name, value } of env)
      if (name.startsWith('FLANNELD_'))
        options.set(name.slice('FLANNELD_'.length).toLowerCase().replaceAll('_', '-'), value ?? '');
    const words = [...command, ...args].flatMap(wordsOf);
    told += words.length;
    for (const [index, word] of words.entries()) {
      const [, name, , value] = /^--?([\w-]+)(=(.*))?$/su.exec(word) ?? [];
      const next = words[index + 1] ?? '-';
      if (name !== undefined) options.set(name, value ?? (next.startsWith('-') ? '' : next));
    }
  }
  // Without a word of its own the image's decides, which nobody here knows.
  return told + options.size === 0 ? undefined : options;
}

/** One word, or those of a shell's command line, without their quotes. */
function wordsOf(text: string): readonly string[] {
  return text.replaceAll(/["']/gu, '').split(/\s+/u);
}

/** The ConfigMap's place is in etcd then. */
export function withStoredNetConf(old: OldNetwork, { flannelStore }: Observed): OldNetwork {
  if (flannelEtcd(old) === undefined || flannelStore === undefined) return old;
  const data = { ...old.config?.data, 'net-conf.json': flannelStore.config ?? '' };
  return { ...old, config: { ...old.config, data } };
}

/** What agents must be told to be part of the network whose leases are in etcd. */
export function etcdSettings(etcd: FlannelEtcd, text: string): Readonly<Record<string, string>> {
  const reading = parseEtcdNetConf(text);
  const cuts = reading.kind === 'read' ? reading.cuts : {};
  const files = (Object.keys(FILES) as (keyof typeof FILES)[])
    .filter((file) => etcd.files[file])
    .map((file) => [SETTINGS[file], `/calico-secrets/${SECRET_KEYS[file]}`]);
  // A block must fit into the subnet of a node.
  const sizes = FAMILIES.flatMap((family) => {
    const length = cuts[family]?.length ?? 0;
    return length > USUAL_BLOCK[family] ? [[`ipv${family}_pool_block_size`, String(length)]] : [];
  });
  return {
    flannel_etcd_endpoints: etcd.endpoints,
    flannel_etcd_prefix: etcd.prefix,
    ...Object.fromEntries([...files, ...sizes]),
  };
}

/** As the manifest has it. */
const USUAL_BLOCK: Readonly<Record<Family, number>> = { 4: 26, 6: 122 };

/** Only where leases are in etcd. */
const inEtcd =
  (rule: (etcd: FlannelEtcd, observed: Observed) => ReturnType<Rule>): Rule =>
  (old, observed) => {
    const etcd = flannelEtcd(old);
    return etcd === undefined ? undefined : rule(etcd, observed);
  };

/** What keeps a network whose leases are in etcd from being left node by node. */
export const flannelEtcdBlockers: readonly Rule[] = [
  inEtcd((_, { flannelStore }) => {
    if (flannelStore !== undefined) return undefined;
    return {
      code: 'etcd',
      reason:
        'flannel keeps its leases in etcd (it runs without --kube-subnet-mgr), and its DaemonSet does not say where',
      remedy: 'name it there by --etcd-endpoints, which is what Sluice is told',
    };
  }),
  inEtcd((_, { flannelStore, nodes }) => {
    if (flannelStore === undefined) return undefined;
    const problems = nodes.flatMap((node) => leaseProblem(node, flannelStore.leases) ?? []);
    if (problems.length === 0) return undefined;
    return {
      code: 'leases',
      reason: problems.join('; '),
      remedy:
        "have flannel's agent run on every node, and tell it the node's InternalIP (--iface, --public-ip): by that Sluice takes a node's lease over",
    };
  }),
  inEtcd(({ files }, { flannelStore }) => {
    if (!Object.values(files).includes(true) || flannelStore?.hasCertificates !== false) return undefined;
    return {
      code: 'etcd-certificates',
      reason: "flannel's etcd asks for certificates, and Secret calico-etcd-secrets with them is not there",
      remedy:
        'kubectl -n kube-system create secret generic calico-etcd-secrets --from-file=etcd-ca=ca.pem --from-file=etcd-cert=cert.pem --from-file=etcd-key=key.pem',
    };
  }),
  inEtcd(({ hasUser }, { flannelStore }) => {
    if (!hasUser || flannelStore?.hasUser !== false) return undefined;
    return {
      code: 'etcd-user',
      reason: "flannel's etcd asks for a user, and Secret sluice-datastore with it is not there",
      remedy: `kubectl -n kube-system create secret generic sluice-datastore ${USER_KEYS.map((key) => `--from-literal=${key}=…`).join(' ')}`,
    };
  }),
];

function leaseProblem({ metadata, status }: Node, leases: readonly StoredLease[]): string | undefined {
  const name = metadata?.name ?? '';
  const addresses = (status?.addresses ?? []).filter(({ type }) => type === 'InternalIP').map(({ address }) => address);
  const [lease, ...more] = leases.filter(({ key, value }) => {
    const ip = parseStoredLease(key, value).lease?.families[4]?.publicIp;
    return ip !== undefined && addresses.includes(formatIp(ip));
  });
  const told = addresses.length === 0 ? 'no InternalIP' : addresses.join(', ');
  if (lease === undefined) return `node ${name} (${told}) has no lease`;
  if (more.length > 0)
    return `node ${name} has ${more.length + 1} leases: ${[lease, ...more].map(({ key }) => key).join(', ')}`;
  const { problems } = parseStoredLease(lease.key, lease.value);
  return problems.length === 0 ? undefined : `lease ${lease.key} of node ${name}: ${problems.join(', ')}`;
}
