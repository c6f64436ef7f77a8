import type { Ip } from '../../base/ip/index.ts';
import { addressKey, etherKey } from './key.ts';
import { ETHERTYPE, IPPROTO } from './model.ts';
import type { Chain, ElementKey, NamedSet, Rule, Ruleset, SetSpec, Statement } from './model.ts';
import { inSet, isProtocol, source, verdict } from './statements.ts';

/** A pod's device on a segment that it shares with others. */
export interface Wire {
  readonly ifname: string;
  readonly mac: string;
  readonly addresses: readonly Ip[];
  /** The packet mark of what the pod's own table has let out; nobody in the pod may know it. */
  readonly seal: number;
}

const accept = verdict('accept');
const drop = verdict('drop');
/** Router advertisement, neighbour advertisement, redirect (RFC 4861, 4.2 to 4.5). */
const ICMPV6 = { ROUTER: 134, NEIGHBOUR: 136, REDIRECT: 137 } as const;

const OWN_MAC: SetSpec = { name: 'own-mac', key: ['ether_addr'] };
const OWN = {
  4: { name: 'own4', key: ['ipv4_addr'] },
  6: { name: 'own6', key: ['ipv6_addr'] },
} as const satisfies Record<number, SetSpec>;

const isType = (value: number): Statement => ({ kind: 'compare', field: 'meta protocol', op: '==', value });
const isIcmpv6 = (value: number): Statement => ({ kind: 'compare', field: 'icmpv6 type', op: '==', value });
const isWithin = (field: 'ip daddr' | 'ip6 daddr' | 'ip6 saddr', address: string, prefix: number): Statement => ({
  kind: 'address',
  field,
  op: '==',
  address,
  prefix,
});
const wide = (start: string): string => start.padEnd(32, '0');
const fromOwnMac = inSet(['ether saddr'], OWN_MAC.name);
const fromNobody: Statement = { kind: 'address', field: 'ip6 saddr', op: '==', address: wide('') };

/**
 * The table of family `netdev` at a device, for containers that may open packet sockets: their frames pass no other hook.
 * Only what the pod's table has sealed leaves, ARP and discovery about the pod's own addresses, and multicast from them.
 * Multicast is not sealed, since the kernel shows the sender a copy with its mark.
 */
export function wireGuard({ ifname, mac, addresses, seal }: Wire): Ruleset {
  const keys = (family: 4 | 6): ElementKey[] => addresses.filter((ip) => ip.family === family).map(addressKey);
  const sets = [filled(OWN_MAC, [etherKey(mac)]), filled(OWN[4], keys(4)), filled(OWN[6], keys(6))];
  const chain: Chain = {
    name: 'guard',
    hook: { type: 'filter', hook: 'egress', device: ifname, priority: 0 },
    rules: rules(seal),
  };
  return { chains: new Map([[chain.name, chain]]), sets: new Map(sets.map((set) => [set.spec.name, set])) };
}

function rules(seal: number): readonly Rule[] {
  const ipv6Group = [isType(ETHERTYPE.IPV6), fromOwnMac, isWithin('ip6 daddr', wide('ff'), 8)];
  const discovery = [...ipv6Group, isProtocol(IPPROTO.ICMPV6)];
  return [
    [
      { kind: 'compare', field: 'meta mark', op: '==', value: seal },
      // Whoever listens behind this hook does not see it.
      { kind: 'set-mark', target: 'meta mark', mask: 0xffffffff, value: 0 },
      accept,
    ],
    [isType(ETHERTYPE.ARP), fromOwnMac, inSet(['arp saddr ip'], OWN[4].name), accept],
    [isType(ETHERTYPE.IP), fromOwnMac, inSet([source(4)], OWN[4].name), isWithin('ip daddr', 'e0000000', 4), accept],
    ...[ICMPV6.ROUTER, ICMPV6.REDIRECT].map((type): Rule => [...discovery, isIcmpv6(type), drop]),
    [
      ...discovery,
      isIcmpv6(ICMPV6.NEIGHBOUR),
      { ...inSet(['nd target'], OWN[6].name), negate: true } as Statement,
      drop,
    ],
    [...ipv6Group, inSet([source(6)], OWN[6].name), accept],
    [...ipv6Group, isWithin('ip6 saddr', wide('fe80'), 64), accept],
    [...ipv6Group, fromNobody, accept],
    [drop],
  ];
}

function filled(spec: SetSpec, keys: readonly ElementKey[]): NamedSet {
  return { spec, elements: new Map(keys.map((key) => [key, ''])) };
}
