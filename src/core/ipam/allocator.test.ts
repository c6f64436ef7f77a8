import { describe, expect, it } from 'vitest';
import { formatCidr, formatIp, parseCidr, parseIp } from '../../base/ip/index.ts';
import type { Cidr } from '../../base/ip/index.ts';
import type { Allocator, AllocatorOptions } from './allocator.ts';
import { claimCidr } from './claim.ts';
import { createAllocator } from './create-allocator.ts';
import { collectGarbage } from './garbage.ts';
import type { World } from './garbage.ts';
import { MemoryBlockStore } from './memory-store.ts';
import { OPEN_POOL } from './open-pool.ts';
import type { AllocateRequest, Assignment, IpPool } from './types.ts';

function pool(cidr: string, blockSize: number, more: Partial<IpPool> = {}): IpPool {
  return { ...OPEN_POOL, name: cidr, cidr: parseCidr(cidr)!, blockSize, ...more };
}

/** A store that counts its writes to blocks. */
class CountingStore extends MemoryBlockStore {
  writes = 0;

  override updateBlock(
    ...args: Parameters<MemoryBlockStore['updateBlock']>
  ): ReturnType<MemoryBlockStore['updateBlock']> {
    this.writes++;
    return super.updateBlock(...args);
  }
}

class Clock {
  ms = 1_000_000;
  readonly now = (): number => this.ms;
}

async function start(
  store: MemoryBlockStore,
  options: Partial<AllocatorOptions> = {},
  clock = new Clock(),
): Promise<Allocator> {
  const allocator = createAllocator(
    { node: 'node-1', nodeLabels: () => ({}), coolDownMs: 0, lowWater: 0, ...options },
    { store, now: clock.now, report: () => undefined },
  );
  await allocator.load();
  return allocator;
}

function request(handle: string, more: Partial<AllocateRequest> = {}): AllocateRequest {
  return { handle, families: [4], attributes: { namespace: 'default', pod: handle }, ...more };
}

function many(count: number, prefix = 'h'): AllocateRequest[] {
  return Array.from({ length: count }, (_, i) => request(`${prefix}${i}`));
}

function ips({ addresses }: Assignment): string[] {
  return addresses.map(({ ip }) => formatIp(ip));
}

describe('allocating', () => {
  it('gives the same address for the same handle, also after a restart', async () => {
    const store = new MemoryBlockStore([pool('10.0.0.0/24', 28)]);
    const first = await (await start(store)).allocate(request('a'));
    const allocator = await start(store);
    expect(await allocator.allocate(request('a'))).toEqual(first);
    expect(allocator.lookup('a')).toEqual(first);
  });

  it('gives one handle that asks twice at once one address', async () => {
    const allocator = await start(new MemoryBlockStore([pool('10.0.0.0/24', 28)]));
    const [a, b] = await Promise.all([allocator.allocate(request('a')), allocator.allocate(request('a'))]);
    expect(a).toEqual(b);
    expect(allocator.blocks()[0]?.value.allocations.size).toBe(1);
  });

  it('serves concurrent requests with one write per block', async () => {
    const store = new CountingStore([pool('10.0.0.0/16', 26)]);
    const allocator = await start(store, { lowWater: 8 });
    await allocator.ensureBlocks([4]);
    store.writes = 0;
    await Promise.all(many(40).map((item) => allocator.allocate(item)));
    // The first request starts a batch of its own before the other 39 have been made.
    expect(store.writes).toBeLessThanOrEqual(2);
    store.writes = 0;
    await allocator.release(many(40).map(({ handle }) => handle));
    expect(store.writes).toBe(1);
  });

  it('serves a burst that needs far more blocks than there are rounds', async () => {
    const allocator = await start(new MemoryBlockStore([pool('10.0.0.0/22', 30)], { maxBlocksPerHost: 100 }));
    const outcomes = await allocator.allocateMany(many(300));
    expect(outcomes.filter(({ kind }) => kind === 'failed')).toEqual([]);
  });

  it('gives one address of each family, in the order of the request', async () => {
    const allocator = await start(new MemoryBlockStore([pool('10.0.0.0/24', 28), pool('fd00::/64', 122)]));
    const assignment = await allocator.allocate(request('a', { families: [6, 4] }));
    expect(assignment.addresses.map(({ ip }) => ip.family)).toEqual([6, 4]);
  });

  it('keeps nothing of a dual-stack request of which one family failed', async () => {
    const store = new MemoryBlockStore([pool('10.0.0.0/24', 28)]);
    const allocator = await start(store);
    await expect(allocator.allocate(request('a', { families: [4, 6] }))).rejects.toMatchObject({ code: 'no-pool' });
    expect((await store.listBlocks()).every(({ value }) => value.allocations.size === 0)).toBe(true);
  });

  it('claims the next block before the last one is full', async () => {
    const store = new MemoryBlockStore([pool('10.0.0.0/24', 28)]);
    const allocator = await start(store, { lowWater: 4 });
    await allocator.ensureBlocks([4]);
    await allocator.allocateMany(many(11));
    expect(allocator.blocks()).toHaveLength(1);
    await allocator.allocate(request('one-more'));
    // Claiming ahead happens after the answer: wait for the allocator's next turn.
    await allocator.release([]);
    expect(allocator.blocks()).toHaveLength(2);
  });

  it('takes addresses only from enabled pools that select the node and were asked for', async () => {
    const store = new MemoryBlockStore([
      pool('10.1.0.0/24', 28, { disabled: true }),
      pool('10.2.0.0/24', 28, { nodeSelector: 'zone == "b"' }),
      pool('10.3.0.0/24', 28, { name: 'three' }),
      pool('10.4.0.0/24', 28, { name: 'four' }),
    ]);
    const inA = await start(store, { nodeLabels: () => ({ zone: 'a' }) });
    expect((await inA.allocate(request('x'))).addresses[0]?.pool).toBe('four');
    expect((await inA.allocate(request('y', { pools: { 4: ['three'] } }))).addresses[0]?.pool).toBe('three');
    await expect(inA.allocate(request('z', { pools: { 4: ['10.1.0.0/24'] } }))).rejects.toThrow(
      /10\.1\.0\.0\/24 is disabled/,
    );
    const inB = await start(store, { node: 'node-2', nodeLabels: () => ({ zone: 'b' }) });
    expect((await inB.allocate(request('x2'))).addresses[0]?.pool).toBe('10.2.0.0/24');
  });

  it('assigns the very address that was asked for, once', async () => {
    const allocator = await start(new MemoryBlockStore([pool('10.0.0.0/24', 28)]));
    const wanted = { addresses: [parseIp('10.0.0.77')!] };
    expect(ips(await allocator.allocate(request('a', wanted)))).toEqual(['10.0.0.77']);
    await expect(allocator.allocate(request('b', wanted))).rejects.toThrow(
      /10\.0\.0\.77 cannot be assigned: a holds it/,
    );
    await expect(allocator.allocate(request('c', { addresses: [parseIp('192.0.2.1')!] }))).rejects.toMatchObject({
      code: 'address-outside-pools',
    });
  });

  it('assigns an address of a pool that selects other nodes when it is asked for, but none of a disabled pool', async () => {
    const store = new MemoryBlockStore([
      pool('10.1.0.0/24', 28, { nodeSelector: 'has(gpu)', assignmentMode: 'Manual' }),
      pool('10.2.0.0/24', 28, { disabled: true }),
      pool('10.3.0.0/24', 28, { allowedUses: ['LoadBalancer'] }),
    ]);
    const allocator = await start(store);
    const asked = (handle: string, ip: string, adopt = false): Promise<Assignment> =>
      allocator.allocate(request(handle, { addresses: [parseIp(ip)!], adopt }));
    expect(ips(await asked('a', '10.1.0.9'))).toEqual(['10.1.0.9']);
    await expect(asked('b', '10.2.0.9')).rejects.toThrow(/10\.2\.0\.9 cannot be assigned: its pool .* is disabled/);
    await expect(asked('c', '10.3.0.9')).rejects.toThrow(/is not for this use \(Workload\)/);
    // A pod that runs already keeps its address whatever its pool says now.
    expect(ips(await asked('d', '10.2.0.9', true))).toEqual(['10.2.0.9']);
  });
});

describe('a pool without free blocks', () => {
  it('lends addresses of other nodes, which their owner then leaves alone', async () => {
    const store = new MemoryBlockStore([pool('10.0.0.0/29', 30)]);
    const owner = await start(store, { node: 'owner' });
    await owner.allocateMany(many(5, 'o'));
    const guest = await start(store, { node: 'guest' });
    const assignment = await guest.allocate(request('g'));
    expect(assignment.addresses[0]).toMatchObject({ borrowed: true });
    const outcomes = await owner.allocateMany(many(2, 'p'));
    const given = outcomes.flatMap((outcome) => (outcome.kind === 'assigned' ? ips(outcome.assignment) : []));
    expect(given).toHaveLength(2);
    expect(given).not.toContain(ips(assignment)[0]);
    expect(await guest.release(['g'])).toBe(1);
  });

  it('says so when affinity is strict, and what could be done', async () => {
    const store = new MemoryBlockStore([pool('10.0.0.0/29', 30)]);
    await (await start(store, { node: 'owner' })).allocateMany(many(5, 'o'));
    store.config = { ...store.config, strictAffinity: true };
    const guest = await start(store, { node: 'guest' });
    const failure = guest.allocate(request('g'));
    await expect(failure).rejects.toMatchObject({ code: 'exhausted' });
    await expect(failure).rejects.toThrow(
      /pool 10\.0\.0\.0\/29 \(10\.0\.0\.0\/29, 8 addresses\) has 5 in use, 0 cooling down, 3 free; 2 of its 2 \/30 blocks are claimed\. To go on: allow borrowing/,
    );
  });

  it('never lends from a block whose owner is strict', async () => {
    const store = new MemoryBlockStore([pool('10.0.0.0/29', 29)]);
    await claimCidr(store, parseCidr('10.0.0.0/29')!, { node: 'owner', strictAffinity: true });
    await expect((await start(store)).allocate(request('g'))).rejects.toMatchObject({ code: 'exhausted' });
  });
});

describe('the rules of the cluster', () => {
  it('keep a node from claiming more blocks than it may have, and from borrowing instead', async () => {
    const store = new MemoryBlockStore([pool('10.0.0.0/24', 30)], { maxBlocksPerHost: 2 });
    await (await start(store, { node: 'lender' })).allocate(request('l'));
    const allocator = await start(store);
    await allocator.allocateMany(many(8));
    const failure = allocator.allocate(request('more'));
    await expect(failure).rejects.toMatchObject({ code: 'block-limit' });
    await expect(failure).rejects.toThrow(/its 2 blocks in 10\.0\.0\.0\/24 are full.*raise maxBlocksPerHost/);
    await allocator.release(['h0']);
    expect((await allocator.allocate(request('more'))).addresses).toHaveLength(1);
  });

  it('leave claiming to others when blocks are not allocated by themselves', async () => {
    const store = new MemoryBlockStore([pool('10.0.0.0/24', 28)], { autoAllocateBlocks: false });
    const allocator = await start(store);
    await allocator.ensureBlocks([4]);
    await expect(allocator.allocate(request('a'))).rejects.toThrow(/autoAllocateBlocks is off/);
    await claimCidr(store, parseCidr('10.0.0.16/28')!, { node: 'node-1', strictAffinity: false });
    allocator.invalidate();
    expect(ips(await allocator.allocate(request('a')))).toEqual(['10.0.0.16']);
  });

  it('count from the moment on at which they change', async () => {
    const store = new MemoryBlockStore([pool('10.0.0.0/29', 29)]);
    await (await start(store, { node: 'owner' })).allocate(request('o'));
    const guest = await start(store, { node: 'guest' });
    await guest.allocate(request('g'));
    store.config = { ...store.config, strictAffinity: true };
    guest.invalidate();
    await expect(guest.allocate(request('h'))).rejects.toMatchObject({ code: 'exhausted' });
  });
});

describe('pools that change', () => {
  it('lose the empty blocks of nodes that they choose no more, and keep the others', async () => {
    const store = new MemoryBlockStore([pool('10.0.0.0/24', 28)]);
    const allocator = await start(store);
    await allocator.allocate(request('stays'));
    await allocator.ensureBlocks([4]);
    store.pools = [pool('10.0.0.0/24', 28, { nodeSelector: 'has(other)' }), pool('10.9.0.0/24', 28)];
    allocator.invalidate();
    expect(ips(await allocator.allocate(request('new')))[0]).toMatch(/^10\.9\.0\./);
    await allocator.giveBack();
    expect(allocator.blocks().map(({ value }) => value.allocations.size)).toEqual([1, 1]);
    expect(await allocator.release(['stays'])).toBe(1);
    await allocator.giveBack();
    expect(allocator.blocks()).toHaveLength(1);
    expect((await store.listAffinities()).map(({ value }) => value.cidr)).toEqual([allocator.blocks()[0]!.value.cidr]);
  });

  it('never give an address that a block of another size has, although the pool is cut anew', async () => {
    const store = new MemoryBlockStore([pool('10.0.0.0/28', 30)]);
    const owner = await start(store, { node: 'owner' });
    const before = (await owner.allocateMany(many(3, 'o'))).flatMap((one) =>
      one.kind === 'assigned' ? ips(one.assignment) : [],
    );
    store.pools = [pool('10.0.0.0/28', 29)];
    const guest = await start(store, { node: 'guest' });
    const after = (await guest.allocateMany(many(9, 'g'))).flatMap((one) =>
      one.kind === 'assigned' ? ips(one.assignment) : [],
    );
    expect(after).toHaveLength(9);
    expect(new Set([...before, ...after]).size).toBe(12);
  });

  it('count by age where they overlap', async () => {
    const store = new MemoryBlockStore([pool('10.0.0.0/24', 28), pool('10.0.0.0/23', 27)]);
    const allocator = await start(store);
    expect((await allocator.allocate(request('a'))).addresses[0]?.block.prefix).toBe(28);
    const asked = allocator.allocate(request('b', { pools: { 4: ['10.0.0.0/23'] } }));
    await expect(asked).rejects.toThrow(/10\.0\.0\.0\/23 is disabled/);
  });
});

describe('a cluster that changes over to blocks', () => {
  it('leaves the ranges alone from which other nodes still give by themselves', async () => {
    const store = new MemoryBlockStore([pool('10.0.0.0/26', 28)]);
    const allocator = await start(store, { reserved: () => [parseCidr('10.0.0.0/27')!, parseCidr('10.0.0.48/29')!] });
    const outcomes = await allocator.allocateMany(many(17));
    expect(allocator.blocks().map(({ value }) => formatCidr(value.cidr))).toEqual(['10.0.0.32/28']);
    const failed = outcomes.flatMap((one) => (one.kind === 'failed' ? [String(one.error)] : []));
    expect(failed).toEqual([expect.stringMatching(/2 ranges of nodes that do not use blocks yet are left alone/)]);
    // What is asked for is given: pods that run there keep their addresses.
    expect(ips(await allocator.allocate(request('x', { addresses: [parseIp('10.0.0.5')!] })))).toEqual(['10.0.0.5']);
  });
});

describe('a node to which certain ranges are routed', () => {
  it('gets addresses of these alone, and borrows none', async () => {
    const store = new MemoryBlockStore([pool('10.0.0.0/16', 26), pool('fd00:1:2::/48', 122)]);
    const other = await start(store, { node: 'node-2', within: () => [parseCidr('10.0.9.0/24')!] });
    await other.allocate(request('other'));
    const within = (): readonly Cidr[] => [parseCidr('10.0.7.0/25')!, parseCidr('fd00:1:2:7::/64')!];
    const allocator = await start(store, { within });
    const first = await allocator.allocate(request('first', { addresses: [parseIp('10.0.7.0')!] }));
    expect(ips(first)).toEqual(['10.0.7.0']);
    const outcomes = await allocator.allocateMany(many(128));
    const given = outcomes.flatMap((outcome) => (outcome.kind === 'assigned' ? ips(outcome.assignment) : []));
    expect(new Set(given).size).toBe(127);
    expect(given.every((ip) => /^10\.0\.7\.\d+$/.test(ip))).toBe(true);
    expect(outcomes.filter(({ kind }) => kind === 'failed')).toHaveLength(1);
    const six = await allocator.allocate(request('six', { families: [6] }));
    expect(ips(six)).toEqual([expect.stringMatching(/^fd00:1:2:7:/)]);
  });

  it('gets blocks no larger than a range', async () => {
    const store = new MemoryBlockStore([pool('10.0.0.0/16', 26)]);
    const allocator = await start(store, { within: () => [parseCidr('10.0.7.64/28')!] });
    await allocator.allocate(request('first'));
    expect(allocator.blocks().map(({ value }) => formatCidr(value.cidr))).toEqual(['10.0.7.64/28']);
  });
});

describe('giving blocks back', () => {
  it('keeps room for the next pods, and what still cools down', async () => {
    const clock = new Clock();
    const store = new MemoryBlockStore([pool('10.0.0.0/24', 28)]);
    const allocator = await start(store, { coolDownMs: 10_000, lowWater: 4 }, clock);
    await allocator.allocateMany(many(80));
    expect(allocator.blocks().length).toBeGreaterThanOrEqual(5);
    await allocator.release(many(80).map(({ handle }) => handle));
    await allocator.giveBack();
    expect(allocator.blocks().length).toBeGreaterThanOrEqual(5);
    clock.ms += 10_000;
    await allocator.giveBack();
    expect(allocator.blocks()).toHaveLength(2);
    expect(await store.listBlocks()).toHaveLength(2);
    await allocator.giveBack();
    expect(allocator.blocks()).toHaveLength(2);
  });
});

describe('a released address', () => {
  it('is given out again only after its cool-down, and then last', async () => {
    const clock = new Clock();
    const store = new MemoryBlockStore([pool('10.0.0.0/30', 30)]);
    const options = { coolDownMs: 10_000 };
    const allocator = await start(store, options, clock);
    const first = ips(await allocator.allocate(request('a')))[0];
    await allocator.release(['a']);
    const others = await allocator.allocateMany(many(3));
    expect(others.every(({ kind }) => kind === 'assigned')).toBe(true);
    // A restart does not forget the cool-down.
    const restarted = await start(store, options, clock);
    await expect(restarted.allocate(request('b'))).rejects.toThrow(/1 cooling down.*wait up to 10 s/);
    clock.ms += 10_000;
    expect(ips(await restarted.allocate(request('b')))).toEqual([first]);
  });
});

describe('garbage', () => {
  const empty: World = { nodeExists: () => false, podHolds: () => false };
  const options = { graceMs: 0, coolDownMs: 0 };

  it('of a dead node goes back to the pool, block and all', async () => {
    const store = new MemoryBlockStore([pool('10.0.0.0/24', 28)]);
    await (await start(store)).allocateMany(many(3));
    const report = await collectGarbage(options, { store, now: () => 2e6, readWorld: async () => empty });
    expect(report.released).toHaveLength(3);
    expect(report.blocks).toHaveLength(1);
    expect(await store.listBlocks()).toEqual([]);
    expect(await store.listAffinities()).toEqual([]);
  });

  it('leaves addresses that other nodes borrowed from a dead one, and the block can be claimed again', async () => {
    const store = new MemoryBlockStore([pool('10.0.0.0/30', 30)]);
    await (await start(store, { node: 'dead' })).allocate(request('d'));
    const guest = await start(store, { node: 'guest' });
    const kept = await guest.allocate(request('g'));
    const world: World = { nodeExists: (node) => node === 'guest', podHolds: ({ node }) => node === 'guest' };
    await collectGarbage(options, { store, now: () => 2e6, readWorld: async () => world });
    const [block] = await store.listBlocks();
    expect(block?.value.node).toBeUndefined();
    expect([...block!.value.allocations.values()].map(({ handle }) => handle)).toEqual(['g']);
    const heir = await start(store, { node: 'heir' });
    await heir.ensureBlocks([4]);
    expect(heir.blocks()[0]?.value.node).toBe('heir');
    expect(guest.lookup('g')).toEqual(kept);
  });

  it('is not what is younger than the grace period', async () => {
    const store = new MemoryBlockStore([pool('10.0.0.0/24', 28)]);
    const clock = new Clock();
    await (await start(store, {}, clock)).allocate(request('a'));
    const world: World = { nodeExists: () => true, podHolds: () => false };
    const collect = (now: number): ReturnType<typeof collectGarbage> =>
      collectGarbage({ graceMs: 60_000, coolDownMs: 0 }, { store, now: () => now, readWorld: async () => world });
    expect((await collect(clock.ms + 30_000)).released).toEqual([]);
    expect((await collect(clock.ms + 61_000)).released).toHaveLength(1);
  });

  it('includes claims of dead nodes that never became a block', async () => {
    const store = new MemoryBlockStore([pool('10.0.0.0/24', 28)]);
    await store.createAffinity({ node: 'dead', cidr: parseCidr('10.0.0.16/28')!, state: 'pending' });
    await collectGarbage(options, { store, now: () => 2e6, readWorld: async () => empty });
    expect(await store.listAffinities()).toEqual([]);
  });
});

describe('a crash in the middle of a claim', () => {
  it('is finished at the next start when the block was written, and withdrawn when it was not', async () => {
    const store = new MemoryBlockStore([pool('10.0.0.0/24', 28)]);
    const [written, lost] = [parseCidr('10.0.0.0/28')!, parseCidr('10.0.0.16/28')!];
    await claimCidr(store, written, { node: 'node-1', strictAffinity: false });
    const confirmed = await store.getAffinity('node-1', written);
    await store.updateAffinity({ ...confirmed!.value, state: 'pending' }, confirmed!.revision);
    await store.createAffinity({ node: 'node-1', cidr: lost, state: 'pending' });
    await start(store);
    const affinities = (await store.listAffinities()).map(({ value }) => `${formatCidr(value.cidr)} ${value.state}`);
    expect(affinities).toEqual(['10.0.0.0/28 confirmed']);
  });
});
