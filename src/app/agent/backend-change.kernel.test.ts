import { expect, it } from 'vitest';
import { unanswered } from '../../host/probe/echo-stream.test-support.ts';
import type { BgpStatus } from './bgp-speaker.ts';
import { TestCluster, eventually } from './cluster.test-support.ts';

const POOLS = ['10.244.0.0/16', 'fd00:10:244::/56'];
const NODES = ['n1', 'n2'] as const;

/** What the kernel of a node says of both families. */
async function show(cluster: TestCluster, node: string, ...what: readonly string[]): Promise<string> {
  const { netns } = cluster.nodes.get(node)!;
  const said = await Promise.all([4, 6].map((family) => cluster.run(netns, ['ip', `-${family}`, 'route', ...what])));
  return said.map(({ output }) => output).join('');
}

const routesOfBird = (cluster: TestCluster, node: string): Promise<string> =>
  show(cluster, node, 'show', 'proto', 'bird');

/** Routes of the agent's to other nodes: by a tunnel, or by the node's own address. */
const routesOfAgent = async (cluster: TestCluster, node: string): Promise<readonly string[]> =>
  (await show(cluster, node, 'show', 'proto', '80'))
    .split('\n')
    .filter((line) => line.includes(' via ') || line.includes('.sluice'));

/** As many lines as there are families. */
const isFull = (text: string): boolean => text.trim().split('\n').length === POOLS.length;

const changeTo = (cluster: TestCluster, backend: 'none' | 'vxlan' | 'host-gw'): Promise<unknown> =>
  Promise.all(
    NODES.map(async (node) => {
      await cluster.stopAgent(node);
      await cluster.startAgent(node, { backend });
    }),
  );

/** Sends a hundred packets a second to each address; the result tells how many had no answer. */
function streamsTo(cluster: TestCluster, netns: string, addresses: readonly string[]): () => Promise<number> {
  const streams = addresses.map((address) => {
    const child = cluster.start(netns, ['ping', '-i', '0.01', address]);
    let printed = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (printed += text));
    return async () => {
      const ended = new Promise((resolve) => child.once('close', resolve));
      child.kill('SIGINT');
      await ended;
      return unanswered(printed, 10).length;
    };
  });
  return async () => (await Promise.all(streams.map((end) => end()))).reduce((sum, lost) => sum + lost, 0);
}

it.each(['vxlan', 'host-gw'] as const)(
  "takes away what BIRD left after a change to %s, and that backend's routes after a change back, and loses no packet",
  async (backend) => {
    await using cluster = await TestCluster.create({ backend: 'none', pools: POOLS });
    for (const node of NODES) await cluster.addNode(node);
    const a = await cluster.addPod('n1', 'a');
    const b = await cluster.addPod('n2', 'b');
    for (const node of NODES) await eventually(async () => isFull(await routesOfBird(cluster, node)));
    for (const ip of b.ips) await eventually(() => cluster.pings(a.netns, ip));
    const end = streamsTo(cluster, a.netns, b.ips);

    await changeTo(cluster, backend);
    for (const node of NODES) {
      await eventually(async () => (await routesOfBird(cluster, node)) === '');
      expect(await routesOfAgent(cluster, node)).toHaveLength(POOLS.length);
      const { netns } = cluster.nodes.get(node)!;
      await eventually(async () => (await cluster.run(netns, ['ss', '-Htnl', 'sport', '=', ':179'])).output === '');
    }

    await changeTo(cluster, 'none');
    for (const node of NODES) {
      await eventually(async () => (await routesOfAgent(cluster, node)).length === 0);
      expect(isFull(await routesOfBird(cluster, node))).toBe(true);
    }
    expect(await end()).toBe(0);
    for (const ip of b.ips) await eventually(() => cluster.pings(a.netns, ip));
  },
);

it('goes from node to node to none: who comes first is ready, and reaches those that have not changed', async () => {
  await using cluster = await TestCluster.create({ backend: 'vxlan', pools: POOLS });
  for (const node of NODES) await cluster.addNode(node);
  const a = await cluster.addPod('n1', 'a');
  const b = await cluster.addPod('n2', 'b');
  for (const ip of b.ips) await eventually(() => cluster.pings(a.netns, ip));
  const [first, second] = NODES;
  const waits = async () => ((await cluster.status(first, '/bgp')) as BgpStatus).notReady;
  await cluster.stopAgent(first);
  await cluster.startAgent(first, { backend: 'none' });
  await eventually(async () => (await waits()) === '');
  for (const ip of b.ips) await eventually(() => cluster.pings(a.netns, ip));
  expect(await routesOfAgent(cluster, first)).toHaveLength(POOLS.length);

  await cluster.stopAgent(second);
  await cluster.startAgent(second, { backend: 'none' });
  for (const node of NODES) await eventually(async () => (await routesOfAgent(cluster, node)).length === 0);
  for (const node of NODES) expect(isFull(await routesOfBird(cluster, node))).toBe(true);
  await eventually(async () => (await waits()) === '');
  for (const ip of b.ips) await eventually(() => cluster.pings(a.netns, ip));
});
