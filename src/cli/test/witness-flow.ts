import { contains } from '../../base/ip/index.ts';
import type { Family, IntervalSet, Ip } from '../../base/ip/index.ts';
import type { PolicyEngine } from '../../core/policy/evaluate.ts';
import { describe } from '../../core/policy/explain.ts';
import type { Flow, Party } from '../../core/policy/flow.ts';
import { includesTraffic, portEntries } from '../../core/reach/index.ts';
import type { PortSet } from '../../core/reach/index.ts';
import { OUTSIDE } from '../place.ts';
import type { End, Violation } from './find-violation.ts';

/** One flow out of a violation, the easiest to recognise. */
export function witnessFlow(engine: PolicyEngine, { from, to, family, ports }: Violation): Flow {
  return {
    source: partyOf(engine, from, family),
    destination: partyOf(engine, to, family),
    family,
    ...trafficOf(ports, family),
  };
}

function partyOf(engine: PolicyEngine, end: End, family: Family): Party {
  switch (end.kind) {
    case 'pod':
      return engine.pod(end.pod, family);
    case 'node':
      return end.ip === undefined ? engine.node(end.node, family) : engine.address(end.ip);
    case 'outside':
      return engine.address(addressOf(end.ranges, family));
  }
}

/** An address for documentation when there is one, else the first that is no network's own. */
function addressOf(ranges: IntervalSet, family: Family): Ip {
  if (contains(ranges, OUTSIDE[family].value)) return OUTSIDE[family];
  const { first, last } = ranges[0]!;
  return { family, value: first < last ? first + 1n : first };
}

function trafficOf(ports: PortSet, family: Family): Pick<Flow, 'protocol' | 'port' | 'icmp'> {
  for (const port of [80, 443])
    if (includesTraffic(ports, { protocol: 'TCP', port }, family)) return { protocol: 'TCP', port };
  if (includesTraffic(ports, { protocol: 'ICMP' }, family)) return { protocol: 'ICMP' };
  const [entry] = portEntries(ports);
  switch (entry?.protocol) {
    case 'TCP':
    case 'UDP':
    case 'SCTP':
      return { protocol: entry.protocol, port: entry.from };
    case 'ICMP':
      return { protocol: 'ICMP', icmp: { type: entry.type ?? 8, code: entry.code ?? 0 } };
    case 'other':
      return { protocol: `${entry.from}` };
    case 'any':
    case undefined:
      return { protocol: 'TCP', port: 1 };
  }
}

/** The flow in a few words: `shop/front → shop/db TCP 5432`. */
export function flowText({ source, destination, protocol, port, icmp }: Flow): string {
  const what =
    icmp === undefined
      ? `${protocol}${port === undefined ? '' : ` ${port}`}`
      : `ICMP type ${icmp.type} code ${icmp.code}`;
  return `${describe(source)} → ${describe(destination)} ${what}`;
}
