import { cidrCovers, equalIp, formatCidr, networkOf, rangeOf } from '../../base/ip/index.ts';
import type { Cidr } from '../../base/ip/index.ts';
import { FAMILIES } from './lease.ts';
import type { FlannelLease } from './lease.ts';
import { leaseKey, parseLeaseKey, parseStoredLease } from './stored-lease.ts';
import type { SubnetCut, SubnetCuts } from './subnet-cut.ts';

/** One key below `subnets/`. */
export interface StoredLease {
  /** Its last part. */
  readonly key: string;
  readonly value: string;
}

/** What a node without a lease does to have one. */
export type LeaseClaim<Entry extends StoredLease> =
  | {
      /** The node has it already. */
      readonly kind: 'reuse';
      readonly entry: Entry;
      readonly subnets: readonly Cidr[];
    }
  | {
      /** The node's own of before, which the network as it is now would not give out. */
      readonly kind: 'drop';
      readonly entry: Entry;
    }
  | { readonly kind: 'create'; readonly key: string; readonly subnets: readonly Cidr[] }
  | { readonly kind: 'full'; readonly problem: string };

/** What is known when a node looks for its lease. */
export interface ClaimOptions<Entry extends StoredLease> {
  readonly cuts: SubnetCuts;
  readonly entries: readonly Entry[];
  /** What the node will say in its lease; its subnets do not count. */
  readonly own: FlannelLease;
  /** What it had last, if it remembers. */
  readonly previous: readonly Cidr[];
  /** From 0 up to 1. */
  readonly random: () => number;
}

/** Of the free subnets so many are looked at, and one of them taken: nodes that start together rarely meet. */
const CANDIDATES = 100;

/**
 * Chooses as flannel does: the lease that has the node's public address, else what the node had last if nobody has it,
 * else one of the first hundred that are free. So that a node may change its address, the lease of what it had last is
 * its own, too, if it is that of its VXLAN or WireGuard device.
 */
export function claimLease<Entry extends StoredLease>(options: ClaimOptions<Entry>): LeaseClaim<Entry> {
  const { cuts, entries, own, previous, random } = options;
  const remembered = entries.find(({ key }) => key === leaseKey(previous));
  const entry =
    entries.find((each) => isAt(each, own)) ??
    (remembered !== undefined && hasDevice(remembered, own) ? remembered : undefined);
  if (entry !== undefined) {
    const subnets = parseLeaseKey(entry.key)!;
    return isCut(cuts, subnets) ? { kind: 'reuse', entry, subnets } : { kind: 'drop', entry };
  }
  // Of what cannot be read the key counts all the same.
  const taken = entries.flatMap(({ key }) => parseLeaseKey(key) ?? []);
  if (isCut(cuts, previous) && !previous.some((subnet) => taken.some((each) => overlaps(each, subnet))))
    return { kind: 'create', key: leaseKey(previous), subnets: previous };
  const subnets: Cidr[] = [];
  for (const family of FAMILIES) {
    const cut = cuts[family];
    if (cut === undefined) continue;
    const free = freeSubnets(cut, taken);
    if (free.length === 0)
      return { kind: 'full', problem: `every subnet of /${cut.length} in ${formatCidr(cut.network)} is leased` };
    subnets.push(free[Math.floor(random() * free.length)]!);
  }
  return { kind: 'create', key: leaseKey(subnets), subnets };
}

/** Whether the lease is that of a node with the public address of `own`. */
export function isAt({ key, value }: StoredLease, own: FlannelLease): boolean {
  const [theirs, ours] = [parseStoredLease(key, value).lease?.families[4]?.publicIp, own.families[4]?.publicIp];
  return theirs !== undefined && ours !== undefined && equalIp(theirs, ours);
}

function hasDevice({ key, value }: StoredLease, own: FlannelLease): boolean {
  const [theirs, ours] = [parseStoredLease(key, value).lease?.families[4], own.families[4]].map(
    (lease) => lease?.vtep?.mac ?? lease?.publicKey,
  );
  return theirs !== undefined && theirs === ours;
}

/** Whether the network would give out these subnets, one of each family. */
function isCut(cuts: SubnetCuts, subnets: readonly Cidr[]): boolean {
  return FAMILIES.every((family) => {
    const cut = cuts[family];
    const [subnet, ...more] = subnets.filter(({ ip }) => ip.family === family);
    if (cut === undefined || subnet === undefined) return cut === undefined && subnet === undefined;
    const { value } = networkOf(subnet).ip;
    return more.length === 0 && subnet.prefix === cut.length && value >= cut.first && value <= cut.last;
  });
}

function freeSubnets({ network, length, first, last }: SubnetCut, taken: readonly Cidr[]): readonly Cidr[] {
  const { family } = network.ip;
  const free: Cidr[] = [];
  for (let value = first; value <= last && free.length < CANDIDATES;) {
    const subnet: Cidr = { ip: { family, value }, prefix: length };
    const obstacle = taken.find((each) => overlaps(each, subnet));
    if (obstacle === undefined) free.push(subnet);
    // Past all of what is taken: it may be far longer than a subnet.
    value = rangeOf(obstacle !== undefined && obstacle.prefix < length ? obstacle : subnet).last + 1n;
  }
  return free;
}

function overlaps(a: Cidr, b: Cidr): boolean {
  return cidrCovers(a, b) || cidrCovers(b, a);
}
