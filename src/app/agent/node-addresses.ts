import { SluiceError, messageOf } from '../../base/errors.ts';
import { cidrContains } from '../../base/ip/index.ts';
import type { Cidr, Family, Ip } from '../../base/ip/index.ts';
import type { Logger } from '../../base/log.ts';
import { createAllocator, tunnelHandle } from '../../core/ipam/index.ts';
import type { AllocateRequest, Allocator, Assignment, Block, BlockStore, Stored } from '../../core/ipam/index.ts';
import { tunnelsOf } from '../../core/routing/index.ts';
import type { BackendName, RoutingPool, TunnelAddresses, TunnelKind } from '../../core/routing/index.ts';

export interface NodeAddressesDependencies {
  readonly blockStore: BlockStore;
  readonly log: Logger;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** What opening needs to know of the node. */
export interface NodeAddressesOptions {
  readonly node: string;
  /** As they are now: pools choose nodes by them. */
  readonly nodeLabels: () => Readonly<Record<string, string>>;
  /** Ranges in which no block is to be claimed, as they are now. */
  readonly reserved: () => readonly Cidr[];
  /** Where all addresses of the node are, its ends of tunnels at the first of each; absent: wherever there are free blocks. */
  readonly subnets?: readonly Cidr[] | undefined;
  /** Families of pools that give out addresses. */
  readonly families: readonly Family[];
  /** Families of all pools: what the node has of one that gives out no more, it keeps. */
  readonly held: readonly Family[];
  /** All pools, and the cluster's backend: between them they say which tunnels the node needs addresses for. */
  readonly pools: readonly RoutingPool[];
  readonly backend: BackendName;
}

/** A released address rests this long, milliseconds: longer than watches usually lag. */
const COOL_DOWN = 30_000;
/** A new block is claimed when the node's blocks have no more free addresses than this. */
const LOW_WATER = 16;

/** The addresses of one node: those of its pods, and its own in the overlay. Unusable until `open` has succeeded. */
export class NodeAddresses {
  readonly #dependencies: NodeAddressesDependencies;
  #allocator: Allocator | undefined;
  #tunnels: TunnelAddresses = {};

  constructor(dependencies: NodeAddressesDependencies) {
    this.#dependencies = dependencies;
  }

  /** The node's own addresses in the overlay, at most one of each family for a kind of tunnel. */
  get tunnels(): TunnelAddresses {
    return this.#tunnels;
  }

  get blocks(): readonly Stored<Block>[] {
    return this.#allocator?.blocks() ?? [];
  }

  /** Reads what the node holds, claims blocks ahead of need and takes the tunnel addresses. May be tried again. */
  async open(options: NodeAddressesOptions): Promise<void> {
    const { node, nodeLabels, reserved, subnets, families, held } = options;
    if (held.length === 0) throw new SluiceError('no-pool', 'there is no address pool: create an IPPool');
    const { blockStore, now, log } = this.#dependencies;
    const allocator = createAllocator(
      {
        node,
        nodeLabels,
        reserved,
        within: subnets && (() => subnets),
        coolDownMs: COOL_DOWN,
        lowWater: LOW_WATER,
      },
      { store: blockStore, now, report: (message, error) => log.warn(message, { error: messageOf(error) }) },
    );
    await allocator.load();
    await allocator.ensureBlocks(families);
    this.#tunnels = await tunnelAddresses(allocator, options);
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

  /** Gives up blocks that the node does not need any more. */
  async giveBack(): Promise<void> {
    await this.#allocator?.giveBack();
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

/** What the node has for its ends of tunnels, or now takes. */
async function tunnelAddresses(
  allocator: Allocator,
  { node, families, held, pools, backend, subnets }: NodeAddressesOptions,
): Promise<TunnelAddresses> {
  const assigned: Partial<Record<TunnelKind, readonly Ip[]>> = {};
  for (const family of held) {
    for (const kind of tunnelsOf(pools, backend, family)) {
      const handle = tunnelHandle(node, family, kind);
      const known = await knownTunnel(allocator, handle, subnets);
      if (known === undefined && !families.includes(family)) continue;
      const attributes = { type: `${kind}${family === 6 ? 'V6' : ''}TunnelAddress` };
      const where = subnets === undefined ? {} : { addresses: subnets.map(({ ip }) => ip) };
      const use = { use: 'Tunnel', ...wrapping(pools, kind), ...where } as const;
      const { addresses } = known ?? (await allocator.allocate({ handle, families: [family], attributes, ...use }));
      assigned[kind] = [...(assigned[kind] ?? []), ...addresses.map(({ ip }) => ip)];
    }
  }
  return assigned;
}

/** What the node has already; one that lies outside of the node's subnets now is given back. */
async function knownTunnel(
  allocator: Allocator,
  handle: string,
  subnets: readonly Cidr[] | undefined,
): Promise<Assignment | undefined> {
  const known = allocator.lookup(handle);
  const isFine = ({ ip }: { readonly ip: Ip }): boolean => subnets!.some((subnet) => cidrContains(subnet, ip));
  if (known === undefined || subnets === undefined || known.addresses.every(isFine)) return known;
  await allocator.release([handle]);
  return undefined;
}

/** The pools whose own traffic takes the tunnel, if it is they that ask for it. */
function wrapping(pools: readonly RoutingPool[], kind: TunnelKind): { readonly among?: readonly string[] } {
  if (kind === 'wireguard') return {};
  const among = pools.filter((pool) => (kind === 'ipip' ? pool.ipipMode : pool.vxlanMode) !== 'Never');
  return among.length === 0 ? {} : { among: among.map(({ name }) => name) };
}
