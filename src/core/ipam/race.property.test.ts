import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatCidr, formatIp, parseCidr, parseIp } from '../../base/ip/index.ts';
import type { Allocator } from './allocator.ts';
import { addressAt } from './block.ts';
import { createAllocator } from './create-allocator.ts';
import { collectGarbage } from './garbage.ts';
import type { World } from './garbage.ts';
import { MemoryBlockStore } from './memory-store.ts';
import { OPEN_POOL } from './open-pool.ts';
import { Interleaving } from './race.test-support.ts';
import type { BlockStore } from './store.ts';
import type { AllocateRequest, IpamConfig, IpPool } from './types.ts';

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
  /** Whether pods ask for addresses by name, too: for these a node takes a block in spite of its limit. */
  private readonly asksExactly: boolean;
  private handles = 0;

  constructor(interleaving: Interleaving, random: (below: number) => number, rules: Partial<IpamConfig>) {
    this.interleaving = interleaving;
    this.random = random;
    this.asksExactly = rules.maxBlocksPerHost === undefined;
    const pools = [pool('v4', '10.0.0.0/25', 28), pool('more', '10.0.7.0/26', 28), pool('v6', 'fd00::/121', 124)];
    this.store = new MemoryBlockStore(pools, rules);
    for (let i = 0; i < 10; i++) {
      this.nodes.push({ name: `node-${i}`, generation: 0, dead: false, allocator: this.start(i, 0) });
    }
  }

  /** One node's life: `steps` random actions one after the other. */
  async live(index: number, steps: number): Promise<void> {
    for (let step = 0; step < steps; step++) {
      const action = this.random(33);
      if (action >= 30) await this.nodes[index]!.allocator.giveBack().catch(() => undefined);
      else if (action < 18) await this.allocate(index, 1 + this.random(4));
      else if (action < 26) await this.release(index);
      else this.crash(index, action === 29);
      if (this.nodes[index]!.dead) return;
    }
  }

  /** The administrator's life: pools open and close for nodes, rules change, and each node hears of it in its own time. */
  async administer(steps: number): Promise<void> {
    const client = this.interleaving.client(this.store, () => false);
    for (let step = 0; step < steps; step++) {
      await client.listPools().catch(() => undefined);
      this.store.pools = this.store.pools.map((each) => ({
        ...each,
        disabled: this.random(4) === 0,
        nodeSelector: ['all()', 'has(odd)', '!has(odd)'][this.random(3)]!,
      }));
      const [strictAffinity, autoAllocateBlocks] = [this.random(2) === 0, this.random(5) > 0];
      this.store.config = { strictAffinity, autoAllocateBlocks, maxBlocksPerHost: 1 + this.random(8) };
      for (const { allocator } of this.nodes) if (this.random(2) === 0) allocator.invalidate();
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
      const attributes = { namespace: 'x', pod: handle };
      if (this.asksExactly && this.random(3) === 0)
        return { handle, families: [4], attributes, addresses: [parseIp(`10.0.0.${this.random(128)}`)!] };
      return { handle, families: this.random(3) === 0 ? [4, 6] : [4], attributes };
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
      { node: `node-${index}`, nodeLabels: () => (index % 2 === 1 ? { odd: '' } : {}), coolDownMs: 0, lowWater: 2 },
      { store: store ?? client, now: () => 0, report: () => undefined },
    );
  }
}

describe('ten nodes racing for one pool', () => {
  it.each<[string, Partial<IpamConfig> | 'changing', number]>([
    ['with borrowing', {}, 0],
    ['with strict affinity', { strictAffinity: true }, 0],
    ['with few blocks each', { maxBlocksPerHost: 1 }, 0],
    ['with borrowing and lost connections', {}, 30],
    ['with strict affinity and lost connections', { strictAffinity: true }, 30],
    ['with few blocks each and lost connections', { maxBlocksPerHost: 1, strictAffinity: true }, 30],
    ['while pools and rules change', 'changing', 0],
    ['while pools and rules change and connections are lost', 'changing', 30],
  ])('never give an address twice and leak none, %s', async (_, rules, lossPerMille) => {
    await fc.assert(
      fc.asyncProperty(fc.infiniteStream(fc.nat(0x7fffffff)), async (numbers) => {
        const random = (below: number): number => numbers.next().value! % below;
        const interleaving = new Interleaving(
          random,
          lossPerMille,
          () => new Promise((resolve) => setImmediate(resolve)),
        );
        const cluster = new Cluster(interleaving, random, rules === 'changing' ? {} : rules);
        const lives = cluster.nodes.map((_node, index) => cluster.live(index, 6));
        const changes = rules === 'changing' ? cluster.administer(5) : undefined;
        await interleaving.run(Promise.all([...lives, cluster.collect(4), changes]));
        await cluster.settle();
        await expectConsistent(cluster, rules === 'changing' ? {} : rules);
      }),
      { numRuns: 50 },
    );
  });
});

async function expectConsistent(
  cluster: Cluster,
  { strictAffinity = false, maxBlocksPerHost }: Partial<IpamConfig>,
): Promise<void> {
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
  if (maxBlocksPerHost !== undefined)
    for (const { name } of cluster.nodes)
      for (const family of [4, 6]) {
        const owned = blocks.filter(({ node, cidr }) => node === name && cidr.ip.family === family);
        expect(owned.length).toBeLessThanOrEqual(maxBlocksPerHost);
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
