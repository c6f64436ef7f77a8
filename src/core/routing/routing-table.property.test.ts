import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Cidr, Ip } from '../../base/ip/index.ts';
import { ActualTables, DEFAULT_SETTINGS, desiredNetwork, diffNetwork, diffTables, RoutingTable } from './index.ts';
import type {
  ActualNetwork,
  BackendName,
  DesiredNetwork,
  RoutingBlock,
  RoutingInput,
  RoutingNode,
  RoutingPool,
} from './index.ts';
import { tablesOf } from './network-items.ts';

const v4 = (value: number): Ip => ({ family: 4, value: BigInt(value) });
const v6 = (value: number): Ip => ({ family: 6, value: (0xfd00n << 112n) + BigInt(value) });
const NAMES = ['a', 'b', 'c', 'd', 'e'];

/** Few values, so that nodes, blocks and pools share them and contradict each other. */
const node = (name: string): fc.Arbitrary<RoutingNode> =>
  fc.record({
    name: fc.constant(name),
    addresses: fc.subarray([v4(0x0a000001), v4(0x0a000102), v6(1), v6(0x10001)]),
    tunnelAddresses: fc.record({ vxlan: fc.subarray([v4(0x0af40001), v4(0x0af40041), v6(0xf40001)]) }),
    underlayMacs: fc.subarray(['02:00:00:00:00:01', '02:00:00:00:00:02']),
  });

const block: fc.Arbitrary<RoutingBlock> = fc.record({
  cidr: fc.oneof(
    fc.integer({ min: 0, max: 5 }).map((n): Cidr => ({ ip: v4(0x0af40000 + n * 64), prefix: 26 })),
    fc.integer({ min: 0, max: 5 }).map((n): Cidr => ({ ip: v4(0x0af40000 + n), prefix: 32 })),
    fc.integer({ min: 0, max: 3 }).map((n): Cidr => ({ ip: v6(0xf40000 + n * 64), prefix: 122 })),
  ),
  node: fc.option(fc.constantFrom(...NAMES), { nil: undefined }),
  elsewhere: fc.array(
    fc.record({ ip: fc.integer({ min: 0, max: 5 }).map((n) => v4(0x0af40000 + n)), node: fc.constantFrom(...NAMES) }),
    { maxLength: 2 },
  ),
});

const mode = fc.constantFrom<RoutingPool['vxlanMode'][]>('Always', 'CrossSubnet', 'Never');
const pools = fc.record({ wide: fc.boolean(), narrow: fc.boolean(), wideMode: mode, narrowMode: mode }).map((has) => {
  const pool = (name: string, cidr: Cidr, vxlanMode: RoutingPool['vxlanMode']): RoutingPool[] => [
    { name, cidr, vxlanMode, ipipMode: 'Never' },
  ];
  return [
    ...(has.narrow ? pool('narrow', { ip: v4(0x0af40000), prefix: 25 }, has.narrowMode) : []),
    ...(has.wide ? pool('wide', { ip: v6(0xf40000), prefix: 112 }, has.wideMode) : []),
  ];
});

const input: fc.Arbitrary<RoutingInput> = fc.record({
  node: fc.constant('a'),
  backend: fc.constantFrom<BackendName[]>('vxlan', 'host-gw', 'cross-subnet'),
  pools,
  nodes: fc
    .tuple(fc.subarray(NAMES), fc.tuple(...NAMES.map(node)))
    .map(
      ([names, nodes]) => new Map(nodes.filter(({ name }) => names.includes(name)).map((each) => [each.name, each])),
    ),
  blocks: fc.uniqueArray(block, { selector: ({ cidr }) => `${cidr.ip.family} ${cidr.ip.value}/${cidr.prefix}` }),
  endpoints: fc
    .subarray([1, 2, 3])
    .map((numbers) =>
      numbers.map((n) => ({ interface: `slc${n}`, mac: `02:00:00:00:01:0${n}`, addresses: [v4(0x0af40000 + n)] })),
    ),
  plainSources: fc.boolean(),
  underlay: fc.record({
    links: fc.constant(['eth0']),
    subnets: fc.subarray<Cidr>([
      { ip: v4(0x0a000001), prefix: 24 },
      { ip: v6(1), prefix: 112 },
    ]),
    mtu: fc.constantFrom(1500, 9000),
    peerMtu: fc
      .subarray(NAMES)
      .map((names) => new Map(names.map((name, i) => [name, i % 2 === 0 ? { 4: 1400 } : { 4: 1500, 6: 1380 }]))),
  }),
  settings: fc.constant(DEFAULT_SETTINGS),
  configuredMtu: fc.constantFrom(0, 1280),
});

/** A walk in which most steps keep most of what was there, as the same objects. */
const walk = fc.array(
  fc.tuple(input, fc.subarray(['nodes', 'blocks', 'endpoints', 'pools', 'underlay', 'backend'] as const)),
  {
    minLength: 1,
    maxLength: 6,
  },
);

describe('the routing table', () => {
  it('says after any changes what it would say of the last input alone', () => {
    fc.assert(
      fc.property(walk, (steps) => {
        const table = new RoutingTable();
        const actual = new ActualTables(NOTHING);
        let current = steps[0]![0];
        for (const [next, changed] of steps) {
          current = { ...current, ...Object.fromEntries(changed.map((key) => [key, next[key]])) };
          const { items, touched, ...rest } = table.update(current);
          const fresh = desiredNetwork(current);
          expect(sorted(Object.values(items).flatMap((each) => [...each.values()]))).toEqual(sorted(itemsOf(fresh)));
          expect(sorted(rest.returnPeers)).toEqual(sorted(fresh.returnPeers));
          expect(sorted(rest.problems)).toEqual(sorted(fresh.problems));
          expect([rest.podMtu, rest.looseLinks]).toEqual([fresh.podMtu, fresh.looseLinks]);
          // And what was touched is enough to bring a kernel that had the one before to this one.
          for (const change of diffTables(items, actual.tables, touched)) actual.record(change);
          expect(diffTables(tablesOf(fresh), actual.tables)).toEqual([]);
        }
      }),
    );
  });

  it('does not depend on the order of nodes, blocks or endpoints', () => {
    fc.assert(
      fc.property(input, (one) => {
        const other = {
          ...one,
          nodes: new Map([...one.nodes].reverse()),
          blocks: one.blocks.toReversed(),
          endpoints: one.endpoints.toReversed(),
        };
        expect(diffNetwork(desiredNetwork(other), actualOf(desiredNetwork(one)))).toEqual([]);
      }),
    );
  });
});

const NOTHING = { links: [], addresses: [], routes: [], neighbours: [], fdb: [], rules: [], returnRoutes: [] };

function actualOf(desired: DesiredNetwork): ActualNetwork {
  const actual = new ActualTables(NOTHING);
  for (const change of diffNetwork(desired, NOTHING)) actual.record(change);
  const { links, addresses, routes, neighbours, fdb, rules, returnRoutes } = actual.tables;
  return {
    links: [...links.values()],
    addresses: [...addresses.values()],
    routes: [...routes.values()],
    neighbours: [...neighbours.values()],
    fdb: [...fdb.values()],
    rules: [...rules.values()],
    returnRoutes: [...returnRoutes.values()],
  };
}

function itemsOf({
  links,
  addresses,
  routes,
  neighbours,
  fdb,
  rules,
  returnRoutes,
}: DesiredNetwork): readonly unknown[] {
  return [links, addresses, routes, neighbours, fdb, rules, returnRoutes].flat();
}

function sorted(items: readonly unknown[]): readonly string[] {
  return items
    .map((item) => JSON.stringify(item, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)))
    .sort();
}
