import { formatCidr } from '../../base/ip/index.ts';
import type { Cidr } from '../../base/ip/index.ts';
import { overlaps } from './pool.ts';

/**
 * Blocks that exist in the store as far as a node knows, so that it need not list them all for each claim. A hint: what it
 * does not have may exist, and what it has may be gone.
 */
export class TakenBlocks {
  private readonly cidrs = new Map<string, Cidr>();

  /** Replaces everything by a listing. */
  reset(cidrs: Iterable<Cidr>): void {
    this.cidrs.clear();
    for (const cidr of cidrs) this.add(cidr);
  }

  add(cidr: Cidr): void {
    this.cidrs.set(formatCidr(cidr), cidr);
  }

  remove(cidr: Cidr): void {
    this.cidrs.delete(formatCidr(cidr));
  }

  /**
   * Tells of any block of /`blockSize` in `range` whether another shares addresses with it. Blocks of another size are
   * of a pool that was there before.
   */
  within(range: Cidr, blockSize: number): (cidr: Cidr) => boolean {
    const odd = [...this.cidrs.values()].filter((cidr) => cidr.prefix !== blockSize && overlaps(range, cidr));
    return (cidr) => this.cidrs.has(formatCidr(cidr)) || odd.some((other) => overlaps(other, cidr));
  }
}
