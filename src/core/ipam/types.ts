import type { Cidr, Family, Ip } from '../../base/ip/index.ts';

/** A range of addresses from which nodes claim blocks: the IPPool resource, as far as address management reads it. */
export interface IpPool {
  readonly name: string;
  /** Network address and prefix; host bits are clear. */
  readonly cidr: Cidr;
  /** Prefix length of the blocks cut from this pool; 26 or 122 unless configured. */
  readonly blockSize: number;
  /** No new address comes from a disabled pool; those that it has given out stay valid. */
  readonly disabled: boolean;
  /** Calico selector over node labels, see `nodeSelected()`; `all()` when the resource has none. */
  readonly nodeSelector: string;
  /** Whether traffic from this pool to addresses outside of all pools is masqueraded. */
  readonly natOutgoing: boolean;
  readonly vxlanMode: PoolEncapsulation;
  readonly ipipMode: PoolEncapsulation;
}

/** When traffic between nodes is wrapped; the spelling is the resource's own. */
export type PoolEncapsulation = 'Never' | 'Always' | 'CrossSubnet';

/** Who holds one address of a block, and what is known about them. */
export interface Allocation {
  /** Names the owner across retries, see `handleOf()`; one handle has at most one address of each family. */
  readonly handle: string;
  /** The `secondary` attributes of the resource: `node`, `pod`, `namespace`, `uid`, `ifname`, `type`, `timestamp` (RFC 3339). */
  readonly attributes: Readonly<Record<string, string>>;
}

/** A power-of-two range of addresses with the state of each. Immutable: every operation yields a new block. */
export interface Block {
  readonly cidr: Cidr;
  /** The node that claimed the block; undefined once that node gave it up while others still hold addresses in it. */
  readonly node: string | undefined;
  /** Only `node` may allocate from it. */
  readonly strictAffinity: boolean;
  /** Ordinal (offset from the first address) → owner. */
  readonly allocations: ReadonlyMap<number, Allocation>;
  /** The ordinals without owner in the order in which they will be given out: released ones join at the end. */
  readonly free: readonly number[];
  /** Ordinal → when it was released, epoch milliseconds; only for free ordinals, pruned when the cool-down is over. */
  readonly released: ReadonlyMap<number, number>;
}

/** Calico's claim protocol: pending → (block written) → confirmed → pendingDeletion → gone. */
export type AffinityState = 'pending' | 'confirmed' | 'pendingDeletion';

/** A node's claim on a block. The block's own `node` is the truth; affinities make the claims of a node findable. */
export interface Affinity {
  readonly node: string;
  readonly cidr: Cidr;
  readonly state: AffinityState;
}

/** One request for an address of each of `families`. */
export interface AllocateRequest {
  readonly handle: string;
  readonly families: readonly Family[];
  /** Kept with the allocation; the allocator adds `node` and `timestamp`. */
  readonly attributes: Readonly<Record<string, string>>;
  /** Restricts the choice to these pools by name; absent: every enabled pool whose selector matches the node. */
  readonly pools?: readonly string[];
  /** These very addresses, one at most of each family (imports, static addresses). */
  readonly addresses?: readonly Ip[];
}

/** An address given to a handle. */
export interface AssignedAddress {
  readonly ip: Ip;
  readonly block: Cidr;
  /** The address lies in a block of another node (or of none), so peers need a host route to it. */
  readonly borrowed: boolean;
  readonly pool: string | undefined;
}

/** What one handle holds: the answer to an {@link AllocateRequest}. */
export interface Assignment {
  readonly handle: string;
  /** In the order of the request's families. */
  readonly addresses: readonly AssignedAddress[];
}

/** Codes of the errors that address management throws. */
export type IpamErrorCode = 'exhausted' | 'no-pool' | 'address-taken' | 'address-outside-pools' | 'contention';
