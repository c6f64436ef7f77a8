import { afterEach, describe, expect, it } from 'vitest';
import { enterPrivateNetwork } from '../netns/testing.ts';
import {
  UNHARMED,
  configOf,
  damageOf,
  endMachines,
  established,
  place,
  places,
  recovered,
} from './bgp-cluster.test-support.ts';
import type { Cluster, Place } from './bgp-cluster.test-support.ts';
import { openBird } from './bird.ts';
import { startFrr } from './frr.test-support.ts';
import type { Frr } from './frr.test-support.ts';
import { eventually, killBird, makeSegment } from './network.test-support.ts';
import type { Machine } from './network.test-support.ts';

const directory = enterPrivateNetwork();
if (directory !== undefined) makeSegment();
afterEach(endMachines);

/** A pod on the node, and what the router leads to. */
const POD = '10.244.11.5';
const BEYOND = '192.0.2.1';

interface Rack {
  readonly node: Place;
  readonly tor: Machine;
  readonly frr: Frr;
  readonly text: string;
}

/** A node and, as its peer in another AS, a router with FRR at 172.30.1.1; and, where there are more nodes, their mesh. */
async function rack(
  cluster: { readonly peer?: object } & Cluster = {},
  neighbour: readonly string[] = [],
  count = 1,
): Promise<Rack> {
  const tor = place(directory!, ['172.30.1.1/24']);
  const nodes = places(directory!, count);
  const [node] = nodes as [Place];
  tor.run('ip', 'address', 'add', `${BEYOND}/24`, 'dev', 'lo');
  tor.run('ip', 'address', 'add', '198.51.100.1/24', 'dev', 'lo');
  node.machine.run('ip', 'address', 'add', `${POD}/32`, 'dev', 'lo');
  const config = `router bgp 65000
 bgp router-id 172.30.1.1
 no bgp ebgp-requires-policy
 bgp graceful-restart
 bgp graceful-restart preserve-fw-state
 neighbor 172.30.1.11 remote-as 64512
${neighbour.map((line) => ` neighbor 172.30.1.11 ${line}`).join('\n')}
 address-family ipv4 unicast
  network 192.0.2.0/24
  network 198.51.100.0/24
  neighbor 172.30.1.11 prefix-list from-nodes in
 exit-address-family
exit
ip prefix-list from-nodes seq 5 permit 10.244.0.0/16 le 32
`;
  const frr = await startFrr(tor, config);
  const peers = { tor: { peerIP: '172.30.1.1', asNumber: 65_000, ...cluster.peer } };
  const textOf = (each: Place): string => configOf(each, nodes, { ...cluster, peers });
  const text = textOf(node);
  await Promise.all(nodes.map((each) => each.machine.bird.configure(textOf(each))));
  // The mesh is of both families.
  await established(node, 1 + 2 * (count - 1));
  return { node, tor, frr, text };
}

const zebraRoutes = (tor: Machine): string => tor.run('ip', 'route', 'show', 'proto', 'bgp');

/** Both ways. */
const streamsOf = ({ node, tor }: Rack) => [[tor, BEYOND, POD] as const, [node.machine, POD, BEYOND] as const];

describe.skipIf(directory === undefined)('BIRD and FRR', () => {
  it('learn from each other what both of their filters let through, with a password', async () => {
    const { node, tor, frr } = await rack(
      {
        configuration: {
          serviceClusterIPs: [{ cidr: '10.96.0.0/16' }],
          prefixAdvertisements: [{ cidr: '10.244.0.0/16', communities: ['64512:7', '64512:1:2'] }],
        },
        peer: { password: { secretKeyRef: { name: 'bgp', key: 'tor' } }, filters: ['f'], ttlSecurity: 1 },
        secrets: { 'bgp/tor': 'top.of{rack' },
        filters: { f: { importV4: [{ action: 'Reject', cidr: '198.51.100.0/24', matchOperator: 'Equal' }] } },
      },
      ['password top.of{rack', 'ttl-security hops 1'],
    );
    await eventually('the node knows the way beyond the router', () => node.machine.kernelRoutes().length > 0);
    expect(node.machine.kernelRoutes()).toEqual(['192.0.2.0/24 via 172.30.1.1 dev eth0 metric 32']);
    await eventually('the router knows the way to the block', () => zebraRoutes(tor).includes('10.244.11.0/26'));
    expect(zebraRoutes(tor)).toContain('via 172.30.1.11 dev eth0');
    // FRR was told of Services, and its prefix list does not let them in.
    expect(zebraRoutes(tor)).not.toContain('10.96');
    const seen = frr.ask('show bgp ipv4 unicast 10.244.11.0/26');
    expect(seen).toContain('Community: 64512:7');
    expect(seen).toContain('Large Community: 64512:1:2');
  });

  it.each([
    ['its own address', {}, '172.30.1.11'],
    ["the other node's, with keepOriginalNextHop", { keepOriginalNextHop: true }, '172.30.1.12'],
    ["the other node's, with nextHopMode", { nextHopMode: 'Keep' }, '172.30.1.12'],
  ])('name as next hop of what the one tells of another node: %s', async (_, more, nextHop) => {
    const { tor } = await rack({ peer: { node: 'node-11', ...more } }, [], 2);
    const route = (): string => tor.run('ip', 'route', 'show', '10.244.12.0/26', 'proto', 'bgp');
    await eventually('the router knows the way to the other block', () => route() !== '');
    expect(route()).toContain(`via ${nextHop} `);
  });

  it('lose no packet and keep all routes while BIRD is killed and started again, though FRR is done before it begins', async () => {
    // FRR gathers what it has to tell, a second by default, and says that it has told all before.
    // The time for the recovery follows from it, and is shorter than in earnest.
    const all = await rack({ peer: { maxRestartTime: '15s' } });
    const { node, tor, frr, text } = all;
    await eventually('routes both ways', () => zebraRoutes(tor) !== '' && node.machine.kernelRoutes().length === 2);
    const damage = await damageOf(streamsOf(all), async () => {
      killBird(node.machine);
      await eventually(
        'BIRD is gone and started again',
        async () => (await node.machine.bird.configure(text)) === 'started',
      );
      expect(await node.machine.bird.recovering()).toBe(true);
      // Another agent that takes over has nothing to end.
      const next = openBird({ folder: node.machine.folder });
      expect(await next.configure(text)).toBe('unchanged');
      expect(await next.recovering()).toBe(true);
      expect((await established(node, 1)).map(({ name }) => name)).toEqual(['Global_172_30_1_1']);
      await recovered(node);
      await eventually('FRR has the routes anew', () => !frr.ask('show bgp ipv4 unicast').includes('S*>'));
    });
    expect(damage).toEqual(UNHARMED);
    expect(node.machine.kernelRoutes()).toHaveLength(2);
  });

  it('lose no packet and keep all routes while an FRR that says so keeps its own is killed and started again', async () => {
    const all = await rack({ peer: { maxRestartTime: '60s' } });
    const { node, tor, frr } = all;
    await eventually('routes both ways', () => zebraRoutes(tor) !== '' && node.machine.kernelRoutes().length === 2);
    const damage = await damageOf(streamsOf(all), async () => {
      await frr.killBgp();
      await eventually('BIRD knows', async () => (await node.machine.bird.sessions())[0]?.info !== 'Established');
      await frr.startBgp();
      await established(node, 1);
      await eventually('FRR has told all', () => !node.machine.birdc('show protocols all').includes('restart active'));
    });
    expect(damage).toEqual(UNHARMED);
  });

  it('give each other up soon when the path between them fails and BFD watches it', async () => {
    const { node, tor } = await rack({ peer: { failureDetectionMode: 'BFDIfDirectlyConnected' } }, ['bfd']);
    await eventually('routes', () => node.machine.kernelRoutes().length === 2);
    await eventually('BFD is up', () =>
      tor.run('vtysh', '--vty_socket', tor.folder, '-c', 'show bfd peers').includes('Status: up'),
    );
    // Neither side loses its carrier: only BFD can see it, long before BGP's hold time of minutes is over.
    tor.run('nft', 'add table inet broken { chain in { type filter hook input priority 0; policy drop; }; }');
    await eventually('the routes are gone', () => node.machine.kernelRoutes().length === 0);
  });
});
