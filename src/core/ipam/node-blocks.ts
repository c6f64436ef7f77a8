import { cidrContains, cidrCovers, compareIp, formatCidr } from '../../base/ip/index.ts';
import type { Cidr, Family, Ip } from '../../base/ip/index.ts';
import { addressAt } from './block.ts';
import { withoutOverlaps } from './pool.ts';
import type { Stored } from './store.ts';
import { TakenBlocks } from './taken-blocks.ts';
import type { AssignedAddress, Assignment, Block, IpPool } from './types.ts';

/** Where one address of a handle lies. */
interface Place {
  readonly cidr: Cidr;
  readonly ordinal: number;
}

/**
 * A node's view of the store: the blocks that it owns or holds addresses in, with an index by handle. Holds only what
 * the store has confirmed.
 */
export class NodeBlocks {
  private readonly node: string;
  private readonly stored = new Map<string, Stored<Block>>();
  private readonly places = new Map<string, readonly Place[]>();
  private pools: readonly IpPool[] = [];
  /** Blocks of all nodes, see {@link TakenBlocks}. */
  readonly taken = new TakenBlocks();

  constructor(node: string) {
    this.node = node;
  }

  /** Replaces everything by what the store has. */
  reset(pools: readonly IpPool[], blocks: readonly Stored<Block>[]): void {
    this.pools = withoutOverlaps(pools);
    this.stored.clear();
    this.places.clear();
    this.taken.reset(blocks.map(({ value }) => value.cidr));
    for (const block of blocks) this.put(block);
  }

  /** Takes over a block as the store has it now; one that no longer concerns the node is forgotten. */
  put(block: Stored<Block>): void {
    this.drop(block.value.cidr);
    const mine = [...block.value.allocations].filter(([, { attributes }]) => attributes['node'] === this.node);
    if (block.value.node !== this.node && mine.length === 0) return;
    this.stored.set(formatCidr(block.value.cidr), block);
    for (const [ordinal, { handle }] of mine)
      this.places.set(handle, [...(this.places.get(handle) ?? []), { cidr: block.value.cidr, ordinal }]);
  }

  /** Forgets a block, because it is gone from the store. */
  drop(cidr: Cidr): void {
    const key = formatCidr(cidr);
    const known = this.stored.get(key);
    if (known === undefined) return;
    this.stored.delete(key);
    for (const { handle } of known.value.allocations.values()) {
      const kept = this.places.get(handle)?.filter((place) => formatCidr(place.cidr) !== key);
      if (kept === undefined || kept.length === 0) this.places.delete(handle);
      else this.places.set(handle, kept);
    }
  }

  get(cidr: Cidr): Stored<Block> | undefined {
    return this.stored.get(formatCidr(cidr));
  }

  all(): readonly Stored<Block>[] {
    return [...this.stored.values()];
  }

  /** The node's own blocks in `pools`, lowest address first, so that blocks fill up one after the other. */
  ownedIn(pools: readonly IpPool[]): readonly Stored<Block>[] {
    return this.all()
      .filter(({ value }) => value.node === this.node && pools.some((pool) => cidrCovers(pool.cidr, value.cidr)))
      .sort((a, b) => compareIp(a.value.cidr.ip, b.value.cidr.ip));
  }

  allPools(): readonly IpPool[] {
    return this.pools;
  }

  /** The known block in which `ip` lies. */
  blockOf(ip: Ip): Stored<Block> | undefined {
    return this.all().find(({ value }) => cidrContains(value.cidr, ip));
  }

  poolOf(ip: Ip): IpPool | undefined {
    return this.pools.find((pool) => cidrContains(pool.cidr, ip));
  }

  placesOf(handle: string): readonly Place[] {
    return this.places.get(handle) ?? [];
  }

  handles(): Iterable<string> {
    return this.places.keys();
  }

  /** What `handle` holds, families in the given order; undefined when it holds nothing. */
  assignment(handle: string, families: readonly Family[] = [4, 6]): Assignment | undefined {
    const addresses = this.placesOf(handle).map((place) => this.describe(place));
    if (addresses.length === 0) return undefined;
    return { handle, addresses: families.flatMap((family) => addresses.filter(({ ip }) => ip.family === family)) };
  }

  private describe({ cidr, ordinal }: Place): AssignedAddress {
    const block = this.get(cidr)!.value;
    const ip = addressAt(block, ordinal);
    return { ip, block: cidr, borrowed: block.node !== this.node, pool: this.poolOf(ip)?.name };
  }
}
