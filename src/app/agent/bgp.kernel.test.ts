import { isDeepStrictEqual } from 'node:util';
import { expect, it } from 'vitest';
import { BGP_CONFIGURATIONS, BGP_PEERS, IP_POOLS, NODES, SECRETS } from '../../host/kube-client/resources.ts';
import type { Resource } from '../../host/kube-client/types.ts';
import { answers, unanswered } from '../../host/probe/echo-stream.test-support.ts';
import { TestCluster, eventually } from './cluster.test-support.ts';
import type { BgpStatus } from './bgp-speaker.ts';

const [, CONFIGURATIONS] = BGP_CONFIGURATIONS as [Resource, Resource];
const [, PEERS] = BGP_PEERS as [Resource, Resource];

const bgp = async (cluster: TestCluster, node: string): Promise<BgpStatus> =>
  (await cluster.status(node, '/bgp')) as BgpStatus;

const established = async (cluster: TestCluster, node: string): Promise<readonly string[]> =>
  (await bgp(cluster, node)).sessions.filter(({ info }) => info === 'Established').map(({ name }) => name);

it('leaves routes between nodes to BIRD, which the agent configures, and pods of different nodes reach each other', async () => {
  await using cluster = await TestCluster.create({ backend: 'none', pools: ['10.244.0.0/16', 'fd00:10:244::/56'] });
  await cluster.addNode('n1');
  await cluster.addNode('n2');
  const a = await cluster.addPod('n1', 'a');
  const b = await cluster.addPod('n2', 'b');
  for (const ip of b.ips) await eventually(() => cluster.pings(a.netns, ip));
  const { netns } = cluster.nodes.get('n1')!;
  const { output } = await cluster.run(netns, ['ip', 'route', 'show', 'proto', 'bird']);
  expect(output).toMatch(/^10\.244\.\S+ via 172\.30\.1\.\d+ dev eth0 metric 32 *\n$/);
  const own = await cluster.run(netns, ['ip', 'route', 'show', 'type', 'blackhole']);
  expect(own.output).toMatch(/^blackhole 10\.244\.\S+ proto 80/);
  // What is made by tunnels, and by the agent itself, is none of BIRD's.
  await cluster.client.patch(IP_POOLS, { name: 'pool-0' }, 'merge', { spec: { vxlanMode: 'Always' } });
  await eventually(
    async () => (await cluster.run(netns, ['ip', 'route', 'show', 'proto', 'bird'])).output.trim() === '',
  );
});

it('keeps packets flowing while the agent and its BIRD are started anew', async () => {
  await using cluster = await TestCluster.create({ backend: 'none' });
  await cluster.addNode('n1');
  await cluster.addNode('n2');
  const a = await cluster.addPod('n1', 'a');
  const b = await cluster.addPod('n2', 'b');
  await eventually(() => cluster.pings(a.netns, b.ips[0]!));
  const stream = cluster.start(a.netns, ['ping', '-i', '0.01', b.ips[0]!]);
  let printed = '';
  stream.stdout?.setEncoding('utf8').on('data', (text: string) => (printed += text));
  const ended = new Promise((resolve) => stream.once('close', resolve));
  await cluster.stopAgent('n2');
  await cluster.startAgent('n2');
  await eventually(async () => (await established(cluster, 'n2')).length > 0);
  stream.kill('SIGINT');
  await ended;
  expect(answers(printed).length).toBeGreaterThan(20);
  expect(unanswered(printed, 10)).toEqual([]);
});

it('is not ready while a peer is missing, though the agent is alive', async () => {
  await using cluster = await TestCluster.create({ backend: 'none' });
  await cluster.addNode('n1');
  const ready = { ready: true, reason: '' };
  const missing = { ready: false, reason: 'BGP is not established with 172.30.1.99' };
  // It has no peers.
  expect(await cluster.status('n1', '/healthz')).toEqual(ready);
  const spec = { peerIP: '172.30.1.99', asNumber: 65_000 };
  await cluster.client.create(PEERS, { metadata: { name: 'tor' }, spec } as object);
  await eventually(async () => isDeepStrictEqual(await cluster.status('n1', '/healthz'), missing));
  expect(await cluster.status('n1')).toMatchObject(missing);
  expect(await bgp(cluster, 'n1')).toMatchObject({ notReady: missing.reason, error: '' });
  expect(await cluster.status('n1', '/livez')).toEqual(ready);
  await cluster.client.delete(PEERS, { name: 'tor' });
  await eventually(async () => isDeepStrictEqual(await cluster.status('n1', '/healthz'), ready));
});

it('takes passwords from Secrets, and sees when they change', async () => {
  await using cluster = await TestCluster.create({ backend: 'none' });
  const secret = (password: string): object => ({
    metadata: { name: 'bgp', namespace: 'kube-system' },
    data: { mesh: Buffer.from(password).toString('base64') },
  });
  const spec = { nodeMeshPassword: { secretKeyRef: { name: 'bgp', key: 'mesh' } } };
  await cluster.client.create(CONFIGURATIONS, { metadata: { name: 'default' }, spec } as object);
  await cluster.addNode('n1');
  await cluster.addNode('n2');
  expect((await bgp(cluster, 'n1')).problems.map(({ object }) => object)).toEqual(['BGPConfiguration/default']);
  await cluster.client.create(SECRETS, secret('one'));
  await eventually(async () => (await established(cluster, 'n1')).length === 1);
  expect((await bgp(cluster, 'n1')).problems).toEqual([]);
});

it('changes sessions with the annotations of nodes and with peers', async () => {
  await using cluster = await TestCluster.create({ backend: 'none' });
  await cluster.addNode('n1');
  await cluster.addNode('n2');
  await eventually(async () => (await established(cluster, 'n1')).length === 1);
  const annotations = { 'projectcalico.org/RouteReflectorClusterID': '224.0.0.1' };
  await cluster.client.patch(NODES, { name: 'n2' }, 'merge', { metadata: { annotations, labels: { rr: 'true' } } });
  await eventually(async () => (await bgp(cluster, 'n1')).sessions.length === 0);
  const spec = { nodeSelector: '!has(rr)', peerSelector: 'has(rr)' };
  await cluster.client.create(PEERS, { metadata: { name: 'reflected' }, spec } as object);
  await eventually(async () => (await established(cluster, 'n1'))[0]?.startsWith('Node_') === true);
});
