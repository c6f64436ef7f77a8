import { equalIp } from '../../base/ip/index.ts';
import type { Ip } from '../../base/ip/index.ts';
import type { ConntrackFlush } from '../../core/calc/model.ts';
import type { ClusterState } from '../../core/policy/cluster.ts';
import { PolicyEngine } from '../../core/policy/evaluate.ts';
import type { Flow, FlowProtocol, Party } from '../../core/policy/flow.ts';
import { flowKeyOf } from '../../host/conntrack/port.ts';
import type { Conntrack, TrackedFlow } from '../../host/conntrack/port.ts';

/** The bit of `ct mark` that means "policy denies this connection"; the table drops its packets in both directions. */
export const CUT_MARK = 0x1;

const ICMP = 1;
const ICMPV6 = 58;
const UDP = 17;
/** IPS_SEEN_REPLY (linux/netfilter/nf_conntrack_common.h). */
const SEEN_REPLY = 0x2;
const PORT_PROTOCOLS: Readonly<Record<number, FlowProtocol>> = { 6: 'TCP', 17: 'UDP', 132: 'SCTP' };

/** What one round of judging did. */
export interface CutReport {
  readonly judged: number;
  readonly cut: number;
  readonly healed: number;
  /** Connections of the pods in question that are marked now. */
  readonly marked: number;
}

/**
 * Judges live connections anew: marks those that policy now denies and unmarks those that it allows again. `local` are
 * the addresses of the pods in question; connections of others are not touched. They are marked rather than deleted,
 * because the next packet of a deleted one could open it again from the other side.
 */
export function judgeConnections(
  flows: readonly TrackedFlow[],
  local: readonly Ip[],
  conntrack: Pick<Conntrack, 'setMark'>,
  state: () => ClusterState,
): CutReport {
  const addresses = new Set(local.map(flowKeyOf));
  const touched = flows.filter((flow) => isAmong(flow, addresses));
  if (touched.length === 0) return { judged: 0, cut: 0, healed: 0, marked: 0 };
  const engine = new PolicyEngine(state());
  const nodes = new Set(local.flatMap((ip) => nodeOf(engine.address(ip)) ?? []));
  const cut: TrackedFlow[] = [];
  const healed: TrackedFlow[] = [];
  let marked = 0;
  for (const flow of touched) {
    const denied = isDenied(engine, flow, nodes);
    const wasMarked = (flow.mark & CUT_MARK) !== 0;
    if (denied) marked++;
    if (denied && !wasMarked) cut.push(flow);
    if (!denied && wasMarked) healed.push(flow);
  }
  return {
    judged: touched.length,
    marked,
    cut: cut.length === 0 ? 0 : conntrack.setMark(cut, { value: CUT_MARK, mask: CUT_MARK }),
    healed: healed.length === 0 ? 0 : conntrack.setMark(healed, { value: 0, mask: CUT_MARK }),
  };
}

/**
 * The connections that must be forgotten: those of addresses that are nobody's any more, so that their next holder
 * inherits none, and UDP flows through Service frontends to what is no endpoint of them, since UDP has no end by itself.
 */
export function staleConnections(
  flows: readonly TrackedFlow[],
  released: readonly Ip[],
  flushes: readonly ConntrackFlush[],
): readonly TrackedFlow[] {
  const gone = new Set(released.map(flowKeyOf));
  // The last word on a frontend counts.
  const fronts = new Map(flushes.map((flush) => [frontKey(flush.address, flush.port), flush]));
  return flows.filter((flow) => isAmong(flow, gone) || (flow.original.protocol === UDP && isAstray(flow, fronts)));
}

function isAmong({ original, reply }: TrackedFlow, addresses: ReadonlySet<string>): boolean {
  return [original.source, original.destination, reply.source, reply.destination].some((ip) =>
    addresses.has(flowKeyOf(ip)),
  );
}

/** Whether it goes through one of the frontends to what is none of its endpoints. */
function isAstray({ original, reply, status }: TrackedFlow, fronts: ReadonlyMap<string, ConntrackFlush>): boolean {
  const { destination, destinationPort = 0 } = original;
  const byAddress = fronts.get(frontKey(destination, destinationPort));
  const flush = byAddress ?? fronts.get(frontKey(undefined, destinationPort));
  if (flush === undefined) return false;
  // By its port alone nobody can tell a NodePort from a port elsewhere: only what has no answer is taken for one.
  const translated = !equalIp(reply.source, destination);
  if (byAddress === undefined && !translated && (status & SEEN_REPLY) !== 0) return false;
  return !flush.endpoints.some(({ address, port }) => reply.sourcePort === port && equalIp(reply.source, address));
}

function frontKey(address: Ip | undefined, port: number): string {
  return `${address === undefined ? '' : flowKeyOf(address)} ${port}`;
}

/**
 * Only the sides that live on `nodes`, which is this one, are judged here; the other node judges its own. Both sides
 * count even when only one is in question, or else what the other one denies would be unmarked.
 */
function isDenied(engine: PolicyEngine, tracked: TrackedFlow, nodes: ReadonlySet<string>): boolean {
  const flow = judgedFlow(engine, tracked);
  const verdict = engine.evaluate(flow);
  if (verdict.allowed || verdict.exempt !== undefined) return false;
  const isHere = (party: Party): boolean => nodes.has(nodeOf(party) ?? '');
  return (isHere(flow.source) && !verdict.egress.allowed) || (isHere(flow.destination) && !verdict.ingress.allowed);
}

function nodeOf(party: Party): string | undefined {
  return party.kind === 'pod' ? party.pod.node : undefined;
}

/** As policy saw its first packet: after translation of the destination, before that of the source. */
function judgedFlow(engine: PolicyEngine, { original, reply }: TrackedFlow): Flow {
  const { protocol } = original;
  const port = PORT_PROTOCOLS[protocol] === undefined ? undefined : reply.sourcePort;
  return {
    source: engine.address(original.source),
    destination: engine.address(reply.source),
    protocol: PORT_PROTOCOLS[protocol] ?? (protocol === ICMP || protocol === ICMPV6 ? 'ICMP' : `${protocol}`),
    ...(port === undefined ? {} : { port }),
    ...(original.sourcePort === undefined ? {} : { sourcePort: original.sourcePort }),
    ...(original.icmp === undefined ? {} : { icmp: original.icmp }),
  };
}
