import type { Family, Ip } from '../../base/ip/index.ts';
import { addressKey, ifnameKey } from './key.ts';
import { ETHERTYPE, IPPROTO } from './model.ts';
import type { Chain, Field, NamedSet, Rule, Ruleset, SetSpec, Statement } from './model.ts';
import { inSet, isProtocol, source, verdict } from './statements.ts';

/** A pod at a port of a bridge. */
export interface BridgePort {
  /** The interface of the node that is the port. */
  readonly port: string;
  readonly addresses: readonly Ip[];
}

const accept = verdict('accept');
const drop = verdict('drop');
const FAMILIES: readonly Family[] = [4, 6];
/** Router advertisement, neighbour advertisement, redirect (RFC 4861, 4.2 to 4.5). */
const ICMPV6 = { ROUTER: 134, NEIGHBOUR: 136, REDIRECT: 137 } as const;

const PORTS: SetSpec = { name: 'ports', key: ['ifname'] };
const OWN = (family: Family): SetSpec => ({
  name: `own${family}`,
  key: ['ifname', family === 4 ? 'ipv4_addr' : 'ipv6_addr'],
});
const KNOWN = (family: Family): SetSpec => ({
  name: `known${family}`,
  key: [family === 4 ? 'ipv4_addr' : 'ipv6_addr'],
});

/**
 * The table of family `bridge` by which no pod takes the address of another on its bridge, where policy tells pods by
 * their addresses: neither as the source of a packet nor in what it says to neighbours. Ports of pods that nobody has
 * announced may not take announced addresses either. Without any ports there is nothing in it.
 */
export function bridgeGuard(ports: readonly BridgePort[]): Ruleset {
  if (ports.length === 0) return { chains: new Map(), sets: new Map() };
  const sets = [
    filled(
      PORTS,
      ports.map(({ port }) => ifnameKey(port)),
    ),
    ...FAMILIES.flatMap((family) => {
      const pairs = ports.flatMap(({ port, addresses }) =>
        addresses.filter((ip) => ip.family === family).map((ip) => [ifnameKey(port), addressKey(ip)] as const),
      );
      return [
        filled(
          OWN(family),
          pairs.map(([port, address]) => port + address),
        ),
        filled(
          KNOWN(family),
          pairs.map(([, address]) => address),
        ),
      ];
    }),
  ];
  return { chains: new Map([[CHAIN.name, CHAIN]]), sets: new Map(sets.map((set) => [set.spec.name, set])) };
}

const isType = (value: number): Statement => ({ kind: 'compare', field: 'meta protocol', op: '==', value });
const isIcmpv6 = (value: number): Statement => ({ kind: 'compare', field: 'icmpv6 type', op: '==', value });

/** An own address passes, another's does not, and a known port says nothing with an address of nobody. */
function claims(
  field: Field,
  family: Family,
  when: readonly Statement[],
  unclaimed: readonly Rule[] = [],
): readonly Rule[] {
  return [
    [...when, inSet(['meta iifname', field], OWN(family).name), accept],
    [...when, inSet([field], KNOWN(family).name), drop],
    ...unclaimed.map((rule) => [...when, ...rule]),
    [...when, inSet(['meta iifname'], PORTS.name), drop],
  ];
}

const IPV6 = [isType(ETHERTYPE.IPV6)];
const FROM_PORT = inSet(['meta iifname'], PORTS.name);
const linkLocal: Statement = {
  kind: 'address',
  field: 'ip6 saddr',
  op: '==',
  address: 'fe80'.padEnd(32, '0'),
  prefix: 64,
};
const unspecified: Statement = { kind: 'address', field: 'ip6 saddr', op: '==', address: '0'.repeat(32) };
const advertised: Statement[] = [...IPV6, isProtocol(IPPROTO.ICMPV6), isIcmpv6(ICMPV6.NEIGHBOUR)];

const CHAIN: Chain = {
  name: 'guard',
  hook: { type: 'filter', hook: 'prerouting', priority: -300 },
  rules: [
    // Before anybody has an address it asks, by 0.0.0.0, whether somebody else has it.
    ...claims('arp saddr ip', 4, [isType(ETHERTYPE.ARP)], [[noSender(), accept]]),
    ...claims(source(4), 4, [isType(ETHERTYPE.IP)]),
    ...[ICMPV6.ROUTER, ICMPV6.REDIRECT].map((type): Rule => [
      ...IPV6,
      isProtocol(IPPROTO.ICMPV6),
      isIcmpv6(type),
      FROM_PORT,
      drop,
    ]),
    // Of addresses that are no pod's, such as link-local ones, anybody may speak.
    [
      ...advertised,
      inSet(['nd target'], KNOWN(6).name),
      { ...inSet(['meta iifname', 'nd target'], OWN(6).name), negate: true } as Statement,
      drop,
    ],
    ...claims(source(6), 6, IPV6, [
      [linkLocal, accept],
      [unspecified, accept],
    ]),
    // What carries a tag passes by the packet filter.
    [FROM_PORT, drop],
  ],
};

function noSender(): Statement {
  return { kind: 'compare', field: 'arp saddr ip', op: '==', value: 0 };
}

function filled(spec: SetSpec, keys: readonly string[]): NamedSet {
  return { spec, elements: new Map(keys.map((key) => [key, ''])) };
}
