import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatCidr, formatIp, parseCidr } from '../../base/ip/index.ts';
import type { Allocator } from './allocator.ts';
import { addressAt } from './block.ts';
import { createAllocator } from './create-allocator.ts';
import { collectGarbage } from './garbage.ts';
import type { World } from './garbage.ts';
import { MemoryBlockStore } from './memory-store.ts';
import { Interleaving } from './race.test-support.ts';
import type { AllocateRequest, IpPool } from './types.ts';

function pool(name: string, cidr: string, blockSize: number): IpPool {
  return {
    name,
    cidr: parseCidr(cidr)!,
    blockSize,
    disabled: false,
    nodeSelector: 'all()',
    natOutgoing: true,
    vxlanMode: 'Never',
    ipipMode: 'Never',
  };
}

/** A cluster of nodes that allocate, release and crash over one store, with a record of who rightly holds what. */
class Cluster {
  readonly store = new MemoryBlockStore([pool('v4', '10.0.0.0/25', 28), pool('v6', 'fd00::/121', 124)]);
  readonly held = new Map<string, readonly string[]>();
  readonly nodes: { name: string; generation: number; allocator: Allocator }[] = [];
  private readonly owners = new Map<string, string>();
  private readonly interleaving: Interleaving;
  private readonly random: (below: number) => number;
  private readonly strictAffinity: boolean;
  private handles = 0;

  constructor(interleaving: Interleaving, random: (below: number) => number, strictAffinity: boolean) {
    this.interleaving = interleaving;
    this.random = random;
    this.strictAffinity = strictAffinity;
    for (let i = 0; i < 10; i++) {
      this.nodes.push({ name: `node-${i}`, generation: 0, allocator: this.start(i, 0) });
    }
  }

  /** One node's life: `steps` random actions one after the other. */
  async live(index: number, steps: number): Promise<void> {
    for (let step = 0; step < steps; step++) {
      const action = this.random(10);
      if (action < 6) await this.allocate(index, 1 + this.random(4));
      else if (action < 9) await this.release(index);
      else this.crash(index);
    }
  }

  /** Starts every node anew without faults and collects garbage. */
  async settle(): Promise<void> {
    for (const [index, node] of this.nodes.entries()) {
      node.generation++;
      node.allocator = this.start(index, node.generation, this.store);
      await node.allocator.load();
    }
    const world: World = { nodeExists: () => true, podHolds: ({ name }) => this.held.has(name) };
    await collectGarbage(
      { graceMs: 0, coolDownMs: 0 },
      { store: this.store, now: () => 0, readWorld: () => Promise.resolve(world) },
    );
    for (const node of this.nodes) await node.allocator.load();
  }

  private async allocate(index: number, count: number): Promise<void> {
    const node = this.nodes[index]!;
    const { generation } = node;
    const requests = Array.from({ length: count }, (): AllocateRequest => {
      const handle = `${node.name}-${this.handles++}`;
      return { handle, families: this.random(3) === 0 ? [4, 6] : [4], attributes: { namespace: 'x', pod: handle } };
    });
    const outcomes = await node.allocator.allocateMany(requests);
    if (node.generation !== generation) return;
    for (const [i, outcome] of outcomes.entries()) {
      if (outcome.kind === 'failed') continue;
      const ips = outcome.assignment.addresses.map(({ ip }) => formatIp(ip));
      expect(ips).toHaveLength(requests[i]!.families.length);
      for (const ip of ips) {
        expect(this.owners.get(ip), `${ip} has two owners`).toBeUndefined();
        this.owners.set(ip, outcome.assignment.handle);
      }
      this.held.set(outcome.assignment.handle, ips);
    }
  }

  private async release(index: number): Promise<void> {
    const node = this.nodes[index]!;
    const mine = [...this.held.keys()].filter((handle) => handle.startsWith(`${node.name}-`));
    const handles = mine.filter(() => this.random(2) === 0);
    for (const handle of handles) {
      for (const ip of this.held.get(handle)!) this.owners.delete(ip);
      this.held.delete(handle);
    }
    await node.allocator.release(handles).catch(() => undefined);
  }

  private crash(index: number): void {
    const node = this.nodes[index]!;
    node.generation++;
    node.allocator = this.start(index, node.generation);
  }

  private start(index: number, generation: number, store?: MemoryBlockStore): Allocator {
    const client = this.interleaving.client(this.store, () => this.nodes[index]!.generation !== generation);
    return createAllocator(
      { node: `node-${index}`, nodeLabels: {}, strictAffinity: this.strictAffinity, coolDownMs: 0, lowWater: 2 },
      { store: store ?? client, now: () => 0, report: () => undefined },
    );
  }
}

describe('ten nodes racing for one pool', () => {
  it.each([
    ['with borrowing', false, 0],
    ['with strict affinity', true, 0],
    ['with borrowing and lost connections', false, 30],
    ['with strict affinity and lost connections', true, 30],
  ])('never give an address twice and leak none, %s', async (_, strictAffinity, lossPerMille) => {
    await fc.assert(
      fc.asyncProperty(fc.infiniteStream(fc.nat(0x7fffffff)), async (numbers) => {
        const random = (below: number): number => numbers.next().value! % below;
        const interleaving = new Interleaving(
          random,
          lossPerMille,
          () => new Promise((resolve) => setImmediate(resolve)),
        );
        const cluster = new Cluster(interleaving, random, strictAffinity);
        await interleaving.run(Promise.all(cluster.nodes.map((_node, index) => cluster.live(index, 6))));
        await cluster.settle();
        await expectConsistent(cluster, strictAffinity);
      }),
      { numRuns: 25 },
    );
  });
});

async function expectConsistent(cluster: Cluster, strictAffinity: boolean): Promise<void> {
  const blocks = (await cluster.store.listBlocks()).map(({ value }) => value);
  const allocated = blocks.flatMap((block) =>
    [...block.allocations].map(([ordinal, { handle }]) => `${handle} ${formatIp(addressAt(block, ordinal))}`),
  );
  const expected = [...cluster.held].flatMap(([handle, ips]) => ips.map((ip) => `${handle} ${ip}`));
  expect(allocated.sort()).toEqual(expected.sort());
  for (const block of blocks) {
    expect(block.free.length + block.allocations.size).toBe(16);
    expect(new Set([...block.free, ...block.allocations.keys()]).size).toBe(16);
    if (!strictAffinity) continue;
    for (const { attributes } of block.allocations.values()) expect(attributes['node']).toBe(block.node);
  }
  const affinities = (await cluster.store.listAffinities()).map(({ value }) => value);
  expect(affinities.filter(({ state }) => state !== 'confirmed')).toEqual([]);
  expect(affinities.map(({ node, cidr }) => `${node} ${formatCidr(cidr)}`).sort()).toEqual(
    blocks
      .filter(({ node }) => node !== undefined)
      .map(({ node, cidr }) => `${node} ${formatCidr(cidr)}`)
      .sort(),
  );
  for (const { name, allocator } of cluster.nodes) {
    const mine = [...cluster.held.keys()].filter((handle) => handle.startsWith(`${name}-`));
    expect([...allocator.assignments().keys()].sort()).toEqual(mine.sort());
  }
}
