import { messageOf } from '../../base/errors.ts';
import { parseCidr, parseIp } from '../../base/ip/index.ts';
import type { Hook, NftOp, Rule, SetSpec } from '../../core/nft/model.ts';
import { openConntrack } from '../conntrack/kernel.ts';
import { expectSuccess } from '../errno.ts';
import { AF_INET, SOCK_CLOEXEC, SOCK_DGRAM, close, sendto, socket } from '../libc.ts';
import { openNftables } from '../nftables/kernel.ts';
import { encodeSockaddr } from '../probe/sockaddr.ts';
import { openSysctl } from '../sysctl/sysctl.ts';
import { openNetlink } from './kernel.ts';
import type { NetworkChange, NewLink } from './port.ts';

/** Something that the kernel must be able to do. */
export interface Missing {
  /** What it is, in a few words. */
  readonly feature: string;
  /** The kernel's build options, of which the missing one is one. */
  readonly options: readonly string[];
  /** What the kernel answered. */
  readonly reason: string;
}

interface Feature {
  readonly feature: string;
  readonly options: readonly string[];
  readonly attempt: () => void;
}

/** A feature that is there when the packet filter takes these steps. */
interface FilterFeature {
  readonly feature: string;
  readonly options: readonly string[];
  readonly steps: () => readonly NftOp[];
}

const IPV4: Rule[number] = { kind: 'compare', field: 'meta nfproto', op: '==', value: 2 };
const OUTSIDE: Rule[number] = { kind: 'interface', field: 'meta oifname', op: '!=', name: 'lo' };
const TCP: Rule[number] = { kind: 'compare', field: 'meta l4proto', op: '==', value: 6 };

/** Everything that Sluice asks of a kernel, in the order in which it makes sense to say that it is missing. */
const FEATURES: readonly Feature[] = [
  {
    feature: 'veth pairs',
    options: ['CONFIG_VETH'],
    attempt: () => addLink({ type: 'veth', name: 'sl-a', peer: { name: 'sl-b' } }),
  },
  { feature: 'bridges', options: ['CONFIG_BRIDGE'], attempt: () => addLink({ type: 'bridge', name: 'sl-br' }) },
  {
    feature: 'VXLAN tunnels',
    options: ['CONFIG_VXLAN'],
    attempt: () =>
      addLink({ type: 'vxlan', name: 'sl-vx', vxlan: { vni: 4096, port: 4789, local: parseIp('127.0.0.1')! } }),
  },
  {
    feature: 'IPv6',
    options: ['CONFIG_IPV6'],
    attempt: () => change({ kind: 'add-address', address: { link: 'sl-a', address: parseCidr('fd00::1/128')! } }),
  },
  {
    feature: 'policy routing by packet mark',
    options: ['CONFIG_IP_MULTIPLE_TABLES'],
    attempt: () =>
      change({
        kind: 'add-rule',
        rule: { family: 4, priority: 500, table: 1000, mark: { value: 0x100, mask: 0xff00 } },
      }),
  },
  {
    feature: 'forwarding that a namespace can switch on',
    options: ['CONFIG_SYSCTL', 'a writable /proc/sys/net'],
    attempt: () => openSysctl().write('net/ipv4/ip_forward', 1),
  },
];

/** What only some backends ask for, by the backend's name. */
const BACKEND_FEATURES: Readonly<Record<string, readonly Feature[]>> = {
  macvlan: [
    {
      feature: 'macvlan devices (--backend macvlan)',
      options: ['CONFIG_MACVLAN', 'modprobe macvlan'],
      attempt: () => addLink({ type: 'macvlan', name: 'sl-mv', parent: 'sl-a', mode: 'bridge' }),
    },
  ],
  ipip: [
    {
      feature: 'IP-in-IP tunnels (--backend ipip)',
      options: ['CONFIG_NET_IPIP', 'modprobe ipip'],
      attempt: () => addLink({ type: 'ipip', name: 'sl-ip', ipip: { local: parseIp('127.0.0.1')! } }),
    },
  ],
};

/** The same of the packet filter. Their chains and sets have names of their own, so that all fit into one table. */
const FILTER_FEATURES: readonly FilterFeature[] = [
  { feature: 'nftables', options: ['CONFIG_NF_TABLES', 'CONFIG_NF_TABLES_INET'], steps: () => [] },
  {
    feature: 'nftables hash, interval and concatenated sets',
    options: ['CONFIG_NF_TABLES'],
    steps: () => [
      ...set({ name: 'hash', key: ['ifname', 'ipv4_addr'] }, '0'.repeat(40)),
      ...set({ name: 'interval', key: ['ipv4_addr'], interval: true }, '0a000000-0affffff'),
      ...set(
        { name: 'concat', key: ['ipv6_addr', 'inet_service'], interval: true },
        `${'0'.repeat(40)}-${'0'.repeat(31)}100000000`,
      ),
    ],
  },
  {
    feature: 'nftables verdict maps',
    options: ['CONFIG_NF_TABLES'],
    steps: () => [
      ...set({ name: 'verdicts', key: ['ifname'], data: 'verdict' }),
      ...chain('dispatch', undefined, [{ kind: 'vmap', key: ['meta oifname'], map: 'verdicts' }]),
    ],
  },
  {
    feature: 'nftables connection tracking matches and marks',
    options: ['CONFIG_NFT_CT', 'CONFIG_NF_CONNTRACK_MARK'],
    steps: () =>
      chain('tracking', { type: 'filter', hook: 'output', priority: 0 }, [
        { kind: 'compare', field: 'ct state', mask: 14, op: '!=', value: 0 },
        { kind: 'set-mark', target: 'ct mark', mask: 2, value: 2 },
      ]),
  },
  {
    feature: 'nftables address translation',
    options: ['CONFIG_NFT_NAT', 'CONFIG_NFT_MASQ', 'CONFIG_NF_NAT'],
    steps: () => [
      ...set({ name: 'backends', key: ['ipv4_addr', 'inet_service'], data: ['ipv4_addr', 'inet_service'] }),
      ...chain('dnat', { type: 'nat', hook: 'prerouting', priority: -100 }, [
        IPV4,
        TCP,
        { kind: 'dnat-map', family: 4, key: ['ip daddr', 'th dport'], map: 'backends' },
      ]),
      ...chain('masquerade', { type: 'nat', hook: 'postrouting', priority: 100 }, [OUTSIDE, { kind: 'masquerade' }]),
    ],
  },
  {
    feature: 'nftables address type lookups',
    options: ['CONFIG_NFT_FIB_INET'],
    steps: () =>
      chain('types', { type: 'filter', hook: 'prerouting', priority: 0 }, [
        { kind: 'compare', field: 'fib daddr type', op: '==', value: 2 },
      ]),
  },
  {
    feature: 'nftables random numbers and hashes',
    options: ['CONFIG_NFT_NUMGEN', 'CONFIG_NFT_HASH'],
    steps: () => {
      const key = [
        { kind: 'numgen', mod: 2 },
        { kind: 'jhash', of: 'ip saddr', mod: 2, seed: 1 },
      ] as const;
      return [
        ...set({ name: 'slots', key: ['integer', 'integer'] }),
        ...chain('spread', undefined, [IPV4, { kind: 'lookup', key, set: 'slots' }]),
      ];
    },
  },
  {
    feature: 'nftables rejects',
    options: ['CONFIG_NFT_REJECT_INET'],
    steps: () =>
      chain('rejects', { type: 'filter', hook: 'forward', priority: 0 }, [
        { kind: 'reject', with: 'port-unreachable' },
      ]),
  },
];

/** Last, because it needs what the others set up. */
const MARKING: Feature = {
  feature: 'reading and marking tracked connections',
  options: ['CONFIG_NF_CT_NETLINK', 'CONFIG_NF_CONNTRACK_MARK'],
  attempt: markConnection,
};

/**
 * Tries everything that Sluice asks of a kernel for pods behind `backend`, in the network namespace of the calling thread, which it fills with
 * remains: call it in one made for the purpose. Returns what is missing.
 */
export function missingFeatures(backend: string): readonly Missing[] {
  const links = [...FEATURES, ...(BACKEND_FEATURES[backend] ?? [])];
  return [...links.flatMap(tryFeature), ...missingFilterFeatures(), ...tryFeature(MARKING)];
}

/** All in one transaction, because a kernel waits for its other processors at each; one by one only to find the culprit. */
function missingFilterFeatures(): Missing[] {
  try {
    nft(FILTER_FEATURES.flatMap(({ steps }) => steps()));
    return [];
  } catch {
    return FILTER_FEATURES.flatMap(({ feature, options, steps }) =>
      tryFeature({ feature, options, attempt: () => nft(steps()) }),
    );
  }
}

function tryFeature({ feature, options, attempt }: Feature): Missing[] {
  try {
    attempt();
    return [];
  } catch (error) {
    return [{ feature, options, reason: messageOf(error) }];
  }
}

function addLink(link: NewLink): void {
  change({ kind: 'add-link', link });
}

function change(wanted: NetworkChange): void {
  using netlink = openNetlink();
  netlink.apply([wanted]);
}

/** Replaces the table by one made in these steps. */
function nft(steps: readonly NftOp[]): void {
  using nftables = openNftables();
  nftables.apply([{ op: 'destroy-table' }, { op: 'add-table' }, ...steps]);
}

function set(spec: SetSpec, ...keys: readonly string[]): NftOp[] {
  return [
    { op: 'add-set', spec },
    { op: 'add-elements', spec, elements: keys.map((key) => [key, '']) },
  ];
}

function chain(name: string, hook: Hook | undefined, rule: Rule): NftOp[] {
  return [
    hook === undefined ? { op: 'add-chain', name } : { op: 'add-chain', name, hook },
    { op: 'add-rule', chain: name, rule },
  ];
}

/** One datagram over lo, tracked, found and marked. */
function markConnection(): void {
  change({ kind: 'set-link', link: 'lo', up: true });
  const fd = expectSuccess(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), 'opening a UDP socket');
  const target = encodeSockaddr(parseIp('127.0.0.1')!, 9);
  const sent = sendto(fd, new Uint8Array(1), 1, 0, target, target.length);
  close(fd);
  expectSuccess(sent, 'sending a datagram over lo');
  using conntrack = openConntrack();
  const flows = conntrack.dump();
  if (flows.length === 0) throw new Error('a datagram over lo was not tracked');
  conntrack.setMark(flows, { value: 1, mask: 1 });
  if (conntrack.dump({ mark: { value: 1, mask: 1 } }).length === 0) throw new Error('a mark was not kept');
}
