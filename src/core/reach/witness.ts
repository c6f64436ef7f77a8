import type { Family, Interval, Ip } from '../../base/ip/index.ts';
import { intersect } from './int-set.ts';
import type { Connection, Endpoint, Group, Reachability } from './model.ts';
import { portEntries, portRange } from './port-set.ts';
import type { PortSet, Traffic } from './port-set.ts';

/** One end as something that exists: a pod, a node, or an address. Of a domain or supposed pod neither is known. */
export type WitnessEnd = Pick<Endpoint, 'pod' | 'node' | 'ip'>;

/** One flow of a connection, to be tried or explained. */
export interface Witness {
  readonly from: WitnessEnd;
  readonly to: WitnessEnd;
  readonly family: Family;
  readonly traffic: Traffic;
}

/**
 * One flow out of those that the connection allows, over the first family that allows any; undefined when none does. Of a
 * group of the outside it takes an address that nobody in the cluster has.
 */
export function witness(
  reachability: Reachability,
  from: Endpoint,
  to: Endpoint,
  connection: Connection,
): Witness | undefined {
  for (const family of [4, 6] as const) {
    const set = connection.byFamily[family];
    const traffic = set === undefined ? undefined : sampleTraffic(set);
    if (traffic === undefined) continue;
    return { from: endOf(reachability, from), to: endOf(reachability, to), family, traffic };
  }
  return undefined;
}

/** Some traffic of the set, the more usual the better: TCP 80 of everything; undefined when it is empty. */
export function sampleTraffic(set: PortSet): Traffic | undefined {
  for (const usual of [80, 443])
    if (intersect(set, portRange('TCP', usual, usual)).length > 0) return { protocol: 'TCP', port: usual };
  const [first] = portEntries(set);
  if (first === undefined) return undefined;
  switch (first.protocol) {
    case 'any':
      return { protocol: 'TCP', port: 80 };
    case 'ICMP':
      return { protocol: 'ICMP', icmp: { type: first.type ?? 8, code: first.code ?? 0 } };
    case 'other':
      return { protocol: `${first.from}` };
    case 'TCP':
    case 'UDP':
    case 'SCTP':
      return { protocol: first.protocol, port: first.from };
  }
}

/** An address of the ranges that is neither a pod's nor a node's; undefined when there is none. */
export function freeAddress(reachability: Reachability, family: Family, ranges: readonly Interval[]): Ip | undefined {
  for (const { first, last } of ranges)
    // The first address of a block reads like the block itself.
    for (let value = first < last ? first + 1n : first; value <= last; value++) {
      const found = reachability.resolve({ kind: 'address', ip: { family, value } });
      if (found !== undefined && found.pod === undefined && found.node === undefined) return { family, value };
    }
  return undefined;
}

function endOf(reachability: Reachability, { group: id, pod, node, ip }: Endpoint): WitnessEnd {
  if (pod !== undefined) return { pod };
  if (node !== undefined) return { node, ...(ip === undefined ? {} : { ip }) };
  if (ip !== undefined) return { ip };
  return representative(reachability, reachability.groups[id]!);
}

function representative(reachability: Reachability, group: Group): WitnessEnd {
  switch (group.kind) {
    case 'pods':
      return group.pods[0] === undefined ? {} : { pod: group.pods[0] };
    case 'nodes':
      return { node: group.nodes[0]!, ...(group.addresses === undefined ? {} : { ip: group.addresses[0]! }) };
    case 'addresses': {
      const ip = freeAddress(reachability, group.family, group.ranges);
      return ip === undefined ? {} : { ip };
    }
    case 'domain':
      return {};
  }
}
