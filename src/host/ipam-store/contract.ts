import { describe, expect, it } from 'vitest';
import { parseCidr } from '../../base/ip/index.ts';
import { createAllocator, emptyBlock } from '../../core/ipam/index.ts';
import type { Affinity, Block, BlockStore } from '../../core/ipam/index.ts';

const CIDR = parseCidr('10.244.0.64/26')!;

/** What every {@link BlockStore} must do. `open` yields an empty store with one pool, 10.244.0.0/16 in blocks of /26. */
export function blockStoreContract(name: string, open: () => Promise<BlockStore>): void {
  describe(`the block store ${name}`, () => {
    it('has the pool', async () => {
      const [pool] = await (await open()).listPools();
      expect(pool).toMatchObject({ cidr: parseCidr('10.244.0.0/16'), blockSize: 26, disabled: false });
    });

    it('gives back a block as it was written', async () => {
      const store = await open();
      const block: Block = {
        ...emptyBlock(CIDR, 'node-1', true),
        allocations: new Map([
          [3, { handle: 'net.a.eth0', attributes: { node: 'node-1', pod: 'web', namespace: 'default' } }],
        ]),
        free: Array.from({ length: 63 }, (_, i) => (i < 3 ? i : i + 1)).toReversed(),
        released: new Map([[7, 1_700_000_000_000]]),
      };
      await store.createBlock(block);
      expect((await store.getBlock(CIDR))?.value).toEqual(block);
      expect((await store.listBlocks()).map(({ value }) => value)).toEqual([block]);
    });

    it('refuses to create a block twice', async () => {
      const store = await open();
      expect(await store.createBlock(emptyBlock(CIDR, 'node-1', false))).not.toBe('exists');
      expect(await store.createBlock(emptyBlock(CIDR, 'node-2', false))).toBe('exists');
      expect((await store.getBlock(CIDR))?.value.node).toBe('node-1');
    });

    it('lets one of two writers of the same revision win', async () => {
      const store = await open();
      const created = await store.createBlock(emptyBlock(CIDR, 'node-1', false));
      if (created === 'exists') throw new Error('the store was not empty');
      const outcomes = await Promise.all(
        ['a', 'b', 'c'].map((node) => store.updateBlock({ ...created.value, node }, created.revision)),
      );
      expect(outcomes.filter((outcome) => outcome === 'conflict')).toHaveLength(2);
      const winner = outcomes.find((outcome) => outcome !== 'conflict');
      expect(await store.getBlock(CIDR)).toEqual(winner);
    });

    it('deletes only the revision that was asked for', async () => {
      const store = await open();
      const created = await store.createBlock(emptyBlock(CIDR, 'node-1', false));
      if (created === 'exists') throw new Error('the store was not empty');
      const updated = await store.updateBlock({ ...created.value, node: undefined }, created.revision);
      if (updated === 'conflict') throw new Error('nobody else writes');
      expect(await store.deleteBlock(CIDR, created.revision)).toBe('conflict');
      expect(await store.deleteBlock(CIDR, updated.revision)).toBe('deleted');
      expect(await store.getBlock(CIDR)).toBeUndefined();
      expect(await store.deleteBlock(CIDR, updated.revision)).toBe('conflict');
      expect(await store.updateBlock(updated.value, updated.revision)).toBe('conflict');
    });

    it('keeps the affinities of nodes apart', async () => {
      const store = await open();
      const affinity: Affinity = { node: 'node-1', cidr: CIDR, state: 'pending' };
      const created = await store.createAffinity(affinity);
      if (created === 'exists') throw new Error('the store was not empty');
      expect(await store.createAffinity({ ...affinity, node: 'node-2' })).not.toBe('exists');
      expect(await store.createAffinity(affinity)).toBe('exists');
      const confirmed = await store.updateAffinity({ ...affinity, state: 'confirmed' }, created.revision);
      if (confirmed === 'conflict') throw new Error('nobody else writes');
      expect(await store.updateAffinity(affinity, created.revision)).toBe('conflict');
      expect((await store.listAffinities('node-1')).map(({ value }) => value.state)).toEqual(['confirmed']);
      expect(await store.listAffinities()).toHaveLength(2);
      expect(await store.deleteAffinity(affinity, confirmed.revision)).toBe('deleted');
      expect(await store.getAffinity('node-1', CIDR)).toBeUndefined();
      expect((await store.getAffinity('node-2', CIDR))?.value.node).toBe('node-2');
    });

    it('carries an allocator from start to the last release', async () => {
      const store = await open();
      const options = { node: 'node-1', nodeLabels: () => ({}), coolDownMs: 0, lowWater: 8 };
      const dependencies = { store, now: () => 0, report: () => undefined };
      const allocator = createAllocator(options, dependencies);
      await allocator.load();
      const requests = Array.from({ length: 100 }, (_, i) => ({
        handle: `net.${i}.eth0`,
        families: [4] as const,
        attributes: { namespace: 'default', pod: `pod-${i}` },
      }));
      const outcomes = await allocator.allocateMany(requests);
      expect(outcomes.filter(({ kind }) => kind === 'failed')).toEqual([]);
      const restarted = createAllocator(options, dependencies);
      await restarted.load();
      expect(restarted.assignments()).toEqual(allocator.assignments());
      expect(await restarted.release(requests.map(({ handle }) => handle))).toBe(100);
      expect((await store.listBlocks()).every(({ value }) => value.allocations.size === 0)).toBe(true);
    });
  });
}
