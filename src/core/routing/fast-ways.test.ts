import { expect, it } from 'vitest';
import { formatCidr, formatIp, parseCidr, parseIp } from '../../base/ip/index.ts';
import { fastWays } from './fast-ways.ts';
import type { DesiredLink, DesiredRoute } from './types.ts';

type Rest = Partial<Omit<DesiredRoute, 'destination' | 'via'>>;

const route = (destination: string, via?: string, rest: Rest = {}): DesiredRoute => ({
  destination: parseCidr(destination)!,
  ...(via === undefined ? {} : { via: parseIp(via)! }),
  type: 'unicast',
  protocol: 80,
  ...rest,
});
const device = (kind: 'vxlan' | 'ipip', name: string) => ({ kind, name }) as DesiredLink;

function ways(routes: readonly DesiredRoute[]): { devices: readonly string[]; hops: string[] } {
  const links = [device('vxlan', 'vxlan.sluice'), device('ipip', 'tunl0')];
  const { devices, hops } = fastWays(
    { routes, links, neighbours: [], fdb: [] },
    { links: ['eth0', 'eth1'], subnets: [] },
  );
  return { devices, hops: hops.map(({ destination, via }) => `${formatCidr(destination)} ${formatIp(via)}`) };
}

it('leads to blocks behind neighbours and behind VXLAN, in both families', () => {
  const found = ways([
    route('10.244.2.0/26', '172.30.1.12'),
    route('fd00:10:244:2::/122', 'fd00:10:244:2::1', { link: 'vxlan.sluice', onlink: true }),
  ]);
  expect(found).toEqual({
    devices: ['eth0', 'eth1', 'vxlan.sluice'],
    hops: ['10.244.2.0/26 172.30.1.12', 'fd00:10:244:2::/122 fd00:10:244:2::1'],
  });
});

it.each<[string, DesiredRoute]>([
  ['through a device that needs the route itself', route('10.244.2.0/26', '172.30.1.12', { link: 'tunl0' })],
  ['to a pod of this node', route('10.244.1.2/32', undefined, { link: 'slc1', scope: 'link' })],
  ['to nobody', route('10.244.1.0/26', undefined, { type: 'blackhole' })],
  ['with an MTU of its own', route('10.244.2.0/26', '172.30.1.12', { mtu: 1400 })],
  ['of another table', route('0.0.0.0/0', '172.30.1.12', { table: 100 })],
  ['by a neighbour of the other family', route('10.244.2.0/26', 'fe80::1', { link: 'eth0' })],
])('leaves out a route %s', (_, each) => {
  expect(ways([each])).toEqual({ devices: [], hops: [] });
});

it('leaves out a block of which a part is elsewhere, and the part, and nothing beside them', () => {
  const routes = [
    route('10.244.2.0/26', '172.30.1.12'),
    route('10.244.2.64/26', '172.30.1.13'),
    route('10.244.2.70/32', '172.30.1.12'),
    route('10.244.2.71/32', undefined, { link: 'slc1', scope: 'link' }),
    route('10.244.2.128/26', '172.30.1.12'),
  ];
  const hops = ['10.244.2.0/26 172.30.1.12', '10.244.2.128/26 172.30.1.12'];
  expect(ways(routes).hops).toEqual(hops);
  expect(ways(routes.toReversed()).hops).toEqual(hops);
});

it('leaves out a block that somebody else leads elsewhere, or a part of it, but none for what is wider', () => {
  const routes = [
    route('10.244.2.0/26', '172.30.1.12'),
    route('10.244.2.64/26', '172.30.1.13'),
    route('10.244.3.0/24', '172.30.1.14'),
    route('fd00:10:244:2::/122', 'fd00:30:1::12'),
  ];
  const hops = (...others: readonly string[]) =>
    fastWays(
      { routes, links: [], neighbours: [], fdb: [] },
      { links: ['eth0'], subnets: [] },
      others.map((text) => parseCidr(text)!),
    ).hops.map(({ via }) => formatIp(via));
  expect(hops('0.0.0.0/0', '::/0', '10.244.2.0/25', '172.30.1.0/24')).toHaveLength(4);
  expect(hops('10.244.2.70/32')).toEqual(['172.30.1.12', '172.30.1.14', 'fd00:30:1::12']);
  expect(hops('10.244.3.0/24', 'fd00:10:244:2::7/128')).toEqual(['172.30.1.12', '172.30.1.13']);
});

const PEER = '172.30.1.12';
const TUNNEL = {
  kind: 'vxlan',
  name: 'vxlan.sluice',
  mac: '66:00:00:00:00:01',
  mtu: 1450,
  vni: 4096,
  port: 4789,
  local: parseIp('172.30.1.11')!,
} as const;

/** What packets for a block behind VXLAN are wrapped in. */
function wrapping(change: {
  readonly links?: readonly string[];
  readonly subnet?: string;
  readonly remote?: string;
  readonly local?: string;
}) {
  const { links = ['eth0'], subnet = '172.30.1.11/24', remote = PEER, local = '172.30.1.11' } = change;
  const via = parseIp('10.244.2.1')!;
  const mac = '66:00:00:00:00:02';
  const items = {
    routes: [route('10.244.2.0/26', '10.244.2.1', { link: TUNNEL.name, onlink: true })],
    links: [{ ...TUNNEL, local: parseIp(local)! }],
    neighbours: [{ link: TUNNEL.name, ip: via, mac }],
    fdb: [{ link: TUNNEL.name, mac, remote: parseIp(remote)! }],
  };
  const { devices, hops } = fastWays(items, { links, subnets: [parseCidr(subnet)!] });
  expect([devices, hops.length]).toEqual([[TUNNEL.name], 1]);
  return hops[0]!.wrapping;
}

it('says what VXLAN wraps packets in for a peer on the segment of the only device', () => {
  const { local: own, vni, port, mac: ownMac } = TUNNEL;
  const peer = parseIp(PEER)!;
  expect(wrapping({})).toEqual({ device: 'eth0', own, peer, vni, port, ownMac, peerMac: '66:00:00:00:00:02' });
});

it.each([
  ['behind a router', { remote: '172.30.2.13' }],
  ['behind one of two devices', { links: ['eth0', 'eth1'] }],
  ['over IPv6', { remote: 'fd00:30:1::12', local: 'fd00:30:1::11', subnet: 'fd00:30:1::11/64' }],
])('leaves that to the tunnel for a peer %s', (_, change) => {
  expect(wrapping(change)).toBeUndefined();
});
