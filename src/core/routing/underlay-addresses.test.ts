import { expect, it } from 'vitest';
import { formatIp, parseCidr, parseIp } from '../../base/ip/index.ts';
import type { BackendName, RoutingNode, RoutingPool } from './types.ts';
import { underlayAddresses, underlayFamilies } from './underlay-addresses.ts';

const node = (name: string, ...addresses: string[]): RoutingNode => ({
  name,
  addresses: addresses.map((each) => parseIp(each)!),
  tunnelAddresses: {},
  underlayMacs: [],
});
const pool = (cidr: string, vxlanMode: RoutingPool['vxlanMode'] = 'Never'): RoutingPool => ({
  name: cidr,
  cidr: parseCidr(cidr)!,
  vxlanMode,
  ipipMode: 'Never',
});
const [POOL4, POOL6] = ['10.244.0.0/16', 'fd00:10:244::/56'] as const;
const SELF = node('a', '192.0.2.1', '2001:db8::1');

it.each<[string, BackendName, readonly RoutingPool[], string]>([
  ['a tunnel by the first address, whatever it carries', 'vxlan', [pool(POOL4), pool(POOL6)], '192.0.2.2'],
  ['plain routes by those of the pods', 'host-gw', [pool(POOL4), pool(POOL6)], '192.0.2.2 2001:db8::2'],
  ['plain routes of one family', 'host-gw', [pool(POOL6)], '2001:db8::2'],
  ["BIRD's routes by those of the pods", 'none', [pool(POOL4)], '192.0.2.2'],
  ['both where some are tunnels', 'none', [pool(POOL4), pool(POOL6, 'CrossSubnet')], '192.0.2.2 2001:db8::2'],
])('the way to a peer is %s', (_, backend, pools, expected) => {
  const families = underlayFamilies({ node: 'a', nodes: new Map([['a', SELF]]), pools, backend }, []);
  expect(
    underlayAddresses(node('b', '192.0.2.2', '2001:db8::2'), families)
      .map(formatIp)
      .join(' '),
  ).toBe(expected);
});

it('encryption goes by the addresses of its family, and a peer that has none of those by its first', () => {
  const input = { node: 'a', nodes: new Map([['a', SELF]]), pools: [pool(POOL4)], backend: 'vxlan' } as const;
  expect(underlayFamilies(input, [6])).toEqual([4, 6]);
  expect(underlayAddresses(node('b', '2001:db8::2'), [4]).map(formatIp)).toEqual(['2001:db8::2']);
});
