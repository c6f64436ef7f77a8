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
  const services = flushes.filter(({ former }) => former === undefined);
  const fronts = new Map(services.map((flush) => [frontKey(flush), flush]));
  const hostPorts = Map.groupBy(
    flushes.filter(({ former }) => former !== undefined),
    frontKey,
  );
  const isStale = (flow: TrackedFlow): boolean => isAstray(flow, fronts) || hasLostHostPort(flow, hostPorts);
  return flows.filter((flow) => isAmong(flow, gone) || (flow.original.protocol === UDP && isStale(flow)));
}

function isAmong({ original, reply }: TrackedFlow, addresses: ReadonlySet<string>): boolean {
  return [original.source, original.destination, reply.source, reply.destination].some((ip) =>
    addresses.has(flowKeyOf(ip)),
  );
}

/** Whether it goes through one of the frontends to what is none of its endpoints. */
function isAstray(flow: TrackedFlow, fronts: ReadonlyMap<string, ConntrackFlush>): boolean {
  const [byAddress, byPort] = frontsOf(flow, fronts);
  const flush = byAddress ?? byPort;
  if (flush === undefined) return false;
  // By its port alone nobody can tell a NodePort from a port elsewhere: only what has no answer is taken for one.
  if (byAddress === undefined && !isTranslated(flow) && isAnswered(flow)) return false;
  return !isAnsweredBy(flow, flush.endpoints);
}

/** Whether a pod that had the host port answers it, or nobody does because it came before there was one. */
function hasLostHostPort(
  flow: TrackedFlow,
  hostPorts: ReadonlyMap<string, readonly Pick<ConntrackFlush, 'endpoints' | 'former'>[]>,
): boolean {
  const changes = frontsOf(flow, hostPorts).flatMap((each) => each ?? []);
  if (changes.length === 0) return false;
  if (!isTranslated(flow)) return !isAnswered(flow);
  const now = changes.at(-1)?.endpoints ?? [];
  return !isAnsweredBy(flow, now) && changes.some(({ former = [] }) => isAnsweredBy(flow, former));
}

function frontsOf<T>({ original }: TrackedFlow, fronts: ReadonlyMap<string, T>): [T | undefined, T | undefined] {
  const { destination: address, destinationPort: port = 0 } = original;
  const { family } = address;
  return [fronts.get(frontKey({ family, address, port })), fronts.get(frontKey({ family, port }))];
}

function isTranslated({ original, reply }: TrackedFlow): boolean {
  return !equalIp(reply.source, original.destination);
}

function isAnswered({ status }: TrackedFlow): boolean {
  return (status & SEEN_REPLY) !== 0;
}

function isAnsweredBy({ reply }: TrackedFlow, endpoints: ConntrackFlush['endpoints']): boolean {
  return endpoints.some(({ address, port }) => reply.sourcePort === port && equalIp(reply.source, address));
}

function frontKey({ family, address, port }: Pick<ConntrackFlush, 'family' | 'address' | 'port'>): string {
  return `${family} ${address === undefined ? '' : flowKeyOf(address)} ${port}`;
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
