import { expect, it } from 'vitest';
import { parseCidr, parseIp } from '../../base/ip/index.ts';
import { emptyBlock } from './block.ts';
import { createAllocator } from './create-allocator.ts';
import { MemoryBlockStore } from './memory-store.ts';
import { OPEN_POOL } from './open-pool.ts';
import { Round } from './round.ts';
import type { Stored } from './store.ts';
import type { Block } from './types.ts';

const CIDR = parseCidr('10.0.0.0/29')!;
const COOL = { now: 0, coolDownMs: 0 };
const OTHER = { handle: 'of-another-node', attributes: { node: 'other' } };

it('writes a change at the revision whose content it began from', () => {
  const before = emptyBlock(CIDR, 'other', false);
  const older: Stored<Block> = { value: before, revision: '1' };
  const newer: Stored<Block> = {
    value: { ...before, allocations: new Map([[1, OTHER]]), free: before.free.filter((each) => each !== 1) },
    revision: '2',
  };
  const round = new Round(COOL);
  round.assignExactly(older, 0, { handle: 'a', attributes: {} });
  round.assignNext([newer], { handle: 'b', attributes: {} });
  expect(round.writes().map(({ revision }) => revision)).toEqual(['1']);
});

/** Another node takes an address of the one block just before each write and each listing of this node. */
class BusyStore extends MemoryBlockStore {
  others = 0;
  private left = 0;

  disturb(times: number): void {
    this.left = times;
  }

  override async updateBlock(block: Block, revision: string): ReturnType<MemoryBlockStore['updateBlock']> {
    await this.takeOne();
    return super.updateBlock(block, revision);
  }

  override async listBlocks(): ReturnType<MemoryBlockStore['listBlocks']> {
    await this.takeOne();
    return super.listBlocks();
  }

  private async takeOne(): Promise<void> {
    if (this.left === 0) return;
    this.left--;
    const { value, revision } = (await super.getBlock(CIDR))!;
    const round = new Round(COOL);
    const handle = `other-${this.others++}`;
    round.assignNext([{ value, revision }], { handle, attributes: { node: 'other' } });
    await super.updateBlock(round.writes()[0]!.block, revision);
  }
}

it('loses no address that another node takes while one is asked for and another is borrowed', async () => {
  const store = new BusyStore([{ ...OPEN_POOL, name: 'p', cidr: CIDR, blockSize: 29 }]);
  await store.createBlock(emptyBlock(CIDR, 'other', false));
  const allocator = createAllocator(
    { node: 'n1', nodeLabels: () => ({}), coolDownMs: 0, lowWater: 0 },
    { store, now: () => 0, report: () => undefined },
  );
  await allocator.load();
  // The block is known to this node from here on: it has borrowed of it.
  await allocator.allocate({ handle: 'first', families: [4], attributes: {} });
  // The first write conflicts, and the block changes once more before it is listed to borrow from.
  store.disturb(2);
  await allocator.allocateMany([
    { handle: 'asked', families: [4], attributes: {}, addresses: [parseIp('10.0.0.6')!] },
    { handle: 'any', families: [4], attributes: {} },
  ]);
  const { value } = (await store.getBlock(CIDR))!;
  const held = [...value.allocations.values()].map(({ handle }) => handle).toSorted();
  expect(held).toEqual(['any', 'asked', 'first', 'other-0', 'other-1']);
});
