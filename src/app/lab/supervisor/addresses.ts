import { formatIp, parseCidr, rangeOf } from '../../../base/ip/index.ts';
import type { LabOptions } from '../lab-types.ts';
import type { NodePlace } from '../universe/topology.ts';
import { UNDERLAY } from '../universe/topology.ts';

/** The `index`th address of a CIDR. */
export function addressIn(cidr: string, index: number): string {
  const parsed = parseCidr(cidr);
  if (parsed === undefined) throw new RangeError(`not a CIDR: ${cidr}`);
  const { family, first } = rangeOf(parsed);
  return formatIp({ family, value: first + BigInt(index) });
}

/** Addresses of the Service kube-dns, one per family: the tenth of the Service range, as usual. */
export function dnsAddresses({ serviceCidrs }: LabOptions): readonly string[] {
  return serviceCidrs.map((cidr) => addressIn(cidr, 10));
}

/** A node's addresses in the families of the cluster. */
export function nodeAddresses({ ipFamily }: LabOptions, place: NodePlace): readonly string[] {
  return [...(ipFamily === 'ipv6' ? [] : [place.ipv4]), ...(ipFamily === 'ipv4' ? [] : [place.ipv6])];
}

/** Where the nodes find the API server. */
export function apiAddresses({ ipFamily }: LabOptions): readonly string[] {
  const { ipv4, ipv6 } = UNDERLAY.api;
  return [...(ipFamily === 'ipv6' ? [] : [ipv4]), ...(ipFamily === 'ipv4' ? [] : [ipv6])];
}
