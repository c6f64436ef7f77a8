import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatCidr, formatIp, parseCidr } from '../../base/ip/index.ts';
import type { Allocator } from './allocator.ts';
import { addressAt } from './block.ts';
import { createAllocator } from './create-allocator.ts';
import { collectGarbage } from './garbage.ts';
import type { World } from './garbage.ts';
import { MemoryBlockStore } from './memory-store.ts';
import { OPEN_POOL } from './pool.test-support.ts';
import { Interleaving } from './race.test-support.ts';
import type { BlockStore } from './store.ts';
import type { AllocateRequest, IpPool } from './types.ts';

function pool(name: string, cidr: string, blockSize: number): IpPool {
  return { ...OPEN_POOL, name, cidr: parseCidr(cidr)!, blockSize };
}

/**
 * A cluster of nodes that allocate, release, crash and die over one store while a collector works in it, with a record of
 * who rightly holds what.
 */
class Cluster {
  readonly store: MemoryBlockStore;
  readonly held = new Map<string, readonly string[]>();
  readonly nodes: { name: string; generation: number; dead: boolean; allocator: Allocator }[] = [];
  /** Handles whose pod exists: from before its allocation until after its release. */
  private readonly pods = new Set<string>();
  private readonly owners = new Map<string, string>();
  private readonly interleaving: Interleaving;
  private readonly random: (below: number) => number;
  private handles = 0;

  constructor(interleaving: Interleaving, random: (below: number) => number, strictAffinity: boolean) {
    this.interleaving = interleaving;
    this.random = random;
    const pools = [pool('v4', '10.0.0.0/25', 28), pool('v6', 'fd00::/121', 124)];
    this.store = new MemoryBlockStore(pools, { strictAffinity });
    for (let i = 0; i < 10; i++) {
      this.nodes.push({ name: `node-${i}`, generation: 0, dead: false, allocator: this.start(i, 0) });
    }
  }

  /** One node's life: `steps` random actions one after the other. */
  async live(index: number, steps: number): Promise<void> {
    for (let step = 0; step < steps; step++) {
      const action = this.random(30);
      if (action < 18) await this.allocate(index, 1 + this.random(4));
      else if (action < 26) await this.release(index);
      else this.crash(index, action === 29);
      if (this.nodes[index]!.dead) return;
    }
  }

  /** The collector's life, over a connection that can break too. */
  async collect(rounds: number): Promise<void> {
    const client = this.interleaving.client(this.store, () => false);
    for (let round = 0; round < rounds; round++) await this.collectOnce(client).catch(() => undefined);
  }

  /** Starts every living node anew without faults and collects garbage. */
  async settle(): Promise<void> {
    const alive = [...this.nodes.entries()].filter(([, { dead }]) => !dead);
    for (const [index, node] of alive) {
      node.generation++;
      node.allocator = this.start(index, node.generation, this.store);
      await node.allocator.load();
    }
    await this.collectOnce(this.store);
    for (const [, node] of alive) await node.allocator.load();
  }

  private collectOnce(store: BlockStore): Promise<unknown> {
    const dead = (name: string): boolean => this.nodes.some((node) => node.name === name && node.dead);
    const readWorld = (): Promise<World> => {
      const pods = new Set(this.pods);
      return Promise.resolve({ nodeExists: (node) => !dead(node), podHolds: ({ name }) => pods.has(name) });
    };
    return collectGarbage({ graceMs: 0, coolDownMs: 0 }, { store, now: () => 0, readWorld });
  }

  private async allocate(index: number, count: number): Promise<void> {
    const node = this.nodes[index]!;
    const { generation } = node;
    const requests = Array.from({ length: count }, (): AllocateRequest => {
      const handle = `${node.name}-${this.handles++}`;
      return { handle, families: this.random(3) === 0 ? [4, 6] : [4], attributes: { namespace: 'x', pod: handle } };
    });
    for (const { handle } of requests) this.pods.add(handle);
    const outcomes = await node.allocator.allocateMany(requests);
    if (node.generation !== generation) return;
    for (const [i, outcome] of outcomes.entries()) {
      if (outcome.kind === 'failed') {
        this.pods.delete(requests[i]!.handle);
        continue;
      }
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
    this.forget(handles);
    await node.allocator.release(handles).catch(() => undefined);
  }

  /** A crash loses what was under way; a death takes the node's pods with it. */
  private crash(index: number, dies: boolean): void {
    const node = this.nodes[index]!;
    node.generation++;
    node.dead = dies;
    const abandoned = [...this.pods].filter((handle) => handle.startsWith(`${node.name}-`));
    this.forget(dies ? abandoned : abandoned.filter((handle) => !this.held.has(handle)));
    node.allocator = this.start(index, node.generation);
  }

  private forget(handles: readonly string[]): void {
    for (const handle of handles) {
      for (const ip of this.held.get(handle) ?? []) this.owners.delete(ip);
      this.held.delete(handle);
      this.pods.delete(handle);
    }
  }

  private start(index: number, generation: number, store?: MemoryBlockStore): Allocator {
    const client = this.interleaving.client(this.store, () => this.nodes[index]!.generation !== generation);
    return createAllocator(
      { node: `node-${index}`, nodeLabels: () => ({}), coolDownMs: 0, lowWater: 2 },
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
        const lives = cluster.nodes.map((_node, index) => cluster.live(index, 6));
        await interleaving.run(Promise.all([...lives, cluster.collect(4)]));
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
  for (const { name, allocator, dead } of cluster.nodes) {
    if (dead) continue;
    const mine = [...cluster.held.keys()].filter((handle) => handle.startsWith(`${name}-`));
    expect([...allocator.assignments().keys()].sort()).toEqual(mine.sort());
  }
}
