import { describe, expect, it } from 'vitest';
import { formatCidr, formatIp, parseCidr, parseIp } from '../../base/ip/index.ts';
import type { Ip } from '../../base/ip/index.ts';
import type { RoutingBlock, RoutingNode } from '../routing/index.ts';
import { DEFAULT_WIREGUARD, desiredWireguard, wayTo, wireguardMtu } from './index.ts';
import type { WireguardInput, WireguardWay } from './index.ts';

const ip = (text: string): Ip => parseIp(text)!;
const cidr = (text: string) => parseCidr(text)!;
const key = (seed: string): string => btoa(seed.padEnd(32, '.'));

function node(name: string, ...addresses: readonly string[]): RoutingNode {
  return { name, addresses: addresses.map(ip), tunnelAddresses: {} };
}
function block(
  text: string,
  owner: string | undefined,
  elsewhere: Readonly<Record<string, string>> = {},
): RoutingBlock {
  return {
    cidr: cidr(text),
    node: owner,
    elsewhere: Object.entries(elsewhere).map(([address, name]) => ({ ip: ip(address), node: name })),
  };
}

const BASE: WireguardInput = {
  node: 'n1',
  settings: { ...DEFAULT_WIREGUARD, 4: { ...DEFAULT_WIREGUARD[4], enabled: true } },
  keys: new Map([
    ['n1', { 4: key('1') }],
    ['n2', { 4: key('2') }],
  ]),
  nodes: new Map(
    [node('n1', '172.30.1.11'), node('n2', '172.30.1.12', 'fd30::12'), node('n3', '172.30.2.13')].map((each) => [
      each.name,
      each,
    ]),
  ),
  blocks: [
    block('10.244.1.0/26', 'n1'),
    block('10.244.2.0/26', 'n2'),
    block('10.244.3.0/26', 'n3'),
    block('fd00:2::/122', 'n2'),
  ],
  pools: [{ cidr: cidr('10.244.0.0/16') }, { cidr: cidr('fd00::/32') }],
  endpoints: [],
  underlay: { mtu: 1500, peerMtu: new Map() },
  nextKeys: new Map(),
  handingOver: { 4: new Set(), 6: new Set() },
  ways: { 4: usualWays('n2', 'n3'), 6: usualWays() },
};

function usualWays(...nodes: readonly string[]): ReadonlyMap<string, WireguardWay> {
  return new Map(nodes.map((name) => [name, 'usual']));
}

/** The one tunnel of a desired state, in words. */
function tunnelOf(change: Partial<WireguardInput> = {}) {
  const [tunnel, ...others] = desiredWireguard({ ...BASE, ...change }).tunnels;
  expect(others).toEqual([]);
  return {
    ...tunnel!,
    peers: tunnel!.peers.map(({ node: name, endpoint, allowedIps }) => [
      name,
      `${formatIp(endpoint.ip)} ${endpoint.port}`,
      ...allowedIps.map(formatCidr),
    ]),
    routes: tunnel!.routes.map(({ type, destination, mtu }) =>
      [type === 'throw' ? 'throw ' : '', formatCidr(destination), mtu === undefined ? '' : ` mtu ${mtu}`].join(''),
    ),
    rules: tunnel!.rules.map(({ from, table, priority }) => `${priority} ${formatCidr(from)} ${table}`),
  };
}

describe('what WireGuard needs', () => {
  it('is nothing while it is off', () => {
    expect(desiredWireguard({ ...BASE, settings: DEFAULT_WIREGUARD })).toEqual({ tunnels: [], problems: [] });
    expect(wireguardMtu({ ...BASE, settings: DEFAULT_WIREGUARD })).toBeUndefined();
  });

  it('is a tunnel to each peer that published a key, for what comes from the pools', () => {
    expect(tunnelOf()).toMatchObject({
      device: 'wg.sluice',
      port: 51820,
      mtu: 1440,
      peers: [['n2', '172.30.1.12 51820', '10.244.2.0/26']],
      routes: ['10.244.2.0/26'],
      rules: ['99 10.244.0.0/16 51820'],
    });
  });

  it('has a device of its own for each family', () => {
    const settings = { ...BASE.settings, 6: { enabled: true, port: 51821, mtu: 0 } };
    const keys = new Map([['n2', { 4: key('2'), 6: key('v6') }]]);
    const { tunnels } = desiredWireguard({ ...BASE, settings, keys, ways: { 4: usualWays(), 6: usualWays('n2') } });
    expect(tunnels.map(({ device, mtu, port }) => [device, mtu, port])).toEqual([
      ['wg.sluice', 1440, 51820],
      ['wg-v6.sluice', 1420, 51821],
    ]);
    const [, six] = tunnels;
    expect(six!.peers.map(({ endpoint }) => formatIp(endpoint.ip))).toEqual(['fd30::12']);
    expect(six!.routes.map(({ destination }) => formatCidr(destination))).toEqual(['fd00:2::/122']);
    expect(wireguardMtu({ ...BASE, settings })).toBe(1420);
  });

  it('has no routes to a peer while there is no way, and accepts from it all the same', () => {
    expect(tunnelOf({ ways: { 4: usualWays(), 6: usualWays('n2') } })).toMatchObject({
      peers: [['n2', '172.30.1.12 51820', '10.244.2.0/26']],
      routes: [],
    });
  });

  it('follows addresses that live outside of their block', () => {
    const blocks = [
      block('10.244.1.0/26', 'n1', { '10.244.1.9': 'n2' }),
      block('10.244.2.0/26', 'n2', { '10.244.2.8': 'n3', '10.244.2.9': 'n1' }),
      block('10.244.4.0/26', undefined, { '10.244.4.7': 'n2' }),
    ];
    expect(tunnelOf({ blocks })).toMatchObject({
      peers: [['n2', '172.30.1.12 51820', '10.244.1.9/32', '10.244.2.0/26', '10.244.4.7/32']],
      routes: ['10.244.1.9/32', '10.244.2.0/26', '10.244.4.7/32', 'throw 10.244.2.8/32', 'throw 10.244.2.9/32'],
    });
  });

  it('never leads to a peer what lives here, even before the block says so', () => {
    expect(tunnelOf({ endpoints: [{ addresses: [ip('10.244.2.9'), ip('10.244.1.5')] }] }).routes).toEqual([
      '10.244.2.0/26',
      'throw 10.244.2.9/32',
    ]);
  });

  it('fits the narrowest way', () => {
    const underlay = { mtu: 1500, peerMtu: new Map([['n2', { 4: 1400 }]]) };
    expect(tunnelOf({ underlay })).toMatchObject({ mtu: 1440, routes: ['10.244.2.0/26 mtu 1340'] });
    expect(wireguardMtu({ ...BASE, underlay })).toBe(1340);
    const settings = { ...BASE.settings, 4: { enabled: true, port: 51820, mtu: 1300 } };
    expect(tunnelOf({ underlay, settings })).toMatchObject({ mtu: 1300, routes: ['10.244.2.0/26'] });
  });

  it.each([
    ['bad-key', new Map([['n2', { 4: 'not a key' }]]), 'the WireGuard key of node n2 is not'],
    ['bad-key', new Map([['n2', { 4: `${key('2').slice(0, -2)}B=` }]]), 'the WireGuard key of node n2 is not'],
    [
      'shared-key',
      new Map([
        ['n1', { 4: key('1') }],
        ['n2', { 4: key('1') }],
      ]),
      'nodes n1, n2 have the same WireGuard key',
    ],
  ] as const)('reaches a peer without encryption for %s, and says so', (code, keys, message) => {
    const { tunnels, problems } = desiredWireguard({ ...BASE, keys });
    expect(tunnels.map(({ peers, routes }) => [peers, routes])).toEqual([[[], []]]);
    expect(problems).toMatchObject([{ peer: 'n2', code, message: expect.stringContaining(message) }]);
  });

  it('says which peer has a key and no address for it', () => {
    const nodes = new Map([['n2', node('n2', 'fd30::12')]]);
    expect(desiredWireguard({ ...BASE, nodes }).problems).toMatchObject([{ peer: 'n2', code: 'no-address' }]);
  });
});

describe('a change of keys', () => {
  const next = { n1: new Map([['n1', { 4: key('n1-next') }]]), n2: new Map([['n2', { 4: key('n2-next') }]]) };
  const keys = new Map([...BASE.keys, ['n3', { 4: key('3') }]]);
  const devices = (change: Partial<WireguardInput>) =>
    desiredWireguard({ ...BASE, keys, ...change }).tunnels.map(({ device, port, peers, routes }) => ({
      device,
      port,
      peers: peers.map(({ node: name, publicKey, endpoint }) => [name, publicKey, endpoint.port]),
      routes: routes.map(({ destination, link }) => `${formatCidr(destination)} ${link}`),
    }));

  it('of this node goes by a second device with all peers, who have their present keys there', () => {
    expect(devices({ nextKeys: next.n1 })).toEqual([
      {
        device: 'wg.sluice',
        port: 51820,
        peers: [
          ['n2', key('2'), 51820],
          ['n3', key('3'), 51820],
        ],
        routes: ['10.244.2.0/26 wg.sluice', '10.244.3.0/26 wg.sluice'],
      },
      {
        device: 'wg-next.sluice',
        port: 51822,
        peers: [
          ['n2', key('2'), 51822],
          ['n3', key('3'), 51822],
        ],
        routes: [],
      },
    ]);
  });

  it('of a peer goes by a second device with that peer alone, which has its next key there', () => {
    const ways = { ...BASE.ways, 4: new Map(BASE.ways[4]).set('n2', 'hand-over' as const) };
    expect(devices({ nextKeys: next.n2, ways })).toMatchObject([
      { device: 'wg.sluice', routes: ['10.244.2.0/26 wg-next.sluice', '10.244.3.0/26 wg.sluice'] },
      { device: 'wg-next.sluice', peers: [['n2', key('n2-next'), 51822]] },
    ]);
    // It has adopted the key, and its usual device has not answered by it yet.
    const adopted = new Map(keys).set('n2', { 4: key('n2-next') });
    expect(devices({ keys: adopted, ways, handingOver: { 4: new Set(['n2']), 6: new Set() } })).toMatchObject([
      {
        peers: [['n2', key('n2-next'), 51820], expect.anything()],
        routes: ['10.244.2.0/26 wg-next.sluice', expect.anything()],
      },
      { peers: [['n2', key('n2-next'), 51822]] },
    ]);
  });

  it('finds ports for the second devices below the usual ones where there are none above', () => {
    const settings = { ...BASE.settings, 4: { enabled: true, port: 65_535, mtu: 0 }, 6: DEFAULT_WIREGUARD[6] };
    expect(devices({ settings, nextKeys: next.n1 }).map(({ port }) => port)).toEqual([65_535, 51820]);
  });

  it('is none where what a peer announces is no key', () => {
    expect(devices({ nextKeys: new Map([['n2', { 4: 'soon' }]]) })).toHaveLength(1);
  });
});

describe('the way to a peer', () => {
  const none = { usual: false, handover: false, changing: false, bound: false };
  it.each([
    ['is none before it answered', none, undefined],
    ['is the usual device when it answered', { ...none, usual: true }, 'usual'],
    ['is the usual device, answer or not, when nothing may go in the clear', { ...none, bound: true }, 'usual'],
    ['stays while the second device is silent', { ...none, usual: true, changing: true }, 'usual'],
    ['is the second device while keys change', { ...none, usual: true, handover: true, changing: true }, 'hand-over'],
    ['is the second device until the new key answers by the usual one', { ...none, handover: true }, 'hand-over'],
    ['is the usual device again then', { ...none, usual: true, handover: true }, 'usual'],
  ])('%s', (_, sessions, way) => expect(wayTo(sessions)).toBe(way));
});
