import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually } from '../../../../src/app/agent/cluster.test-support.ts';
import type { TestPod } from '../../../../src/app/agent/cluster.test-support.ts';
import { policy, service, slice } from '../../../../src/app/agent/workloads.test-support.ts';
import type { Family } from '../../../../src/base/ip/index.ts';
import { ENDPOINT_SLICES, NETWORK_POLICIES, SERVICES } from '../../../../src/host/kube-client/resources.ts';
import type { Shape } from './shapes.ts';
import { enlarge, expectBulk, expectMtu, expectWhole, mtuOf } from './sizes.ts';
import { lostDuring } from './stream.ts';
import { PATIENCE, World } from './world.ts';

/** What iperf3 moves, bytes. */
const BULK = 2_000_000;
/** Echo requests that are sent in one. */
const SECOND = 20;
const ROUTER = { 4: '172.30.1.1', 6: 'fd00:30:1::1' } as const;

const VIRTUAL = { 4: '10.96.0.1', 6: 'fd00:10:96::1' } as const;
const denyAll = policy('deny-all', { podSelector: {}, policyTypes: ['Ingress'] });

/** All cells of one cluster, in order: what comes last takes nodes away. */
export function describeCells(shape: Shape): void {
  let world: World;
  beforeAll(async () => {
    world = await World.create(shape);
  });
  afterAll(() => world?.[Symbol.asyncDispose]());
  const cell = (name: string, test: () => Promise<void>) => it(name, { concurrent: false }, test);

  cell('pods reach each other on one node, on a segment and across segments, with their own addresses', async () => {
    const { first, beside, near, far } = world;
    await Promise.all([beside, near, far].map((to) => world.connects(first, to)));
    await Promise.all([near, far].map((from) => world.connects(from, beside)));
    await world.connects(far, near);
  });

  cell('pods, nodes and the outside reach a Service', async () => {
    const { cluster, first, near, far } = world;
    const [n1, n3] = ['n1', 'n3'].map((name) => cluster.nodes.get(name)!.netns);
    await cluster.client.create(SERVICES, service(...shape.families.map((family) => VIRTUAL[family])));
    for (const family of shape.families) await cluster.client.create(ENDPOINT_SLICES, slice(near, family));
    for (const family of shape.families) {
      const inside = [first.netns, near.netns, far.netns, n1!, n3!];
      const nodes = [11, 12].map((number) => nodeAddress(family, 1, number));
      await Promise.all([
        ...inside.map((netns) => world.hears(netns, VIRTUAL[family], /^near /u, 80)),
        ...nodes.map((node) => world.hears(cluster.router, node, /^near /u, 30_080)),
      ]);
    }
  });

  cell('pods reach the outside', async () => {
    const { cluster, first, far } = world;
    cluster.serve({ ...first, name: 'outside', netns: cluster.router }, 6);
    for (const family of shape.families)
      for (const [pod, segment, number] of [
        [first, 1, 11],
        [far, shape.crosses ? 2 : 1, 13],
      ] as const) {
        const seen = shape.onSegment ? world.addressOf(pod, family) : nodeAddress(family, segment, number);
        await world.hears(pod.netns, ROUTER[family], `outside ${seen}`);
      }
  });

  cell('packets of the largest size arrive in one piece, and one byte more is refused with the number', async () => {
    const { first, near, far } = world;
    expect(await mtuOf(world, first)).toBe(shape.mtu);
    await expectWhole(world, async () => {
      await Promise.all([near, far].map((to) => expectMtu(world, to, () => shape.mtu)));
      await expectBulk(world, near, BULK);
    });
    if (shape.onSegment) return;
    // The same of pods that would send and take larger ones; of their TCP connections only what comes through.
    for (const pod of [first, near, far]) await enlarge(world, pod);
    await Promise.all(
      (['near', 'far'] as const).map((to) => expectMtu(world, world[to], (family) => shape.carried(family, to))),
    );
    await expectBulk(world, far, BULK);
  });

  if (!shape.crosses)
    cell('a node on another segment is left out, and its peers say so', async () => {
      const { cluster } = world;
      await cluster.addNode('n9', 'b', { number: 19 });
      await cluster.addPod('n9', 'out-of-reach');
      await eventually(async () => {
        const { network } = (await cluster.status('n1')) as { network: { problems: readonly object[] } };
        return JSON.stringify(network.problems).includes('"peer":"n9"');
      }, PATIENCE);
      await cluster.removeNode('n9');
    });

  cell('a policy cuts pods off, wherever they are, until it goes', async () => {
    const { cluster, first, beside, near, far } = world;
    const targets = [beside, near, far];
    await cluster.client.create(NETWORK_POLICIES, denyAll);
    await eventually(async () => {
      const answers = targets.flatMap(({ ips }) => ips.map((ip) => world.pings(first, ip)));
      return !(await Promise.all(answers)).includes(true);
    }, PATIENCE);
    await cluster.client.delete(NETWORK_POLICIES, { namespace: 'default', name: 'deny-all' });
    await Promise.all(targets.map((to) => world.connects(first, to)));
  });

  cell('a node that restarts is reached again, and nobody else notices', async () => {
    const { cluster } = world;
    const lost = await lostDuring(world, async () => {
      await cluster.powerOff('n2');
      await cluster.powerOn('n2');
      world.near = await cluster.reattachPod(world.near);
      cluster.serve(world.near, 6);
      await expectEverywhere(world, world.near);
    });
    expectUnnoticed(shape, lost);
  });

  cell('a lost node is forgotten, and reached again when it comes back as another machine', async () => {
    const { cluster } = world;
    const lost = await lostDuring(world, async () => {
      await cluster.removeNode('n2');
      await cluster.addNode('n2', 'a', { number: 12 });
      world.near = await world.servingPod('n2', 'again');
      await expectEverywhere(world, world.near);
    });
    expectUnnoticed(shape, lost);
  });

  cell('a node of another name is reached at the address of a lost one', async () => {
    const { cluster } = world;
    const lost = await lostDuring(world, async () => {
      await cluster.removeNode('n2');
      await cluster.addNode('n4', 'a', { number: 12 });
      world.near = await world.servingPod('n4', 'other');
      await expectEverywhere(world, world.near);
    });
    expectUnnoticed(shape, lost);
  });

  cell('a node that changes its address is reached at the new one, and nobody else notices', async () => {
    const { cluster, near } = world;
    const lost = await lostDuring(world, async () => {
      await cluster.changeAddresses(near.node, 44);
      await expectEverywhere(world, near);
    });
    expectUnnoticed(shape, lost);
  });
}

/**
 * Nothing is lost, but of what WireGuard carries: every two minutes both sides go over to a new key, and the one that asked
 * for it sends by it a moment before it knows answers by it. In an emulated machine that may be longer than an answer takes.
 */
function expectUnnoticed({ wireguard }: Shape, lost: readonly number[]): void {
  if (wireguard) expect(lost.length, `lost: ${lost.join()}`).toBeLessThan(SECOND);
  else expect(lost).toEqual([]);
}

function nodeAddress(family: Family, segment: number, number: number): string {
  return family === 4 ? `172.30.${segment}.${number}` : `fd00:30:${segment}::${number}`;
}

/** Reached from pods on both other nodes, and reaching them. */
async function expectEverywhere(world: World, pod: TestPod): Promise<void> {
  const { first, beside, far } = world;
  await Promise.all([
    ...[first, far].map((from) => world.connects(from, pod)),
    ...[beside, far].map((to) => world.connects(pod, to)),
  ]);
}
