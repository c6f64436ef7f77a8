import { describe, expect, it } from 'vitest';
import { formatCidr, parseCidr, parseIp } from '../../base/ip/index.ts';
import { DEFAULT_SETTINGS } from '../routing/index.ts';
import type { RoutingBlock, RoutingInput } from '../routing/index.ts';
import { FlannelPeers } from './flannel-peers.ts';
import type { FlannelLease, LeaseReading } from './lease.ts';
import type { NetConf } from './net-conf.ts';

const NET_CONF: NetConf = {
  networks: { 4: parseCidr('10.244.0.0/16')! },
  backend: { type: 'vxlan', vni: 1, port: 8472, directRouting: false, mtu: 0 },
};

function lease(n: number, backendType = 'vxlan', vni = 1): LeaseReading {
  const vtep = { vni, mac: `6a:00:00:00:00:0${n}` };
  const subnet = parseCidr(`10.244.${n}.0/24`)!;
  const found: FlannelLease = {
    backendType,
    families: { 4: { subnet, publicIp: parseIp(`192.0.2.${n}`)!, ...(backendType === 'vxlan' ? { vtep } : {}) } },
  };
  return { lease: found, problems: [] };
}

function block(cidr: string, node: string): RoutingBlock {
  return { cidr: parseCidr(cidr)!, node, elsewhere: [] };
}

function input(...blocks: readonly RoutingBlock[]): RoutingInput {
  const node = (name: string, n: number) =>
    [
      name,
      { name, addresses: [parseIp(`198.51.100.${n}`)!], tunnelAddresses: {}, underlayMacs: ['02:00:00:00:00:01'] },
    ] as const;
  return {
    node: 'n1',
    backend: 'flannel-vxlan',
    pools: [],
    nodes: new Map([node('n1', 1), node('n2', 2), node('n3', 3)]),
    blocks,
    endpoints: [],
    underlay: { subnets: [], links: [], mtu: 1500, peerMtu: new Map() },
    settings: DEFAULT_SETTINGS,
    configuredMtu: 0,
  };
}

const owners = ({ blocks }: RoutingInput): readonly string[] =>
  blocks.map(({ cidr, node }) => `${formatCidr(cidr)} ${node}`).sort();

describe('the peers of a flannel network', () => {
  it('have all of their subnets, at the address and behind the device that they say', () => {
    const leases = new Map([
      ['n1', lease(1)],
      ['n2', lease(2)],
    ]);
    const given = input(block('10.244.1.64/26', 'n1'), block('10.244.2.64/26', 'n2'), block('10.250.0.0/26', 'n3'));
    const adapted = new FlannelPeers(NET_CONF).apply(given, leases);
    // Blocks of a peer with a lease lie in its subnet; the own ones stay beside the own subnet.
    expect(owners(adapted)).toEqual(['10.244.1.0/24 n1', '10.244.1.64/26 n1', '10.244.2.0/24 n2', '10.250.0.0/26 n3']);
    expect(adapted.nodes.get('n2')).toEqual({
      name: 'n2',
      addresses: [parseIp('192.0.2.2')],
      tunnelAddresses: { vxlan: [parseIp('10.244.2.0')] },
      vtepMac: '6a:00:00:00:00:02',
      underlayMacs: ['02:00:00:00:00:01'],
    });
    expect(adapted.nodes.get('n3')).toBe(given.nodes.get('n3'));
    expect(adapted.ownProblems).toEqual([]);
  });

  it('are the same objects while their leases are', () => {
    const peers = new FlannelPeers(NET_CONF);
    const leases = new Map([
      ['n1', lease(1)],
      ['n2', lease(2)],
    ]);
    const given = input();
    const [first, second] = [peers.apply(given, leases), peers.apply({ ...given }, new Map(leases))];
    expect(second.nodes.get('n2')).toBe(first.nodes.get('n2'));
    second.blocks.forEach((each, i) => expect(each).toBe(first.blocks[i]));
  });

  it('have no second block where the own one is all of the subnet', () => {
    const adapted = new FlannelPeers(NET_CONF).apply(input(block('10.244.1.0/24', 'n1')), new Map([['n1', lease(1)]]));
    expect(owners(adapted)).toEqual(['10.244.1.0/24 n1']);
  });

  it('are left out and named when they speak another way, and named when they mean another network', () => {
    const leases = new Map<string, LeaseReading>([
      ['n2', lease(2, 'host-gw')],
      ['n3', lease(3, 'vxlan', 9)],
      ['n4', { lease: undefined, problems: ['it has no IPv4 podCIDR'] }],
    ]);
    const adapted = new FlannelPeers(NET_CONF).apply(input(), leases);
    expect(owners(adapted)).toEqual(['10.244.3.0/24 n3']);
    expect(adapted.ownProblems).toEqual([
      {
        peer: 'n2',
        code: 'bad-lease',
        message: `flannel's lease of node n2: its backend is 'host-gw', the network's is vxlan`,
      },
      {
        peer: 'n3',
        code: 'bad-lease',
        message: `flannel's lease of node n3: its VXLAN identifier is 9, the network's is 1`,
      },
      { peer: 'n4', code: 'bad-lease', message: `flannel's lease of node n4: it has no IPv4 podCIDR` },
    ]);
  });
});
