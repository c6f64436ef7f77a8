import { formatIp } from '../../base/ip/index.ts';
import type { PolicyEngine } from '../../core/policy/evaluate.ts';
import { explain } from '../../core/policy/explain.ts';
import type { Entry, Party } from '../../core/policy/flow.ts';
import { nearestMisses } from '../../core/policy/near-miss.ts';
import type { Answer, Question } from '../judge.ts';
import { describePlace } from '../place.ts';
import { formatExtent, formatPortRanges, type Outcome } from './outcome.ts';
import { formatAskedPort } from './port-text.ts';
import { sideJson } from './side-json.ts';

/** The explanation of an answer, as data. */
export function answerJson(engine: PolicyEngine, question: Question, answer: Answer): object {
  const [first] = answer.outcomes;
  return {
    from: describePlace(question.from),
    to: describePlace(question.to),
    protocol: question.protocol,
    port: question.port === undefined ? null : portJson(question.port),
    verdict: answer.allowed ? 'allow' : 'deny',
    allowed: answer.allowed,
    /** Whether some of what was asked is allowed and some is not. */
    mixed: answer.outcomes.some(({ verdict }) => verdict.allowed !== first!.verdict.allowed),
    ingress: sideJson(first!.verdict.ingress),
    egress: sideJson(first!.verdict.egress),
    remarks: answer.remarks,
    flows: answer.outcomes.map((outcome) => outcomeJson(engine, outcome)),
  };
}

/** A number stays a number. */
export function portJson(port: NonNullable<Question['port']>): number | string {
  return port.kind === 'range' && port.first === port.last ? port.first : formatAskedPort(port);
}

function outcomeJson(engine: PolicyEngine, outcome: Outcome): unknown {
  const { verdict, families } = outcome;
  return {
    from: formatExtent(outcome.sources, Infinity),
    to: formatExtent(outcome.destinations, Infinity),
    ports: outcome.ports.length === 0 ? null : formatPortRanges(outcome.ports),
    families: families.map((family) => `IPv${family}`),
    verdict: verdict.allowed ? 'allow' : 'deny',
    allowed: verdict.allowed,
    exempt: verdict.exempt ?? null,
    /** Who the destination sees instead of the source. */
    ...(verdict.arrivesAs === undefined ? {} : { arrivesAs: partyJson(verdict.arrivesAs) }),
    ingress: sideJson(verdict.ingress),
    egress: sideJson(verdict.egress),
    /** One of the connections that this stands for. */
    example: {
      source: partyJson(verdict.flow.source),
      destination: partyJson(verdict.flow.destination),
      port: verdict.flow.port ?? null,
      ...(verdict.flow.entry === undefined ? {} : { entry: entryJson(verdict.flow.entry) }),
    },
    explanation: explain(verdict, nearestMisses(engine, verdict)).map(({ text }) => text),
  };
}

/** The node's address and port that were translated. */
function entryJson({ node, ip, port }: Entry): unknown {
  return { node: node.name, address: formatIp(ip), port };
}

function partyJson(party: Party): unknown {
  const address = party.ip === undefined ? null : formatIp(party.ip);
  switch (party.kind) {
    case 'pod':
      return { kind: 'pod', name: party.pod.key, address };
    case 'node':
      return { kind: 'node', name: party.node.name, address };
    case 'outside':
      return { kind: 'outside', ...(party.domain === undefined ? {} : { domain: party.domain }), address };
  }
}
