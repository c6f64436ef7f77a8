import { expect, it } from 'vitest';
import { TestCluster, eventually } from '../../src/app/agent/cluster.test-support.ts';
import type { AgentStatus } from '../../src/app/agent/status.ts';
import type { Node } from '../../src/core/kube/types.ts';
import { CONFIG_MAPS, DAEMON_SETS, NETWORK_POLICIES, NODES } from '../../src/host/kube-client/resources.ts';
import { CANAL_CONFIG, CanalNode } from './rig/canal-node.ts';
import { daemonSet } from './rig/changing-node.ts';
import { Conversation, Witness, answer } from './rig/traffic.ts';

const forward = { from: 'from-canal', direction: 'forward' } as const;
const back = { from: 'from-canal', direction: 'back' } as const;

/** Lets pods with the label app=client in, and nobody else. */
const forClients = (name: string, app: string): object => ({
  metadata: { name, namespace: 'default' },
  spec: {
    podSelector: { matchLabels: { app } },
    policyTypes: ['Ingress'],
    ingress: [{ from: [{ podSelector: { matchLabels: { app: 'client' } } }] }],
  },
});

async function canalCluster(): Promise<TestCluster> {
  const cluster = await TestCluster.create({ pools: [], families: [4] });
  const { client } = cluster;
  await cluster.addNode('c1', 'a', { agent: false, podCIDRs: ['10.244.1.0/24'] });
  await cluster.addNode('c2', 'b', { agent: false, podCIDRs: ['10.244.2.0/24'] });
  const status = { conditions: [{ type: 'Ready', status: 'True' }] };
  for (const name of ['c1', 'c2']) await client.patch(NODES, { name }, 'merge', { status }, { subresource: 'status' });
  await client.create(DAEMON_SETS, daemonSet('canal', 'calico-node', 'kube-flannel') as object);
  const metadata = { name: 'canal-config', namespace: 'kube-system' };
  await client.create(CONFIG_MAPS, { metadata, data: CANAL_CONFIG } as object);
  return cluster;
}

it('takes a node in Canal’s place and gives it back, killed at every step, and no connection ends and no denied packet comes through', async () => {
  await using cluster = await canalCluster();
  const { client } = cluster;
  using node = new CanalNode(cluster, 'c1', '172.30.1.11', '10.244.1.0/24');
  using other = new CanalNode(cluster, 'c2', '172.30.2.12', '10.244.2.0/24');
  for (const each of [node, other]) await each.settle();
  const web = await node.addCanalPod('web', 2, { app: 'web' });
  const db = await node.addCanalPod('db', 3, { app: 'db' });
  const near = await node.addCanalPod('near', 4, { app: 'client' });
  const thief = await node.addCanalPod('thief', 5, {});
  const far = await other.addCanalPod('far', 2, { app: 'client' });
  const farThief = await other.addCanalPod('far-thief', 3, {});
  await client.create(NETWORK_POLICIES, forClients('web', 'web'));
  for (const each of [node, other]) await each.enforce();
  const plain = async () => {
    const { metadata, spec } = await client.get<Node>(NODES, { name: 'c1' });
    return { labels: metadata?.labels, spec };
  };
  const before = await plain();

  for (const end of [web, db]) answer(cluster, end);
  const conversations = [near, far].flatMap((from) => [web, db].map((to) => new Conversation(cluster, from, to)));
  const goOn = async (): Promise<void> => {
    for (const each of conversations) await each.goesOn();
  };
  await goOn();
  const atWeb = await Witness.at(cluster, web);
  for (const from of [near, thief, far, farThief]) await atWeb.send(from, 'early');
  await eventually(() => [near, far].every((from) => atWeb.hasHeard(from, 'early')));

  for (const step of ['c1/leave', 'c1/join'])
    expect(await node.migrate(forward, step)).toEqual({ kind: 'interrupted' });
  expect(await node.migrate(forward)).toEqual({ kind: 'done' });
  await goOn();
  expect((await cluster.run(node.netns, ['nft', 'list', 'tables'])).output).toContain('inet sluice');

  // Felix never hears of this one before it comes back.
  await client.create(NETWORK_POLICIES, forClients('db', 'db'));
  // What the agent knows is in the kernel before it answers anybody again.
  await eventually(async () => ((await cluster.status('c1')) as AgentStatus).cluster.policies === 2);
  const atDb = await Witness.at(cluster, db);
  for (const from of [near, thief, far, farThief]) await atDb.send(from, 'late');
  await eventually(() => [near, far].every((from) => atDb.hasHeard(from, 'late')));
  const fresh = await node.addSluicePod('fresh', { app: 'web' });
  expect(fresh.ip).toBe('10.244.1.6');
  await eventually(() => cluster.pings(far.netns, fresh.ip));
  expect(await cluster.pings(thief.netns, fresh.ip)).toBe(false);

  for (const step of ['c1/join', 'c1/leave'])
    expect(await node.migrate(back, `back from ${step}`)).toEqual({ kind: 'interrupted' });
  expect(await node.migrate(back)).toEqual({ kind: 'done' });
  expect(await plain()).toEqual(before);
  await goOn();
  expect((await cluster.run(node.netns, ['nft', 'list', 'tables'])).output).not.toContain('inet sluice');
  expect((await cluster.run(node.netns, ['ip', '-br', 'link'])).output).not.toMatch(/slc|sluice/);
  expect(() => node.lease(fresh.ip)).toThrow();
  const witnesses = [atWeb, atDb];
  expect(
    [thief, farThief].filter((from) =>
      witnesses.some((each) => each.hasHeard(from, 'early') || each.hasHeard(from, 'late')),
    ),
  ).toEqual([]);
  for (const each of [node, other]) expect(each.failures).toEqual([]);
});
