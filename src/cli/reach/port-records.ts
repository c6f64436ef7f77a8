import type { Family } from '../../base/ip/index.ts';
import { intersect, portEntries, subtract } from '../../core/reach/index.ts';
import type { PortEntry, PortSet } from '../../core/reach/index.ts';
import type { PortRecord } from './graph.ts';

type ByFamily = Readonly<Partial<Record<Family, PortSet>>>;

const EVERYTHING: readonly PortRecord[] = [
  { protocol: 'TCP', from: 1, to: 65535 },
  { protocol: 'UDP', from: 1, to: 65535 },
  { protocol: 'SCTP', from: 1, to: 65535 },
  { protocol: 'ICMP' },
  { protocol: 'other', from: 0, to: 255 },
];

/** The entries of what is allowed: first what both families share, then what only one of them has. */
export function portRecords(byFamily: ByFamily): readonly PortRecord[] {
  const { 4: four, 6: six } = byFamily;
  if (four === undefined || six === undefined) return records(four ?? six ?? []);
  if (four === six) return records(four);
  const only = (set: PortSet, other: PortSet, family: 'IPv4' | 'IPv6') =>
    records(subtract(set, other)).map((each) => ({ ...each, family }));
  return [...records(intersect(four, six)), ...only(four, six, 'IPv4'), ...only(six, four, 'IPv6')];
}

/** All traffic is spelled out, so that whoever looks for a protocol finds it. */
function records(set: PortSet): readonly PortRecord[] {
  if (set.length === 0) return [];
  const entries = portEntries(set);
  if (entries[0]?.protocol === 'any') return EVERYTHING;
  return entries as readonly Exclude<PortEntry, { protocol: 'any' }>[];
}
