import { SluiceError } from '../base/errors.ts';
import { formatIp, type Family } from '../base/ip/index.ts';
import type { PolicyEngine } from '../core/policy/index.ts';
import {
  explain,
  formatExplanation,
  formatSource,
  nearestMisses,
  resolveService,
  type DirectionVerdict,
  type FlowProtocol,
  type Language,
  type Party,
  type PortProtocol,
  type Verdict,
} from '../core/policy/index.ts';
import { OUTSIDE, describePlace, familiesOf, type Place } from './place.ts';

/** The connection that is asked about. */
export interface Question {
  readonly from: Place;
  readonly to: Place;
  readonly protocol: FlowProtocol;
  /** Of a pod or node its own port, of a Service the Service's; a name only of a Service. */
  readonly port: number | string | undefined;
  readonly family: Family | undefined;
}

/** The answer: one verdict, or one for each backend of a Service. */
export interface Answer {
  readonly family: Family;
  readonly verdicts: readonly Verdict[];
  /** What the question came to on the way, such as a Service's translation. */
  readonly remarks: readonly string[];
}

/** Judges a question in the engine's cluster. Throws `SluiceError` when it cannot be asked that way. */
export function judge(engine: PolicyEngine, question: Question): Answer {
  const { from, to, protocol, port } = question;
  if (from.kind === 'service')
    throw wrong(`${describePlace(from)} is a service: connections start at pods, nodes and addresses`);
  const family = question.family ?? commonFamily(from, to);
  const source = partyOf(engine, from, family);
  if (to.kind !== 'service') {
    if (typeof port === 'string')
      throw wrong(`--port ${port}: a port name means something only for a service; give the number`);
    const flow = {
      source,
      destination: partyOf(engine, to, family),
      protocol,
      ...(port === undefined ? {} : { port }),
    };
    return { family, verdicts: [engine.evaluate(flow)], remarks: [] };
  }
  return judgeService(engine, { ...question, to }, source, family);
}

/** The explanation of an answer, as text. */
export function answerText(engine: PolicyEngine, { verdicts, remarks }: Answer, language: Language): string {
  const texts = verdicts.map((verdict) =>
    formatExplanation(explain(verdict, nearestMisses(engine, verdict), language)),
  );
  return [...remarks, ...texts].join('\n');
}

/** The explanation of an answer, as data. */
export function answerJson(engine: PolicyEngine, question: Question, { family, verdicts, remarks }: Answer): unknown {
  return {
    from: describePlace(question.from),
    to: describePlace(question.to),
    protocol: question.protocol,
    port: question.port ?? null,
    family: `IPv${family}`,
    allowed: verdicts.every(({ allowed }) => allowed),
    remarks,
    flows: verdicts.map((verdict) => ({
      source: partyJson(verdict.flow.source),
      destination: partyJson(verdict.flow.destination),
      port: verdict.flow.port ?? null,
      allowed: verdict.allowed,
      exempt: verdict.exempt ?? null,
      egress: sideJson(verdict.egress),
      ingress: sideJson(verdict.ingress),
      explanation: explain(verdict, nearestMisses(engine, verdict)).map(({ text }) => text),
    })),
  };
}

function judgeService(
  engine: PolicyEngine,
  { to, protocol, port }: Question & { readonly to: Extract<Place, { kind: 'service' }> },
  source: Party,
  family: Family,
): Answer {
  const name = describePlace(to);
  if (protocol === 'ICMP') throw wrong(`${name} is a service: its address answers on its ports alone, never to a ping`);
  if (port === undefined) throw wrong(`say which port of ${name}: ${to.service.ports.map(portText).join(', ')}`);
  const resolution = resolveService(engine.state, to.service, { port, protocol: protocol as PortProtocol, family });
  if (resolution.kind === 'external-name')
    throw wrong(`${name} is an alias (ExternalName): it has no backends to judge`);
  if (resolution.kind === 'no-such-port') {
    throw wrong(`${name} has no ${protocol} port ${port}; it has ${resolution.ports.map(portText).join(', ')}`);
  }
  const { backends } = resolution;
  const listed = backends.map((each) => `${each.pod?.key ?? formatIp(each.ip)} port ${each.port}`);
  if (backends.length === 0) {
    throw wrong(
      `${name} has no ready backend with an IPv${family} address: connections to it are refused, whatever the policies say`,
    );
  }
  const verdicts = backends.map((backend) =>
    engine.evaluate({ source, destination: engine.address(backend.ip), protocol, port: backend.port }),
  );
  return { family, verdicts, remarks: [`${name} ${protocol} ${port} is translated to ${listed.join(', ')}`] };
}

function partyOf(engine: PolicyEngine, place: Exclude<Place, { kind: 'service' }>, family: Family): Party {
  switch (place.kind) {
    case 'pod':
      return engine.pod(place.pod, family);
    case 'node':
      return engine.node(place.node, family);
    case 'address':
      return engine.address(place.ip);
    case 'outside':
      return engine.address(OUTSIDE[family]);
  }
}

function commonFamily(from: Place, to: Place): Family {
  const other = familiesOf(to);
  const shared = familiesOf(from).find((family) => other.includes(family));
  if (shared !== undefined) return shared;
  throw wrong(`${describePlace(from)} and ${describePlace(to)} have no address family in common`);
}

function partyJson(party: Party): unknown {
  switch (party.kind) {
    case 'pod':
      return { kind: 'pod', name: party.pod.key, address: party.ip === undefined ? null : formatIp(party.ip) };
    case 'node':
      return { kind: 'node', name: party.node.name, address: party.ip === undefined ? null : formatIp(party.ip) };
    case 'outside':
      return { kind: 'outside', address: formatIp(party.ip) };
  }
}

function sideJson(side: DirectionVerdict): unknown {
  const { kind, allowed } = side;
  if (side.kind === 'rule') {
    return {
      kind,
      allowed,
      policy: side.policy.key,
      rule: side.rule.source.path,
      source: formatSource(side.rule.source),
    };
  }
  return side.kind === 'default' ? { kind, allowed, policies: side.policies.map(({ key }) => key) } : { kind, allowed };
}

function portText({
  name,
  port,
  protocol,
}: {
  readonly name?: string;
  readonly port: number;
  readonly protocol: string;
}): string {
  return name === undefined ? `${protocol} ${port}` : `${protocol} ${port} (${name})`;
}

function wrong(message: string): SluiceError<'bad-question'> {
  return new SluiceError('bad-question', message);
}
