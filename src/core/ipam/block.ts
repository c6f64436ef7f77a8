import { cidrSize, rangeOf } from '../../base/ip/index.ts';
import type { Cidr, Ip } from '../../base/ip/index.ts';
import type { Allocation, Block } from './types.ts';

/** What decides whether a released address may be given out again. */
export interface CoolDown {
  /** Epoch milliseconds. */
  readonly now: number;
  readonly coolDownMs: number;
}

/** A block in which every address is free, in ascending order. */
export function emptyBlock(cidr: Cidr, node: string | undefined, strictAffinity: boolean): Block {
  const free = Array.from({ length: Number(cidrSize(cidr)) }, (_, ordinal) => ordinal);
  return { cidr, node, strictAffinity, allocations: new Map(), free, released: new Map() };
}

/** The address at `ordinal`. */
export function addressAt(block: Block, ordinal: number): Ip {
  const { family, first } = rangeOf(block.cidr);
  return { family, value: first + BigInt(ordinal) };
}

/** The ordinal of an address that lies in the block. */
export function ordinalOf(block: Block, ip: Ip): number {
  return Number(ip.value - rangeOf(block.cidr).first);
}

/** The free ordinal that comes next, or undefined when all are taken or cooling down. */
export function nextFree(block: Block, coolDown: CoolDown): number | undefined {
  return block.free.find((ordinal) => isCool(block, ordinal, coolDown));
}

/** How many addresses could be given out now. */
export function freeCount(block: Block, coolDown: CoolDown): number {
  return block.free.filter((ordinal) => isCool(block, ordinal, coolDown)).length;
}

/** The block with `ordinal`, which must be free, given to `allocation`. */
export function assignOrdinal(block: Block, ordinal: number, allocation: Allocation, coolDown: CoolDown): Block {
  if (block.allocations.has(ordinal)) throw new RangeError(`ordinal ${ordinal} is already allocated`);
  return {
    ...block,
    allocations: new Map([...block.allocations, [ordinal, allocation]]),
    free: block.free.filter((item) => item !== ordinal),
    released: pruneReleased(block, coolDown, ordinal),
  };
}

/** The block without the allocations of `ordinals`; they go to the end of the free list and begin to cool down. */
export function releaseOrdinals(block: Block, ordinals: readonly number[], coolDown: CoolDown): Block {
  const owned = ordinals.filter((ordinal) => block.allocations.has(ordinal));
  if (owned.length === 0) return block;
  const allocations = new Map(block.allocations);
  const released = pruneReleased(block, coolDown);
  for (const ordinal of owned) {
    allocations.delete(ordinal);
    if (coolDown.coolDownMs > 0) released.set(ordinal, coolDown.now);
  }
  return { ...block, allocations, released, free: [...block.free, ...owned] };
}

function isCool(block: Block, ordinal: number, { now, coolDownMs }: CoolDown): boolean {
  const releasedAt = block.released.get(ordinal);
  // A clock that was set back must not lock an address for ever: a release in the future counts as past.
  return releasedAt === undefined || releasedAt > now || now - releasedAt >= coolDownMs;
}

function pruneReleased(block: Block, coolDown: CoolDown, without?: number): Map<number, number> {
  return new Map([...block.released].filter(([ordinal]) => ordinal !== without && !isCool(block, ordinal, coolDown)));
}
