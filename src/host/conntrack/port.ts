import type { Family, Ip } from '../../base/ip/index.ts';

/** One direction of a connection. Ports are undefined for protocols without them; ICMP has `icmp` instead. */
export interface FlowTuple {
  readonly source: Ip;
  readonly destination: Ip;
  /** IP protocol number: 6 TCP, 17 UDP, 1 ICMP, 58 ICMPv6, 132 SCTP. */
  readonly protocol: number;
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  readonly icmp?: { readonly type: number; readonly code: number; readonly id: number };
}

/** A tracked connection. `original` is as its first packet was before translation; `reply` as answers arrive. */
export interface TrackedFlow {
  readonly original: FlowTuple;
  readonly reply: FlowTuple;
  readonly mark: number;
  /** IPS_* bits (linux/netfilter/nf_conntrack_common.h). */
  readonly status: number;
  /** Seconds until it expires if nothing more arrives. */
  readonly timeout: number | undefined;
  /** Kernel's id of the entry; distinguishes it from a later one with the same tuple. */
  readonly id: number;
  readonly zone: number;
}

/** What of the table to dump; the kernel itself applies `mark` and `family`. */
export interface FlowFilter {
  readonly family?: Family;
  readonly mark?: { readonly value: number; readonly mask: number };
  /** Only flows with one of these among the four addresses of the two tuples, keyed as by {@link flowKeyOf}. */
  readonly addresses?: ReadonlySet<string>;
}

/** The connection tracking table of one network namespace. */
export interface Conntrack extends Disposable {
  /** Takes 10 ms even when nothing is tracked: the kernel walks a hash table that all namespaces share. */
  dump(filter?: FlowFilter): readonly TrackedFlow[];
  /** As `dump`, but the walk holds up another thread. */
  dumpInBackground(filter?: FlowFilter): Promise<readonly TrackedFlow[]>;
  /** mark := (mark & ~mask) | (value & mask) for each flow. Flows that have ended meanwhile are skipped. Returns how many were set. */
  setMark(flows: readonly TrackedFlow[], mark: { readonly value: number; readonly mask: number }): number;
  /** Forgets the flows. Flows that have ended meanwhile are skipped. Returns how many were deleted. */
  delete(flows: readonly TrackedFlow[]): number;
}

/** Key of an address in {@link FlowFilter.addresses}: family and value. */
export function flowKeyOf(ip: Ip): string {
  return `${ip.family}:${ip.value.toString(36)}`;
}
