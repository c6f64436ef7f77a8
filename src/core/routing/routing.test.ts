import { describe, expect, it } from 'vitest';
import { formatCidr, formatIp, parseCidr, parseIp } from '../../base/ip/index.ts';
import { DEFAULT_SETTINGS, desiredNetwork, diffNetwork, vtepMac } from './index.ts';
import type { ActualNetwork, DesiredNetwork, RoutingChange, RoutingInput, RoutingNode, RoutingPool } from './index.ts';
import { returnMarks } from './return-marks.ts';
import type { DesiredRoute } from './types.ts';

const ip = (text: string) => parseIp(text)!;
const cidr = (text: string) => parseCidr(text)!;

const node = (name: string, addresses: readonly string[], tunnel: readonly string[] = []): RoutingNode => ({
  name,
  underlayMacs: [`02:00:00:00:00:0${name}`],
  addresses: addresses.map(ip),
  tunnelAddresses: { vxlan: tunnel.map(ip), udp: tunnel.map(ip) },
});

const NODES = new Map(
  [
    node('a', ['172.30.1.11', 'fd00:30:1::11'], ['10.244.0.1', 'fd00:10:244::1']),
    node('b', ['172.30.1.12', 'fd00:30:1::12'], ['10.244.0.65', 'fd00:10:244::41']),
    node('c', ['172.30.2.13', 'fd00:30:2::13'], ['10.244.0.129', 'fd00:10:244::81']),
  ].map((each) => [each.name, each]),
);

const BASE: RoutingInput = {
  node: 'a',
  backend: 'vxlan',
  pools: [],
  nodes: NODES,
  blocks: [
    { cidr: cidr('10.244.0.0/26'), node: 'a', elsewhere: [] },
    { cidr: cidr('10.244.0.64/26'), node: 'b', elsewhere: [] },
    { cidr: cidr('10.244.0.128/26'), node: 'c', elsewhere: [] },
    { cidr: cidr('fd00:10:244::80/122'), node: 'c', elsewhere: [] },
  ],
  endpoints: [{ interface: 'slc1', mac: '02:00:00:00:00:01', addresses: [ip('10.244.0.5'), ip('fd00:10:244::5')] }],
  underlay: {
    links: ['eth0'],
    subnets: [cidr('172.30.1.11/24'), cidr('fd00:30:1::11/64')],
    mtu: 1500,
    peerMtu: new Map(),
  },
  settings: DEFAULT_SETTINGS,
  configuredMtu: 0,
};

const routesOf = ({ routes }: DesiredNetwork): string[] =>
  routes
    .map(({ destination, type, via, link, mtu }) =>
      [
        formatCidr(destination),
        type === 'blackhole' ? type : undefined,
        via === undefined ? undefined : `via ${formatIp(via)}`,
        link === undefined ? undefined : `dev ${link}`,
        mtu === undefined ? undefined : `mtu ${mtu}`,
      ]
        .filter((part) => part !== undefined)
        .join(' '),
    )
    .sort();

describe('the routes of a node', () => {
  it('send everything through the device of the agent under udp', () => {
    const desired = desiredNetwork({ ...BASE, backend: 'udp' });
    expect(routesOf(desired)).toContain('10.244.0.64/26 via 10.244.0.65 dev tun.sluice');
    expect(desired.links).toEqual([
      { kind: 'tun', name: 'tun.sluice', mac: vtepMac('a'), mtu: 1472, port: 8285, local: ip('172.30.1.11') },
    ]);
    expect(desired.fdb).toContainEqual({ link: 'tun.sluice', mac: vtepMac('b'), remote: ip('172.30.1.12') });
    expect(desired.addresses.map(({ link }) => link)).toEqual(['tun.sluice', 'tun.sluice']);
    expect(desired.podMtu).toBe(1472);
    expect(desired.returnPeers.map(({ macs }) => macs)).toEqual([[vtepMac('b')], [vtepMac('c')]]);
  });

  it('take up a device that an earlier agent carried, and take no route of it away', () => {
    const desired = desiredNetwork({ ...BASE, backend: 'udp' });
    const carried = applied(EMPTY, diffNetwork(desired, EMPTY));
    const left = { ...carried, links: carried.links.map((link) => ({ ...link, tun: undefined })), fdb: [] };
    const changes = diffNetwork(desired, left);
    expect(new Set(changes.map(({ kind }) => kind))).toEqual(new Set(['add-link', 'replace-fdb']));
  });

  it('send everything through the tunnel under vxlan', () => {
    const desired = desiredNetwork(BASE);
    expect(routesOf(desired)).toEqual([
      '10.244.0.0/26 blackhole',
      '10.244.0.128/26 via 10.244.0.129 dev vxlan.sluice',
      '10.244.0.5/32 dev slc1',
      '10.244.0.64/26 via 10.244.0.65 dev vxlan.sluice',
      'fd00:10:244::5/128 dev slc1',
      'fd00:10:244::80/122 via fd00:10:244::81 dev vxlan.sluice',
    ]);
    expect(desired.fdb.map(({ remote }) => formatIp(remote))).toEqual(['172.30.1.12', '172.30.2.13']);
    expect(desired.podMtu).toBe(1450);
  });

  it('go straight to peers in the own subnet and through the tunnel to others under cross-subnet', () => {
    const desired = desiredNetwork({ ...BASE, backend: 'cross-subnet' });
    expect(routesOf(desired)).toContain('10.244.0.64/26 via 172.30.1.12');
    expect(routesOf(desired)).toContain('10.244.0.128/26 via 10.244.0.129 dev vxlan.sluice');
    expect(desired.fdb.map(({ remote }) => formatIp(remote))).toEqual(['172.30.2.13']);
  });

  it('report a peer in another subnet under host-gw, name both addresses and leave the rest whole', () => {
    const desired = desiredNetwork({ ...BASE, backend: 'host-gw' });
    expect(routesOf(desired)).toEqual([
      '10.244.0.0/26 blackhole',
      '10.244.0.5/32 dev slc1',
      '10.244.0.64/26 via 172.30.1.12',
      'fd00:10:244::5/128 dev slc1',
    ]);
    expect(desired.links).toEqual([]);
    expect(desired.podMtu).toBe(1500);
    expect(desired.problems.map(({ peer, code }) => [peer, code])).toEqual([
      ['c', 'not-in-subnet'],
      ['c', 'not-in-subnet'],
    ]);
    expect(desired.problems[0]?.message).toMatch(/172\.30\.2\.13.*172\.30\.1\.11/);
  });

  it('follow a borrowed address to the node where it lives, past the block it came from', () => {
    const blocks = [
      { cidr: cidr('10.244.0.0/26'), node: 'a', elsewhere: [{ ip: ip('10.244.0.9'), node: 'b' }] },
      { cidr: cidr('10.244.0.64/26'), node: 'b', elsewhere: [{ ip: ip('10.244.0.70'), node: 'a' }] },
      { cidr: cidr('10.244.0.192/26'), node: undefined, elsewhere: [{ ip: ip('10.244.0.200'), node: 'c' }] },
    ];
    expect(routesOf(desiredNetwork({ ...BASE, blocks, endpoints: [] }))).toEqual([
      '10.244.0.0/26 blackhole',
      '10.244.0.200/32 via 10.244.0.129 dev vxlan.sluice',
      '10.244.0.64/26 via 10.244.0.65 dev vxlan.sluice',
      '10.244.0.9/32 via 10.244.0.65 dev vxlan.sluice',
    ]);
  });

  it('carry the smaller MTU of a path, and pods get the smallest', () => {
    const underlay = { ...BASE.underlay, peerMtu: new Map([['c', { 4: 1400 }]]) };
    const desired = desiredNetwork({ ...BASE, underlay });
    expect(routesOf(desired)).toContain('10.244.0.128/26 via 10.244.0.129 dev vxlan.sluice mtu 1350');
    expect(desired.links[0]?.mtu).toBe(1450);
    expect(desired.podMtu).toBe(1350);
    expect(desiredNetwork({ ...BASE, underlay, configuredMtu: 1280 }).podMtu).toBe(1280);
  });

  it('are narrow in the family of which the path is narrow, and in both where one device carries both over it', () => {
    const blocks = [
      { cidr: cidr('10.244.0.64/26'), node: 'b', elsewhere: [] },
      { cidr: cidr('fd00:10:244::40/122'), node: 'b', elsewhere: [] },
    ];
    const underlay = { ...BASE.underlay, peerMtu: new Map([['b', { 4: 1500, 6: 1400 }]]) };
    const mtus = (backend: RoutingInput['backend']) =>
      desiredNetwork({ ...BASE, backend, blocks, endpoints: [], underlay })
        .routes.filter(({ via }) => via !== undefined)
        .map(({ destination, mtu }) => [destination.ip.family, mtu]);
    expect(mtus('host-gw')).toEqual([
      [4, undefined],
      [6, 1400],
    ]);
    // Its outer packets are of IPv4, the family of the nodes' first address.
    expect(mtus('vxlan')).toEqual([
      [4, undefined],
      [6, undefined],
    ]);
    expect(desiredNetwork({ ...BASE, backend: 'vxlan', underlay }).podMtu).toBe(1450);
  });

  it('say what a narrow path to a peer that is reached directly carries', () => {
    const peerMtu = new Map([['b', { 4: 1400 }]]);
    const { routes, podMtu } = desiredNetwork({
      ...BASE,
      backend: 'cross-subnet',
      underlay: { ...BASE.underlay, peerMtu },
    });
    expect(routes.find(({ via }) => via !== undefined && formatIp(via) === '172.30.1.12')?.mtu).toBe(1400);
    expect(podMtu).toBe(1400);
  });

  it.each([
    [1300, [1300, undefined, 1300]],
    [1450, [1450, undefined, 1450]],
    [8950, [8950, 1450, 1450]],
  ])('have the MTU that was set for VXLAN, %i, and carry no more than paths do', (set, expected) => {
    const settings = { ...DEFAULT_SETTINGS, mtu: { vxlan: { 4: set } } };
    const { links, routes, podMtu } = desiredNetwork({ ...BASE, settings });
    const route = routes.find(({ link }) => link === 'vxlan.sluice');
    expect([links[0]?.mtu, route?.mtu, podMtu]).toEqual(expected);
  });

  it('count 70 bytes where IPv6 carries the tunnel', () => {
    const nodes = new Map([...NODES].map(([name, each]) => [name, { ...each, addresses: each.addresses.slice(1) }]));
    const desired = desiredNetwork({ ...BASE, nodes });
    expect(desired.links[0]?.mtu).toBe(1430);
    expect(desired.fdb.map(({ remote }) => formatIp(remote))).toEqual(['fd00:30:1::12', 'fd00:30:2::13']);
    expect(desired.podMtu).toBe(1430);
  });

  it('name a block owner that the cluster does not have, and keep local pods reachable before this node is known', () => {
    const nodes = new Map([...NODES].filter(([name]) => name !== 'c'));
    expect(desiredNetwork({ ...BASE, nodes }).problems.map(({ code }) => code)).toEqual([
      'unknown-node',
      'unknown-node',
    ]);
    const alone = desiredNetwork({ ...BASE, nodes: new Map() });
    expect(routesOf(alone)).toContain('10.244.0.5/32 dev slc1');
    expect(alone.links).toEqual([]);
  });
});

describe('the way to a block', () => {
  const pool = (text: string, vxlanMode: RoutingPool['vxlanMode']): RoutingPool => ({
    name: text,
    cidr: cidr(text),
    vxlanMode,
    ipipMode: 'Never',
  });
  const blocks = [
    { cidr: cidr('10.1.0.0/26'), node: 'b', elsewhere: [] },
    { cidr: cidr('10.2.0.0/26'), node: 'b', elsewhere: [] },
    { cidr: cidr('10.3.0.0/26'), node: 'b', elsewhere: [] },
    { cidr: cidr('10.3.0.64/26'), node: 'c', elsewhere: [] },
    { cidr: cidr('10.4.0.0/26'), node: 'b', elsewhere: [] },
  ];
  const pools = [pool('10.1.0.0/16', 'Always'), pool('10.2.0.0/16', 'Never'), pool('10.3.0.0/16', 'CrossSubnet')];

  it('is what its pool asks for, and the backend of the cluster where that asks for no tunnel', () => {
    const desired = desiredNetwork({ ...BASE, backend: 'host-gw', pools, blocks, endpoints: [] });
    expect(routesOf(desired)).toEqual([
      '10.1.0.0/26 via 10.244.0.65 dev vxlan.sluice',
      '10.2.0.0/26 via 172.30.1.12',
      '10.3.0.0/26 via 172.30.1.12',
      '10.3.0.64/26 via 10.244.0.129 dev vxlan.sluice',
      // Of no pool.
      '10.4.0.0/26 via 172.30.1.12',
    ]);
    expect(desired.problems).toEqual([]);
    expect(desired.podMtu).toBe(1450);
  });

  it('goes by IPIP to the peer itself where a pool asks for that, in IPv4 only', () => {
    const tunnelled = [
      { ...pool('10.1.0.0/16', 'Never'), ipipMode: 'Always' as const },
      { ...pool('10.3.0.0/16', 'Never'), ipipMode: 'CrossSubnet' as const },
      { ...pool('fd00:1::/64', 'Never'), ipipMode: 'Always' as const },
    ];
    const own = new Map(NODES).set('a', { ...NODES.get('a')!, tunnelAddresses: { ipip: [ip('10.1.0.1')] } });
    const v6 = { cidr: cidr('fd00:1::40/122'), node: 'b', elsewhere: [] };
    const used = blocks.filter(({ cidr: { ip: first } }) =>
      [0x0a010000n, 0x0a030000n, 0x0a030040n].includes(first.value),
    );
    const desired = desiredNetwork({ ...BASE, nodes: own, pools: tunnelled, blocks: [...used, v6], endpoints: [] });
    expect(routesOf(desired)).toEqual([
      '10.1.0.0/26 via 172.30.1.12 dev ipip.sluice',
      '10.3.0.0/26 via 172.30.1.12',
      '10.3.0.64/26 via 172.30.2.13 dev ipip.sluice',
    ]);
    expect(desired.links).toEqual([{ kind: 'ipip', name: 'ipip.sluice', mtu: 1480, local: ip('172.30.1.11') }]);
    expect(desired.addresses).toEqual([{ link: 'ipip.sluice', address: cidr('10.1.0.1/32') }]);
    expect(desired.problems.map(({ code }) => code)).toEqual(['unsupported-family']);
    expect(desired.podMtu).toBe(1480);
  });

  it('is reported once where the kernel cannot make its device, and the rest is as it would be', () => {
    const problem = { peer: '', code: 'no-device', message: 'no VXLAN here' } as const;
    const desired = desiredNetwork({
      ...BASE,
      backend: 'host-gw',
      pools,
      blocks,
      missingDevices: new Map([['vxlan.sluice', problem]]),
    });
    expect(desired.problems).toEqual([problem]);
    expect(desired.links).toEqual([]);
    expect(routesOf(desired).filter((route) => !route.includes('slc1'))).toEqual([
      '10.2.0.0/26 via 172.30.1.12',
      '10.3.0.0/26 via 172.30.1.12',
      '10.4.0.0/26 via 172.30.1.12',
    ]);
  });

  it('is that of the narrowest pool, in whatever order they come', () => {
    const overlapping = [pool('10.1.0.0/16', 'Always'), pool('10.1.0.0/24', 'Never')];
    for (const order of [overlapping, overlapping.toReversed()]) {
      const desired = desiredNetwork({ ...BASE, backend: 'host-gw', pools: order, blocks, endpoints: [] });
      expect(routesOf(desired)).toContain('10.1.0.0/26 via 172.30.1.12');
    }
  });

  it('needs no device when no pool asks for one, whatever the cluster has', () => {
    const plain = [pool('10.2.0.0/16', 'Never')];
    expect(desiredNetwork({ ...BASE, backend: 'host-gw', pools: plain }).links).toEqual([]);
    expect(desiredNetwork({ ...BASE, backend: 'vxlan', pools: plain }).links).toHaveLength(1);
  });

  it('knows a peer by all the ways that its packets may come', () => {
    const desired = desiredNetwork({ ...BASE, backend: 'host-gw', pools, blocks });
    const macs = Object.fromEntries(desired.returnPeers.map((peer) => [peer.node, peer.macs]));
    expect(macs).toEqual({ b: [vtepMac('b'), '02:00:00:00:00:0b'], c: [vtepMac('c')] });
  });
});

describe('the way back for connections that come through a peer', () => {
  const back = (input: RoutingInput): string[] =>
    desiredNetwork(input).returnRoutes.map(({ table, via }) => `table ${table} via ${formatIp(via!)}`);

  it('is a default route per peer and family behind the tunnel, whether the peer has pods or not', () => {
    const desired = desiredNetwork({ ...BASE, blocks: [] });
    expect(desired.returnRoutes).toHaveLength(4);
    const leading = desired.rules.filter(({ action }) => action === undefined);
    expect(leading.map(({ table }) => table)).toEqual(desired.returnRoutes.map(({ table }) => table));
    expect(desired.returnPeers.map(({ node: name }) => name)).toEqual(['b', 'c']);
    expect(desired.neighbours.map(({ ip: address }) => formatIp(address))).toContain('10.244.0.65');
  });

  it('costs a packet without a mark one rule, however many peers there are', () => {
    const { rules } = desiredNetwork({ ...BASE, blocks: [] });
    for (const family of [4, 6]) {
      const own = rules.filter((rule) => rule.family === family).toSorted((a, b) => a.priority - b.priority);
      const [past, ...others] = own;
      expect(past?.mark).toEqual({ value: 0, mask: 0xffff00 });
      expect(past?.action).toEqual({ goto: others.at(-1)!.priority });
      expect(others.map(({ priority }) => priority)).toEqual([800, 800, 801]);
      expect(others.at(-1)?.action).toBe('nop');
    }
    expect(desiredNetwork({ ...BASE, nodes: new Map([...NODES].slice(0, 1)) }).rules).toEqual([]);
  });

  const macsOf = ({ returnPeers }: DesiredNetwork): unknown =>
    Object.fromEntries(returnPeers.map(({ node: name, macs }) => [name, macs]));

  it('goes to the address of a peer that is reached directly, known by its own hardware address', () => {
    const desired = desiredNetwork({ ...BASE, backend: 'host-gw' });
    const table = desired.returnRoutes[0]!.table;
    expect(back({ ...BASE, backend: 'host-gw' })).toEqual([
      `table ${table} via 172.30.1.12`,
      `table ${table} via fd00:30:1::12`,
    ]);
    expect(macsOf(desired)).toEqual({ b: ['02:00:00:00:00:0b'] });
    expect(desired.looseLinks).toEqual(['eth0']);
    // The peer that cannot be reached is reported for its pods, not for its want of a way back.
    expect(desiredNetwork({ ...BASE, backend: 'host-gw', blocks: [] }).problems).toEqual([]);
  });

  it('tells peers behind the tunnel and direct ones apart', () => {
    const desired = desiredNetwork({ ...BASE, backend: 'cross-subnet' });
    expect(macsOf(desired)).toEqual({ b: ['02:00:00:00:00:0b'], c: [vtepMac('c')] });
    expect(desired.looseLinks).toEqual(['vxlan.sluice', 'eth0']);
  });

  it('is missing for a direct peer that has not said how its packets are known', () => {
    const nodes = new Map(NODES).set('b', { ...NODES.get('b')!, underlayMacs: [] });
    const desired = desiredNetwork({ ...BASE, backend: 'host-gw', nodes });
    expect([desired.returnRoutes, macsOf(desired)]).toEqual([[], { b: [] }]);
  });

  it('is that of an IP-in-IP peer through the tunnel, known by the source of what it wraps', () => {
    const nodes = new Map(NODES).set('a', { ...NODES.get('a')!, tunnelAddresses: { ipip: [ip('10.1.0.1')] } });
    const desired = desiredNetwork({ ...BASE, backend: 'ipip', nodes });
    const known = desired.returnPeers.map(({ node: name, macs, outers }) => [name, macs, outers.map(formatIp)]);
    expect(known).toEqual([
      ['b', [], ['172.30.1.12']],
      ['c', [], ['172.30.2.13']],
    ]);
    expect(desired.returnRoutes.map(({ link, via }) => `${link} ${formatIp(via!)}`)).toEqual([
      'ipip.sluice 172.30.1.12',
      'ipip.sluice 172.30.2.13',
    ]);
  });

  it.each([
    ['host-gw', ['172.30.1.12', 'fd00:30:1::12', 'fe80::ff:fe00:b']],
    ['none', ['172.30.1.12', 'fd00:30:1::12', 'fe80::ff:fe00:b']],
    ['vxlan', undefined],
  ] as const)('begins at the next hops of %s that know this node, on its own segment alone', (backend, hops) => {
    const hopsOf = (input: RoutingInput) =>
      desiredNetwork(input).returnPeers.flatMap((peer) =>
        peer.hops.length === 0 ? [] : [[peer.node, peer.hops.map(formatIp)]],
      );
    expect(hopsOf({ ...BASE, backend })).toEqual(hops === undefined ? [] : [['b', hops]]);
    const silent = new Map(NODES).set('a', { ...NODES.get('a')!, underlayMacs: [] });
    expect(hopsOf({ ...BASE, backend, nodes: silent })).toEqual([]);
  });

  it('keeps a peer its mark when others come and go', () => {
    const marks = returnMarks(['b', 'c', 'node-17']);
    expect(returnMarks(['a', 'b', 'c', 'd', 'e']).get('b')).toBe(marks.get('b'));
    expect(new Set(returnMarks(Array.from({ length: 5000 }, (_, i) => `node-${i}`)).values()).size).toBe(5000);
  });
});

const EMPTY: ActualNetwork = {
  links: [],
  addresses: [],
  routes: [],
  neighbours: [],
  fdb: [],
  rules: [],
  returnRoutes: [],
};

/** Applies changes as the kernel would: with a link goes what is on it, and nothing may be put on a link that is not there. */
function applied(state: ActualNetwork, changes: readonly RoutingChange[]): ActualNetwork {
  let { links, addresses, neighbours, fdb, rules } = state;
  let routes = [...state.routes, ...state.returnRoutes];
  const place = ({ table, destination }: DesiredRoute) => `${table} ${formatCidr(destination)}`;
  const needsLink = (link: string | undefined): void => {
    if (link?.endsWith('.sluice') && !links.some(({ name }) => name === link)) throw new Error('no such device');
  };
  for (const change of changes) {
    switch (change.kind) {
      case 'add-link':
        if (links.some(({ name }) => name === change.link.name)) throw new Error('exists');
        links = [...links, { mac: undefined, ...change.link, kind: change.link.type }];
        break;
      case 'set-link':
        links = links.map((link) => (link.name === change.link ? { ...link, ...change, kind: link.kind } : link));
        break;
      case 'delete-link':
        links = links.filter(({ name }) => name !== change.link);
        addresses = addresses.filter(({ link }) => link !== change.link);
        neighbours = neighbours.filter(({ link }) => link !== change.link);
        fdb = fdb.filter(({ link }) => link !== change.link);
        routes = routes.filter(({ link }) => link !== change.link);
        break;
      case 'replace-address':
        needsLink(change.address.link);
        addresses = [...addresses, change.address];
        break;
      case 'delete-address':
        addresses = addresses.filter((each) => each !== change.address);
        break;
      case 'replace-route':
        needsLink(change.route.link);
        routes = [...routes.filter((each) => place(each) !== place(change.route)), change.route];
        break;
      case 'delete-route':
        if (!routes.includes(change.route)) throw new Error('no such route');
        routes = routes.filter((each) => each !== change.route);
        break;
      case 'replace-neighbour':
        needsLink(change.neighbour.link);
        neighbours = [
          ...neighbours.filter(
            (n) => n.link !== change.neighbour.link || formatIp(n.ip) !== formatIp(change.neighbour.ip),
          ),
          change.neighbour,
        ];
        break;
      case 'delete-neighbour':
        neighbours = neighbours.filter((each) => each !== change.neighbour);
        break;
      case 'replace-fdb':
        needsLink(change.entry.link);
        fdb = [...fdb, change.entry];
        break;
      case 'add-rule':
        rules = [...rules, change.rule];
        break;
      case 'delete-rule':
        rules = rules.filter((each) => each !== change.rule);
        break;
      case 'delete-fdb':
        fdb = fdb.filter((each) => each !== change.entry);
        break;
    }
  }
  return {
    links,
    addresses,
    routes: routes.filter(({ table }) => table === undefined),
    neighbours,
    fdb,
    rules,
    returnRoutes: routes.filter(({ table }) => table !== undefined),
  };
}

describe('walking from any state to any other', () => {
  const moved = new Map(NODES).set('b', node('b', ['172.30.2.99', 'fd00:30:2::99'], ['10.244.0.66']));
  const tunnelPool: RoutingPool = {
    name: 'pool',
    cidr: cidr('10.244.0.128/25'),
    vxlanMode: 'Always',
    ipipMode: 'Never',
  };
  const renumbered = new Map(NODES).set('a', node('a', ['172.30.1.99'], ['10.244.0.2']));
  const states: Record<string, RoutingInput> = {
    vxlan: BASE,
    'host-gw': { ...BASE, backend: 'host-gw' },
    'cross-subnet': { ...BASE, backend: 'cross-subnet' },
    'peer moved': { ...BASE, nodes: moved },
    'own address changed': { ...BASE, nodes: renumbered },
    'a pool with a tunnel': { ...BASE, backend: 'host-gw', pools: [tunnelPool] },
    'another VNI': { ...BASE, settings: { ...DEFAULT_SETTINGS, vxlan: { vni: 1, port: 8472 } } },
    udp: { ...BASE, backend: 'udp' },
    'udp at another port': { ...BASE, backend: 'udp', settings: { ...DEFAULT_SETTINGS, udp: { port: 9999 } } },
    ipip: { ...BASE, backend: 'ipip' },
    'no pods': { ...BASE, endpoints: [] },
    'node unknown': { ...BASE, nodes: new Map() },
    'smaller MTU': { ...BASE, underlay: { ...BASE.underlay, mtu: 1400 } },
    'block given away': { ...BASE, blocks: BASE.blocks.map((block) => ({ ...block, node: 'b' })) },
  };
  const cases = Object.keys(states).flatMap((from) => Object.keys(states).map((to) => [from, to] as const));

  it.each(cases)('reaches the same kernel state from "%s" to "%s" as from nothing', (from, to) => {
    const target = desiredNetwork(states[to]!);
    const start = applied(EMPTY, diffNetwork(desiredNetwork(states[from]!), EMPTY));
    const end = applied(start, diffNetwork(target, start));
    expect(diffNetwork(target, end)).toEqual([]);
    const fresh = applied(EMPTY, diffNetwork(target, EMPTY));
    expect(canonical(end)).toEqual(canonical(fresh));
  });
});

function canonical({ links, addresses, routes, neighbours, fdb, rules, returnRoutes }: ActualNetwork): unknown {
  const text = (items: readonly unknown[]): string[] =>
    items
      .map((item) => JSON.stringify(item, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)))
      .sort();
  const devices = links.map(({ name, kind, mac, mtu, vxlan, tun }) => ({ name, kind, mac, mtu, vxlan, tun }));
  return [devices, addresses, routes, neighbours, fdb, rules, returnRoutes].map((items) => text(items));
}
