import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { formatCidr } from '../../base/ip/index.ts';
import { silentLogger } from '../../base/log.ts';
import { createAllocator } from '../../core/ipam/index.ts';
import type { Allocator } from '../../core/ipam/index.ts';
import { kubeBlockStore } from '../../host/ipam-store/kube-block-store.ts';
import { MemoryKubeClient } from '../../host/kube-client/memory-client.ts';
import { IP_POOLS, IPAM_HANDLES } from '../../host/kube-client/resources.ts';
import type { KubeObject } from '../../host/kube-client/types.ts';
import { keepHandles } from './keep-handles.ts';

interface HandleObject extends KubeObject {
  readonly spec?: { readonly handleID?: string; readonly block?: Readonly<Record<string, number>> };
}

const SOON = { timeout: 180_000, interval: 5 };

let client: MemoryKubeClient;
let allocator: Allocator;
let stop: AbortController;
let done: Promise<void>;

beforeEach(async () => {
  client = new MemoryKubeClient();
  for (const [name, cidr] of [
    ['v4', '10.88.0.0/24'],
    ['v6', 'fd00:88::/112'],
  ])
    await client.create(IP_POOLS, { metadata: { name }, spec: { cidr } } as object);
  const store = kubeBlockStore({ client, report: () => undefined });
  const options = { node: 'node-1', nodeLabels: () => ({}), coolDownMs: 0, lowWater: 0 };
  allocator = createAllocator(options, { store, now: Date.now, report: () => undefined });
  await allocator.load();
  stop = new AbortController();
});
afterEach(async () => {
  stop.abort();
  await done;
});

function run(patienceMs: number): void {
  done = keepHandles({ client, log: silentLogger, now: Date.now }, stop.signal, { settleMs: 1, patienceMs });
}

async function handles(): Promise<Readonly<Record<string, unknown>>> {
  const { items } = await client.list<HandleObject>(IPAM_HANDLES);
  return Object.fromEntries(items.map(({ spec }) => [spec?.handleID, spec?.block]));
}

async function take(...names: readonly string[]): Promise<void> {
  await allocator.allocateMany(names.map((handle) => ({ handle, families: [4, 6], attributes: {} })));
}

describe("Calico's index of handles", () => {
  it('follows the blocks, also those that were there before', async () => {
    await take('a');
    run(0);
    await take('b');
    await expect.poll(async () => Object.keys(await handles()).sort(), SOON).toEqual(['a', 'b']);
    const blocks = allocator.blocks().map(({ value }) => [formatCidr(value.cidr), 1] as const);
    expect((await handles())['a']).toEqual(Object.fromEntries(blocks));
    await allocator.release(['a']);
    await expect.poll(async () => Object.keys(await handles()), SOON).toEqual(['b']);
  });

  it('leaves a handle alone that Calico has just written ahead of the block, and makes up for what is missing', async () => {
    await client.create(IPAM_HANDLES, {
      metadata: { name: 'early' },
      spec: { handleID: 'early', block: { '10.88.0.0/26': 1 } },
    } as object);
    run(3_600_000);
    await take('a', 'b');
    await expect.poll(async () => Object.keys(await handles()).sort(), SOON).toEqual(['a', 'b', 'early']);
    // What was made here needs no patience.
    await allocator.release(['b']);
    await expect.poll(async () => Object.keys(await handles()).sort(), SOON).toEqual(['a', 'early']);
  });

  it('corrects what counts wrongly, and drops what is held by nobody, once it has been so for a while', async () => {
    await take('a');
    const block = { '10.88.0.0/26': 5 };
    for (const name of ['a', 'nobody'])
      await client.create(IPAM_HANDLES, { metadata: { name }, spec: { handleID: name, block } } as object);
    run(20);
    await expect.poll(async () => Object.keys(await handles()), SOON).toEqual(['a']);
    await expect.poll(async () => Object.keys((await handles())['a'] as object), SOON).toHaveLength(2);
  });
});
