import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { silentLogger } from '../../base/log.ts';
import { createAllocator, type BlockStore } from '../../core/ipam/index.ts';
import { kubeBlockStore } from '../../host/ipam-store/kube-block-store.ts';
import { MemoryKubeClient } from '../../host/kube-client/memory-client.ts';
import { IP_POOLS, LEASES, NODES, PODS } from '../../host/kube-client/resources.ts';
import type { KubeObject } from '../../host/kube-client/types.ts';
import type { PoolStatus } from './pool-status.ts';
import { controllersOptions } from './options.ts';
import { runControllers } from './run-controllers.ts';

const OPTIONS = { ...controllersOptions({}), leaseSeconds: 0.3, collectEveryMs: 20, graceMs: 0, coolDownMs: 0 };
const LEASE = { namespace: 'kube-system', name: 'sluice-controllers' };
const soon = { timeout: 180_000, interval: 10 };

let client: MemoryKubeClient;
let store: BlockStore;
const stops: AbortController[] = [];
const running: Promise<void>[] = [];

beforeEach(async () => {
  // A machine that is out of breath would let leases run out. Whoever waits for something moves this clock on.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] });
  client = new MemoryKubeClient();
  store = kubeBlockStore({ client, report: () => undefined });
  for (const name of ['a', 'b']) await client.create(NODES, { metadata: { name } });
  await client.create(IP_POOLS, { metadata: { name: 'pool' }, spec: { cidr: '10.1.0.0/24' } } as object);
});

afterEach(async () => {
  for (const stop of stops.splice(0)) stop.abort();
  await Promise.all(running.splice(0));
  vi.useRealTimers();
});

function start(identity: string): AbortController {
  const stop = new AbortController();
  stops.push(stop);
  const dependencies = { client, store, log: silentLogger, now: Date.now, signal: stop.signal };
  running.push(runControllers({ ...OPTIONS, identity }, dependencies));
  return stop;
}

async function leader(): Promise<string | undefined> {
  const lease = await client.get<KubeObject & { spec?: { holderIdentity?: string } }>(LEASES, LEASE);
  return lease.spec?.holderIdentity;
}

/** Gives `pod` on `node` an address, and creates the pod when `alive`. */
async function allocate(node: string, pod: string, alive: boolean): Promise<void> {
  const options = { node, nodeLabels: () => ({}), coolDownMs: 0, lowWater: 0 };
  const allocator = createAllocator(options, { store, now: Date.now, report: () => undefined });
  await allocator.load();
  await allocator.allocate({ handle: pod, families: [4], attributes: { namespace: 'default', pod } });
  if (alive)
    await client.create(PODS, { metadata: { name: pod, namespace: 'default' }, spec: { nodeName: node } } as object);
}

async function holders(): Promise<string[]> {
  const blocks = await store.listBlocks();
  return blocks.flatMap(({ value }) => [...value.allocations.values()].map(({ handle }) => handle)).sort();
}

async function poolStatus(): Promise<PoolStatus | undefined> {
  return (await client.get<KubeObject & { status?: PoolStatus }>(IP_POOLS, { name: 'pool' })).status;
}

describe('the controllers of Sluice', () => {
  it('give back what pods that are gone have left, take the blocks of dead nodes back, and report it', async () => {
    await allocate('a', 'living', true);
    await allocate('a', 'gone', false);
    await allocate('b', 'elsewhere', false);
    start('one');
    await vi.waitFor(async () => expect(await holders()).toEqual(['living']), soon);
    expect(new Set((await store.listBlocks()).map(({ value }) => value.node))).toEqual(new Set(['a', 'b']));
    await client.delete(NODES, { name: 'b' });
    await vi.waitFor(async () => {
      expect((await store.listBlocks()).map(({ value }) => value.node)).toEqual(['a']);
      expect(await poolStatus()).toMatchObject({ blocks: 1, allocated: 1, capacity: '256' });
    }, soon);
  });

  it('work one at a time: the next takes over when the first gives up', async () => {
    const first = start('one');
    await vi.waitFor(async () => expect(await leader()).toBe('one'), soon);
    start('two');
    // Long enough for several renewals, in each of which the second could have pushed in.
    const renewTime = async (): Promise<unknown> =>
      (await client.get<KubeObject & { spec?: object }>(LEASES, LEASE)).spec;
    for (let renewals = 0; renewals < 4; renewals++) {
      const before = await renewTime();
      await vi.waitFor(async () => expect(await renewTime()).not.toEqual(before), soon);
      expect(await leader()).toBe('one');
    }
    first.abort();
    await vi.waitFor(async () => expect(await leader()).toBe('two'), soon);
  });
});
