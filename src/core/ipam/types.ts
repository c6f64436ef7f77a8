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
  /** In Calico's language over node labels; `all()` when the resource has none. */
  readonly nodeSelector: string;
  /** In Calico's language over labels of the pod's namespace; `all()` when the resource has none. */
  readonly namespaceSelector: string;
  /** What its addresses may be for; Workload and Tunnel when the resource does not say. */
  readonly allowedUses: readonly PoolUse[];
  /** From a `Manual` pool come only addresses for which it, or they themselves, were asked for by name. */
  readonly assignmentMode: 'Automatic' | 'Manual';
  /** Whether BGP peers are not told of its blocks. */
  readonly disableBGPExport: boolean;
  /** Whether traffic from this pool to addresses outside of all pools is masqueraded. */
  readonly natOutgoing: boolean;
  readonly vxlanMode: PoolEncapsulation;
  readonly ipipMode: PoolEncapsulation;
}

/** What an address is for: a pod, a node's end of a tunnel, a Service of type LoadBalancer. */
export type PoolUse = 'Workload' | 'Tunnel' | 'LoadBalancer';

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
  /** `Workload` unless given. */
  readonly use?: PoolUse;
  /** Labels of the pod's namespace, for the pools' selectors; absent: an address that belongs to no namespace. */
  readonly namespaceLabels?: Readonly<Record<string, string>>;
  /** Names or CIDRs of the pools to take, by family and in this order; absent: those that choose the node and the namespace. */
  readonly pools?: Readonly<Partial<Record<Family, readonly string[]>>>;
  /** Names of the pools among which the selectors choose; absent: all. */
  readonly among?: readonly string[];
  /** These very addresses, one at most of each family (imports, static addresses). */
  readonly addresses?: readonly Ip[];
  /** The addresses are in use already and only become known: what their pool allows now does not matter. */
  readonly adopt?: boolean;
}

/** Rules of the whole cluster: Calico's IPAMConfig. */
export interface IpamConfig {
  /** Never take an address from another node's block. */
  readonly strictAffinity: boolean;
  /** Whether nodes claim blocks as they need them. */
  readonly autoAllocateBlocks: boolean;
  /** How many blocks a node may own among the pools that a request may use. */
  readonly maxBlocksPerHost: number;
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
export type IpamErrorCode =
  'exhausted' | 'block-limit' | 'no-pool' | 'address-taken' | 'address-outside-pools' | 'contention';
