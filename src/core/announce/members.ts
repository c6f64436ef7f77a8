import { formatCidr, parseCidr } from '../../base/ip/index.ts';
import type { Cidr } from '../../base/ip/index.ts';

/** Of a node's Lease: its interfaces and their subnets, as JSON: `{"eth0":["192.0.2.0/24"]}`. */
export const SUBNETS_ANNOTATION = 'sluice.dev/subnets';
/** Where the Leases of nodes that announce addresses are. */
export const LEASE_NAMESPACE = 'sluice-node-lease';
/** For how long one renewal counts for others, seconds. */
export const LEASE_SECONDS = 15;
/** Nodes with this label take part in nothing that brings load balancers' traffic (KEP-1143). */
const EXCLUDED_LABEL = 'node.kubernetes.io/exclude-from-external-load-balancers';

/** A node that can answer for addresses now. */
export interface Member {
  readonly node: string;
  readonly interfaces: readonly SegmentInterface[];
}

/** An interface of a node, with the subnets that are on it. */
export interface SegmentInterface {
  readonly name: string;
  readonly subnets: readonly Cidr[];
}

/** The interfaces as a Lease says them; sorted, so that equal ones are equal texts. */
export function formatInterfaces(interfaces: readonly SegmentInterface[]): string {
  const entries = interfaces.map(({ name, subnets }) => [name, subnets.map(formatCidr).toSorted()] as const);
  return JSON.stringify(Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1))));
}

/** Inverse of {@link formatInterfaces}; none where the text is not such a one. */
export function parseInterfaces(text: string): readonly SegmentInterface[] {
  try {
    return Object.entries(JSON.parse(text) as Readonly<Record<string, readonly string[]>>).map(([name, subnets]) => ({
      name,
      subnets: subnets.flatMap((each) => parseCidr(each) ?? []),
    }));
  } catch {
    return [];
  }
}

/** Whether a node with these labels takes part. */
export function mayAnnounce(labels: Readonly<Record<string, string>>): boolean {
  return !(EXCLUDED_LABEL in labels);
}
