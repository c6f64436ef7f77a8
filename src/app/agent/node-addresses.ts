import { SluiceError, messageOf } from '../../base/errors.ts';
import type { Family, Ip } from '../../base/ip/index.ts';
import type { Logger } from '../../base/log.ts';
import { createAllocator, tunnelHandle } from '../../core/ipam/index.ts';
import type { AllocateRequest, Allocator, Assignment, Block, BlockStore, Stored } from '../../core/ipam/index.ts';

export interface NodeAddressesDependencies {
  readonly blockStore: BlockStore;
  readonly log: Logger;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** What opening needs to know of the node. */
export interface NodeAddressesOptions {
  readonly node: string;
  readonly nodeLabels: Readonly<Record<string, string>>;
  /** Families of pools that give out addresses. */
  readonly families: readonly Family[];
  /** Families of all pools: what the node has of one that gives out no more, it keeps. */
  readonly held: readonly Family[];
  /** Whether the node needs an address of each family for its end of the tunnel. */
  readonly tunnels: boolean;
}

/** A released address rests this long, milliseconds: longer than watches usually lag. */
const COOL_DOWN = 30_000;
/** A new block is claimed when the node's blocks have no more free addresses than this. */
const LOW_WATER = 16;

/** The addresses of one node: those of its pods, and its own in the overlay. Unusable until `open` has succeeded. */
export class NodeAddresses {
  readonly #dependencies: NodeAddressesDependencies;
  #allocator: Allocator | undefined;
  #tunnels: readonly Ip[] = [];

  constructor(dependencies: NodeAddressesDependencies) {
    this.#dependencies = dependencies;
  }

  /** The node's own addresses in the overlay, at most one of each family. */
  get tunnels(): readonly Ip[] {
    return this.#tunnels;
  }

  get blocks(): readonly Stored<Block>[] {
    return this.#allocator?.blocks() ?? [];
  }

  /** Reads what the node holds, claims blocks ahead of need and takes the tunnel addresses. May be tried again. */
  async open({ node, nodeLabels, families, held, tunnels }: NodeAddressesOptions): Promise<void> {
    if (held.length === 0) throw new SluiceError('no-pool', 'there is no address pool: create an IPPool');
    const { blockStore, now, log } = this.#dependencies;
    const allocator = createAllocator(
      { node, nodeLabels, strictAffinity: false, coolDownMs: COOL_DOWN, lowWater: LOW_WATER },
      { store: blockStore, now, report: (message, error) => log.warn(message, { error: messageOf(error) }) },
    );
    await allocator.load();
    await allocator.ensureBlocks(families);
    const assigned: Ip[] = [];
    for (const family of tunnels ? held : []) {
      const handle = tunnelHandle(node, family);
      const known = allocator.lookup(handle);
      if (known === undefined && !families.includes(family)) continue;
      const request = { handle, families: [family], attributes: { type: 'vxlanTunnelAddress' } };
      const { addresses } = known ?? (await allocator.allocate(request));
      assigned.push(...addresses.map(({ ip }) => ip));
    }
    this.#tunnels = assigned;
    this.#allocator = allocator;
  }

  allocate(request: AllocateRequest): Promise<Assignment> {
    return this.#opened().allocate(request);
  }

  async release(handles: readonly string[]): Promise<number> {
    return this.#opened().release(handles);
  }

  /** Every handle that this node holds. */
  assignments(): ReadonlyMap<string, Assignment> {
    return this.#opened().assignments();
  }

  /** Pools changed: what is in memory is read anew before it is used again. */
  invalidate(): void {
    this.#allocator?.invalidate();
  }

  #opened(): Allocator {
    if (this.#allocator === undefined) throw new SluiceError('not-ready', 'address management is not ready yet');
    return this.#allocator;
  }
}
