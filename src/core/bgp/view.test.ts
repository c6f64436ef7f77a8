import { describe, expect, it } from 'vitest';
import { formatCidr, formatIp } from '../../base/ip/index.ts';
import { THREE_NODES, cidr, ip, node, viewOf } from './bgp.test-support.ts';
import type { Scene } from './bgp.test-support.ts';
import { bgpNode } from './read-node.ts';
import type { BgpService } from './types.ts';

const names = (scene: Scene): string[] => viewOf(scene).sessions.map(({ name }) => name);
const session = (scene: Scene, name: string) => viewOf(scene).sessions.find((each) => each.name === name)!;

describe('the mesh', () => {
  it('is with every other node, in every family that both have', () => {
    const nodes = [
      node('a', ['172.30.1.11/24', 'fd00::11/64']),
      node('b', ['172.30.1.12/24', 'fd00::12/64']),
      node('c', ['fd00::13/64']),
    ];
    expect(names({ nodes })).toEqual(['Mesh_172_30_1_12', 'Mesh_fd00__12', 'Mesh_fd00__13']);
  });

  it('has one side of each session wait, the one that Calico has wait: addresses are compared as text', () => {
    const nodes = [node('a', ['10.0.0.9/24']), node('b', ['10.0.0.10/24'])];
    expect(session({ nodes }, 'Mesh_10_0_0_10').passive).toBe(false);
    expect(session({ nodes, node: 'b' }, 'Mesh_10_0_0_9').passive).toBe(true);
  });

  it('leaves out route reflectors, and they leave out the mesh', () => {
    const nodes = [...THREE_NODES.slice(0, 2), node('c', ['172.30.1.13/24'], { clusterId: '224.0.0.1' })];
    expect(names({ nodes })).toEqual(['Mesh_172_30_1_12']);
    expect(names({ nodes, node: 'c' })).toEqual([]);
  });

  it('can be off', () => {
    expect(names({ configurations: { default: { nodeToNodeMeshEnabled: false } } })).toEqual([]);
  });

  it('uses the AS number and port that each node has', () => {
    const nodes = [THREE_NODES[0]!, node('b', ['172.30.1.12/24'], { asNumber: 65_001 })];
    const configurations = { default: { asNumber: '1.10', listenPort: 1790 }, 'node.b': { listenPort: 1791 } };
    expect(session({ nodes, configurations }, 'Mesh_172_30_1_12_port_1791')).toMatchObject({
      localAs: 65_546,
      peerAs: 65_001,
      listenPort: 1790,
    });
  });

  it('does not come up without the password that it is to have, and says which', () => {
    const configurations = { default: { nodeMeshPassword: { secretKeyRef: { name: 'bgp', key: 'mesh' } } } };
    expect(viewOf({ configurations })).toMatchObject({
      sessions: [],
      problems: [{ object: 'BGPConfiguration/default', message: expect.stringContaining('key mesh of Secret bgp') }],
    });
    expect(session({ configurations, secrets: { 'bgp/mesh': 'missing' } }, 'Mesh_172_30_1_12').password).toBe(
      'missing',
    );
    expect(viewOf({ configurations, secrets: { 'bgp/mesh': 'a"; }' } }).problems).toHaveLength(1);
  });
});

describe('peers', () => {
  it('count for all nodes, for one, or for those that a selector names', () => {
    const peers = {
      all: { peerIP: '192.0.2.1', asNumber: 65_000 },
      one: { node: 'a', peerIP: '192.0.2.2:1790', asNumber: 65_000 },
      other: { node: 'b', peerIP: '192.0.2.3', asNumber: 65_000 },
      rack: { nodeSelector: 'rack == "1"', peerIP: '192.0.2.4', asNumber: 65_000 },
    };
    const configurations = { default: { nodeToNodeMeshEnabled: false } };
    const nodes = [node('a', ['172.30.1.11/24'], { labels: { rack: '1' } })];
    const wanted = ['Global_192_0_2_1', 'Node_192_0_2_2_port_1790', 'Node_192_0_2_4'];
    expect(names({ peers, configurations, nodes })).toEqual(wanted);
  });

  it('that are said for certain nodes come before those for all, and these before the mesh', () => {
    const peers = { all: { peerIP: '172.30.1.12' }, one: { node: 'a', peerIP: '172.30.1.12' } };
    expect(names({ peers })).toEqual(['Mesh_172_30_1_13', 'Node_172_30_1_12']);
    expect(names({ peers: { all: peers.all } })).toEqual(['Global_172_30_1_12', 'Mesh_172_30_1_13']);
  });

  it('without an AS number must be nodes', () => {
    const peers = { router: { peerIP: '192.0.2.1' } };
    expect(viewOf({ peers }).problems.map(({ object }) => object)).toEqual(['BGPPeer/router']);
  });

  it('are attached when they are on a network of the node', () => {
    const peers = { near: { peerIP: '172.30.1.1', asNumber: 1 }, far: { peerIP: '192.0.2.1', asNumber: 1 } };
    expect(session({ peers }, 'Global_172_30_1_1').attached).toBe(true);
    expect(session({ peers }, 'Global_192_0_2_1').attached).toBe(false);
  });
});

describe('route reflectors', () => {
  const reflector = (name: string, address: string) =>
    node(name, [address], { clusterId: '224.0.0.1', labels: { 'route-reflector': 'true' } });
  const nodes = [node('a', ['172.30.1.11/24']), reflector('r', '172.30.1.2/24'), reflector('s', '172.30.1.3/24')];
  const peers = { reflectors: { nodeSelector: 'all()', peerSelector: 'has(route-reflector)' } };
  const configurations = { default: { nodeToNodeMeshEnabled: false } };

  it('peer with every node that is pointed to them, as clients', () => {
    expect(names({ nodes, peers, configurations })).toEqual(['Node_172_30_1_2', 'Node_172_30_1_3']);
    expect(session({ nodes, peers, configurations }, 'Node_172_30_1_2').reflect).toBeUndefined();
    const own = { nodes, peers, configurations, node: 'r' };
    expect(names(own)).toEqual(['Node_172_30_1_11', 'Node_172_30_1_3']);
    expect(session(own, 'Node_172_30_1_11').reflect).toBe('224.0.0.1');
    // One of the same cluster is no client.
    expect(session(own, 'Node_172_30_1_3').reflect).toBeUndefined();
  });

  it('peer back with nodes that only name them, unless that is for somebody to say', () => {
    const one = { clients: { nodeSelector: '!has(route-reflector)', peerSelector: 'has(route-reflector)' } };
    expect(names({ nodes, peers: one, configurations, node: 'r' })).toEqual(['Node_172_30_1_11']);
    const manual = { clients: { ...one.clients, reversePeering: 'Manual' } };
    expect(names({ nodes, peers: manual, configurations, node: 'r' })).toEqual([]);
    const address = { clients: { node: 'a', peerIP: '172.30.1.2' } };
    expect(names({ nodes, peers: address, configurations, node: 'r' })).toEqual(['Node_172_30_1_11']);
  });
});

describe('filters', () => {
  const peers = { tor: { peerIP: '192.0.2.1', asNumber: 65_000, filters: ['f'] } };

  it('that do not exist let nothing pass, and are reported', () => {
    const { problems, sessions } = viewOf({ peers });
    expect(problems).toMatchObject([{ object: 'BGPPeer/tor' }]);
    expect(sessions[0]!.filters[0]!.rules.import[4]).toMatchObject([{ action: 'reject' }]);
  });

  it('have a rejection in place of each rule that cannot be read', () => {
    const filters = {
      f: { importV4: [{ action: 'Accept', cidr: 'everything', matchOperator: 'In' }, { action: 'Accept' }] },
    };
    const [first, second] = viewOf({ peers, filters }).sessions[0]!.filters[0]!.rules.import[4];
    expect([first?.action, second?.action]).toEqual(['reject', 'accept']);
  });
});

describe('what is advertised', () => {
  const texts = (cidrs: readonly { ip: Parameters<typeof formatIp>[0]; prefix: number }[]): string[] =>
    cidrs.map(formatCidr);

  it('is the own blocks, and addresses that live here though their block does not', () => {
    const blocks = [
      { cidr: cidr('10.244.0.0/26'), node: 'a', elsewhere: [{ ip: ip('10.244.0.9'), node: 'b' }] },
      { cidr: cidr('10.244.1.0/26'), node: 'b', elsewhere: [{ ip: ip('10.244.1.7'), node: 'a' }] },
      { cidr: cidr('10.244.2.0/26'), node: undefined, elsewhere: [{ ip: ip('10.244.2.7'), node: 'a' }] },
    ];
    expect(texts(viewOf({ blocks }).workloads)).toEqual(['10.244.0.0/26', '10.244.1.7/32', '10.244.2.7/32']);
  });

  const service = (rest: Partial<BgpService>): BgpService => ({
    clusterIps: [ip('10.96.0.10')],
    externalIps: [ip('198.51.100.7')],
    local: false,
    hasLocalEndpoint: true,
    ...rest,
  });
  const spec = { serviceClusterIPs: [{ cidr: '10.96.0.0/16' }], serviceExternalIPs: [{ cidr: '198.51.100.0/24' }] };
  const advertised = (services: readonly BgpService[], more: object = {}, rest: Partial<Scene> = {}): string[] =>
    texts(viewOf({ services, configurations: { default: { ...spec, ...more } }, ...rest }).services);
  const BLOCKS = ['10.96.0.0/16', '198.51.100.0/24'];

  it('is the blocks of Services, from every node', () => {
    expect(advertised([service({})])).toEqual(BLOCKS);
    expect(advertised([])).toEqual(BLOCKS);
  });

  it('is each address of a Service that keeps traffic local, from nodes with an endpoint', () => {
    expect(advertised([service({ local: true })])).toEqual([
      '10.96.0.0/16',
      '10.96.0.10/32',
      '198.51.100.0/24',
      '198.51.100.7/32',
    ]);
    expect(advertised([service({ local: true, hasLocalEndpoint: false })])).toEqual(BLOCKS);
  });

  it('is a single address only while a Service has it', () => {
    const single = { serviceExternalIPs: [], serviceLoadBalancerIPs: [{ cidr: '198.51.100.7/32' }] };
    expect(advertised([service({})], single)).toEqual(['10.96.0.0/16', '198.51.100.7/32']);
    expect(advertised([], single)).toEqual(['10.96.0.0/16']);
  });

  it('is addresses of load balancers one by one when they are not to be aggregated', () => {
    const apart = {
      serviceExternalIPs: [],
      serviceLoadBalancerIPs: [{ cidr: '198.51.100.0/24' }],
      serviceLoadBalancerAggregation: 'Disabled',
    };
    expect(advertised([service({})], apart)).toEqual(['10.96.0.0/16', '198.51.100.7/32']);
  });

  it('is no Service at nodes that are excluded from load balancing', () => {
    const labels = { 'node.kubernetes.io/exclude-from-external-load-balancers': '' };
    expect(advertised([service({})], {}, { nodes: [node('a', ['172.30.1.11/24'], { labels })] })).toEqual([]);
  });
});

it('is identified by its IPv4 address, or by something that looks like one and does not change', () => {
  expect(viewOf({}).routerId).toBe('172.30.1.11');
  const { routerId } = viewOf({ nodes: [node('a', ['fd00::1/64'])] });
  expect(formatIp(ip(routerId))).toBe(routerId);
});

describe('a node', () => {
  const facts = { name: 'a', labels: {}, addresses: [ip('172.30.1.11'), ip('fd00::11')], annotations: {} };

  it('is known by the annotations that Calico writes', () => {
    const annotations = {
      'projectcalico.org/IPv4Address': '172.30.1.11/24',
      'projectcalico.org/ASNumber': '65001',
      'projectcalico.org/RouteReflectorClusterID': '224.0.0.1',
    };
    const known = bgpNode({ ...facts, annotations });
    expect(known).toMatchObject({ asNumber: 65_001, clusterId: '224.0.0.1' });
    expect(known.addresses.map(formatCidr)).toEqual(['172.30.1.11/24', 'fd00::11/128']);
  });

  it('is as if it had no annotation where it says something else than an address, number or cluster id', () => {
    const annotations = {
      'projectcalico.org/IPv4Address': '10.0.0.1; }/24',
      'projectcalico.org/ASNumber': '64512; }',
      'projectcalico.org/RouteReflectorClusterID': '1.2.3.4; }',
    };
    expect(bgpNode({ ...facts, annotations })).toEqual(bgpNode(facts));
  });
});
