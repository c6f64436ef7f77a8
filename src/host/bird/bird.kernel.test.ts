import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { parseIp } from '../../base/ip/index.ts';
import type { Ip } from '../../base/ip/index.ts';
import type { BgpNode } from '../../core/bgp/index.ts';
import { enterPrivateNetwork } from '../netns/testing.ts';
import {
  configOf,
  UNHARMED,
  configureAll,
  connections,
  damageOf,
  endMachines,
  established,
  places,
  recovered,
  routed,
} from './bgp-cluster.test-support.ts';
import type { Cluster, Place } from './bgp-cluster.test-support.ts';
import { eventually, killBird, makeSegment } from './network.test-support.ts';

const directory = enterPrivateNetwork();
if (directory !== undefined) makeSegment();
afterEach(endMachines);

/** A pod on each of both, and streams of packets between them. */
function addPods(first: Place, second: Place) {
  const [near, far] = ['10.244.11.5', '10.244.12.5'] as const;
  first.machine.run('ip', 'address', 'add', `${near}/32`, 'dev', 'lo');
  second.machine.run('ip', 'address', 'add', `${far}/32`, 'dev', 'lo');
  return [[first.machine, near, far] as const, [second.machine, far, near] as const];
}

describe.skipIf(directory === undefined)('a mesh of BIRDs', () => {
  it('brings every block to every kernel, and takes it away again', async () => {
    const all = places(directory!, 3);
    await configureAll(all);
    const [first, , third] = all as [Place, Place, Place];
    await established(first, 4);
    await routed(first, '10.244.12.0/26', '10.244.13.0/26', 'fd00:10:244:12::/122', 'fd00:10:244:13::/122');
    expect(first.machine.kernelRoutes()).toEqual([
      '10.244.12.0/26 via 172.30.1.12 dev eth0 metric 32',
      '10.244.13.0/26 via 172.30.1.13 dev eth0 metric 32',
    ]);
    await routed(third, '10.244.11.0/26', '10.244.12.0/26');
    const routes = await first.machine.bird.routes();
    const found = routes.find(({ destination, best }) => destination === '10.244.12.0/26' && best);
    expect(found).toEqual({
      destination: '10.244.12.0/26',
      type: 'unicast',
      hops: [{ via: '172.30.1.12', link: 'eth0' }],
      from: 'Mesh_172_30_1_12',
      best: true,
    });
    // Without the node the others know that its block is gone, and leave each other's alone.
    await Promise.all([first, third].map((place) => place.machine.bird.configure(configOf(place, [first, third]))));
    await eventually('the block is gone', () => first.machine.kernelRoutes().length === 1);
  });

  it('keeps every session that a change is not about', async () => {
    const all = places(directory!, 4);
    const [first, second] = all as [Place, Place, Place, Place];
    await configureAll(all.slice(0, 3));
    const text = configOf(first, all.slice(0, 3));
    await established(first, 4);
    const before = connections(first);
    expect(await first.machine.bird.configure(text)).toBe('unchanged');
    // A fourth node, communities, a filtered peer that is not there, another severity of the log, Services, another pool.
    const cluster: Cluster = {
      configuration: {
        logSeverityScreen: 'Warning',
        serviceClusterIPs: [{ cidr: '10.96.0.0/16' }],
        prefixAdvertisements: [{ cidr: '10.244.0.0/16', communities: ['64512:7'] }],
      },
      peers: {
        tor: {
          peerIP: '172.30.1.99',
          asNumber: 65_000,
          filters: ['f'],
          failureDetectionMode: 'BFDIfDirectlyConnected',
        },
      },
      filters: { f: { exportV4: [{ action: 'Reject' }] } },
    };
    expect(await first.machine.bird.configure(configOf(first, all, cluster))).toBe('changed');
    await configureAll(all, cluster);
    await established(first, 6);
    expect(connections(first)).toEqual(expect.arrayContaining([...before]));
    await eventually('the peers know the way to Services', async () =>
      (await second.machine.bird.routes()).some(
        ({ destination, from }) => destination === '10.96.0.0/16' && from === 'Mesh_172_30_1_11',
      ),
    );
  });

  it('leads addresses of Services to the node with the endpoint: of the cluster, external, of load balancers', async () => {
    const all = places(directory!, 2);
    const [first, second] = all as [Place, Place];
    const configuration = {
      serviceClusterIPs: [{ cidr: '10.96.0.0/16' }, { cidr: 'fd00:10:96::/108' }],
      serviceExternalIPs: [{ cidr: '198.51.100.0/24' }],
      serviceLoadBalancerIPs: [{ cidr: '203.0.113.0/24' }],
      serviceLoadBalancerAggregation: 'Disabled',
    };
    const [clusterIps, externalIps] = [
      ['10.96.0.10', 'fd00:10:96::a'],
      ['198.51.100.7', '203.0.113.9'],
    ].map((texts) => texts.map((text) => parseIp(text)!)) as [Ip[], Ip[]];
    const service = { clusterIps, externalIps, local: true };
    const offer = (place: Place, hasLocalEndpoint: boolean): Promise<unknown> =>
      place.machine.bird.configure(
        configOf(place, all, { configuration, services: [{ ...service, hasLocalEndpoint }] }),
      );
    const single = ['10.96.0.10', '198.51.100.7', '203.0.113.9', 'fd00:10:96::a'];
    const led = ({ machine }: Place): readonly string[] =>
      ([4, 6] as const)
        .flatMap((family) => machine.kernelRoutes(family).map((line) => line.split(' ')[0]!))
        .filter((each) => single.includes(each));
    await Promise.all([offer(first, true), offer(second, false)]);
    await routed(second, ...single);
    expect(led(first)).toEqual([]);
    expect(second.machine.kernelRoutes()).toContain('203.0.113.9 via 172.30.1.11 dev eth0 metric 32');
    // The block of load balancers' addresses is not to be told as a whole.
    const told = async (): Promise<readonly string[]> =>
      (await second.machine.bird.routes())
        .filter(({ from }) => from.startsWith('Mesh_'))
        .map(({ destination }) => destination);
    await eventually('the block of external addresses', async () => (await told()).includes('198.51.100.0/24'));
    expect(await told()).not.toContain('203.0.113.0/24');
    // The endpoint moves, and then the Service ends.
    await Promise.all([offer(first, false), offer(second, true)]);
    await routed(first, ...single);
    await eventually('nothing leads to where it was', () => led(second).length === 0);
    await configureAll(all, { configuration });
    await eventually("the addresses are nobody's", () => led(first).length === 0);
  });

  it('loses no packet and keeps all routes while one of them is killed and started again', async () => {
    const all = places(directory!, 3);
    const [first, second] = all as [Place, Place, Place];
    const streams = addPods(first, second);
    await configureAll(all);
    for (const { machine } of all)
      for (const family of [4, 6] as const)
        await eventually('all routes are there', () => machine.kernelRoutes(family).length === 2);
    const damage = await damageOf(streams, async () => {
      killBird(second.machine);
      await eventually('a neighbour has noticed', async () =>
        (await first.machine.bird.sessions()).some(({ info }) => info !== 'Established'),
      );
      await eventually(
        'it is started again',
        async () => (await second.machine.bird.configure(configOf(second, all))) === 'started',
      );
      await established(second, 4);
      await established(first, 4);
      await recovered(second);
    });
    expect(damage).toEqual(UNHARMED);
  });

  it('loses no packet while one of them is killed and started again that has to wait for a node that is away', async () => {
    const all = places(directory!, 3);
    const [first, second] = all as [Place, Place, Place];
    const streams = addPods(first, second);
    // A shorter wait than in earnest, yet long enough for a session on a busy machine.
    const texts = [first, second].map((each) => configOf(each, all).replace('restart wait 30;', 'restart wait 15;'));
    await Promise.all([first, second].map(({ machine }, index) => machine.bird.configure(texts[index]!)));
    await routed(first, '10.244.12.0/26', 'fd00:10:244:12::/122');
    await routed(second, '10.244.11.0/26', 'fd00:10:244:11::/122');
    const damage = await damageOf(streams, async () => {
      killBird(second.machine);
      await eventually(
        'it is started again',
        async () => (await second.machine.bird.configure(texts[1]!)) === 'started',
      );
      await established(second, 2);
      // After a restart it says nothing of its own until the wait for the third is over, and its peer keeps what it had.
      await recovered(second);
    });
    expect(damage).toEqual(UNHARMED);
  });

  it('comes up only where both sides have the same password', async () => {
    const all = places(directory!, 2);
    const [first, second] = all as [Place, Place];
    const cluster = (password: string): Cluster => ({
      configuration: { nodeMeshPassword: { secretKeyRef: { name: 'bgp', key: 'mesh' } } },
      secrets: { 'bgp/mesh': password },
    });
    await first.machine.bird.configure(configOf(first, all, cluster('one { word; # }')));
    await second.machine.bird.configure(configOf(second, all, cluster('another')));
    await eventually('segments with a wrong signature are counted', () =>
      all.some(({ machine }) => /TCPMD5Failure\s+[1-9]/.test(machine.run('nstat', '-asz'))),
    );
    expect((await first.machine.bird.sessions()).map(({ info }) => info)).not.toContain('Established');
    await second.machine.bird.configure(configOf(second, all, cluster('one { word; # }')));
    await established(second, 2);
  });

  it('is refused a configuration that cannot be, and goes on with what it had', async () => {
    const all = places(directory!, 2);
    const [first] = all as [Place, Place];
    await configureAll(all);
    await established(first, 2);
    await expect(first.machine.bird.configure('protocol nonsense;')).rejects.toMatchObject({ code: 'bird-refused' });
    await established(first, 2);
    expect(readFileSync(join(first.machine.folder, 'bird.conf'), 'utf8')).toContain('router id 172.30.1.11;');
  });

  it('is not there when it cannot be started, which is said', async () => {
    const [first] = places(directory!, 1) as [Place];
    await expect(first.machine.bird.configure('protocol nonsense;')).rejects.toMatchObject({ code: 'bird-failed' });
    await expect(first.machine.bird.sessions()).rejects.toMatchObject({ code: 'bird-gone' });
  });
});

describe.skipIf(directory === undefined)('route reflectors', () => {
  it('pass on what their clients do not tell each other', async () => {
    const reflector = (index: number): Partial<BgpNode> =>
      index === 2 ? { clusterId: '224.0.0.1', labels: { rr: 'true' } } : {};
    const all = places(directory!, 3, reflector);
    const cluster = {
      configuration: { nodeToNodeMeshEnabled: false },
      peers: { reflected: { nodeSelector: '!has(rr)', peerSelector: 'has(rr)' } },
    };
    await configureAll(all, cluster);
    const [first] = all as [Place, Place, Place];
    expect((await established(first, 2)).map(({ name }) => name)).toEqual(['Node_172_30_1_13', 'Node_fd00_30_1__13']);
    await routed(first, '10.244.12.0/26', '10.244.13.0/26', 'fd00:10:244:12::/122');
    expect(first.machine.kernelRoutes()).toContain('10.244.12.0/26 via 172.30.1.12 dev eth0 metric 32');
  });
});

describe.skipIf(directory === undefined)('filters', () => {
  it('are honoured both ways, and their change is in force without a new session', async () => {
    const all = places(directory!, 3);
    const [first, second] = all as [Place, Place, Place];
    const cluster = (filters: Readonly<Record<string, object>>): Cluster => ({
      configuration: { nodeToNodeMeshEnabled: false },
      peers: {
        f: { node: 'node-11', peerIP: '172.30.1.12', filters: ['f'] },
        g: { node: 'node-11', peerIP: '172.30.1.13' },
      },
      filters,
    });
    const rejecting = cluster({
      f: {
        importV4: [{ action: 'Reject', cidr: '10.244.12.0/24', matchOperator: 'In' }],
        exportV4: [
          {
            action: 'Accept',
            cidr: '10.244.11.0/26',
            matchOperator: 'Equal',
            operations: [{ addCommunity: { value: '64512:9' } }],
          },
          { action: 'Reject' },
        ],
      },
    });
    await configureAll(all, rejecting);
    await established(first, 2);
    await routed(first, '10.244.13.0/26');
    await routed(second, '10.244.11.0/26');
    expect(first.machine.kernelRoutes()).toHaveLength(1);
    // The other side sees the community on what was let out.
    const seen = second.machine.birdc('show route 10.244.11.0/26 all');
    expect(seen).toContain('BGP.community: (64512,9)');
    const before = connections(first);
    await configureAll(all, cluster({ f: {} }));
    await routed(first, '10.244.12.0/26', '10.244.13.0/26');
    expect(connections(first)).toEqual(before);
  });
});

it.skipIf(directory === undefined)('takes over a BIRD that runs already, and starts one that has ended', async () => {
  const all = places(directory!, 2);
  const [first, second] = all as [Place, Place];
  await configureAll(all);
  await established(first, 2);
  const before = connections(first);
  const { openBird } = await import('./bird.ts');
  const again = openBird({ folder: first.machine.folder });
  expect(await again.configure(configOf(first, all))).toBe('unchanged');
  expect(connections(first)).toEqual(before);

  await again.stop();
  // The other hears of that a moment later.
  await eventually(
    'it is started again',
    async () => (await first.machine.bird.configure(configOf(first, all))) === 'started',
  );
  await established(second, 2);
});
