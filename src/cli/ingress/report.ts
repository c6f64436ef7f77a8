import type { IngressWays } from '../../core/ingress/index.ts';
import type { Language } from '../../core/policy/messages/catalogue.ts';
import { answerJson } from '../check/answer-json.ts';
import { answerText } from '../check/answer-text.ts';
import type { Judge } from '../judge.ts';
import type { Entrance, Followed, Judged } from './follow.ts';
import type { Proxies, Proxy } from './proxies.ts';
import { requestsText } from './leading-text.ts';
import { conditionsOf, targetText } from './way-text.ts';

/** What became of the requests to one Ingress. */
export interface IngressReport {
  /** `namespace/ingress/name`. */
  readonly title: string;
  readonly ways: IngressWays;
  readonly proxies: Proxies;
  readonly entrances: readonly Entrance[];
  readonly followed: readonly Followed[];
  readonly allowed: boolean;
}

/** The report as text: the proxies, then each way with what policy says at its pods. */
export function ingressText(report: IngressReport, judge: Judge, language: Language): string {
  const { title, ways, proxies, entrances, followed } = report;
  const explain = ({ question, answer }: Judged): string[] =>
    answerText(judge.engine, question, answer, language).split('\n').map(indent);
  return [
    `${title}: ${proxiesText(proxies)}`,
    ...refusalLines(report).map(indent),
    ...ways.warnings.map(({ reason, message }) => indent(`${reason}: ${message}`)),
    ...entrances.flatMap(({ judged }) => explain(judged)),
    ...followed.flatMap(({ way, problem, judged }) => [
      `${requestsText(way)} → ${targetText(way)}${asWhom(judged, proxies)}`,
      ...conditionsOf(way).map(indent),
      ...(problem === undefined ? [] : [indent(`not served: ${problem}`)]),
      ...judged.flatMap(explain),
    ]),
  ].join('\n');
}

/** Why, too, where no way says it. */
function refusalLines({ ways: { refusal }, followed }: IngressReport): string[] {
  if (refusal === undefined) return [];
  const why = followed.length === 0 ? `: ${refusal.message}` : '';
  return [`left out as a whole (${refusal.reason})${why}`];
}

/** The report as data. */
export function ingressJson(report: IngressReport, judge: Judge): unknown {
  const { title, ways, proxies, entrances, followed, allowed } = report;
  const verdicts = (all: readonly Judged[]): unknown[] =>
    all.map(({ question, answer }) => answerJson(judge.engine, question, answer));
  return {
    ingress: title,
    verdict: allowed ? 'allow' : 'deny',
    allowed,
    proxies: proxies.ready,
    waiting: proxies.waiting,
    /** Whom pods see. */
    seenAs: proxies.keepClient ? 'client' : 'proxy',
    refused: ways.refusal ?? null,
    warnings: ways.warnings,
    /** What host endpoints of the proxies' nodes say. */
    entrances: verdicts(entrances.map(({ judged }) => judged)),
    ways: followed.map(({ way, problem, judged, allowed: open }) => ({
      host: way.host,
      path: way.path,
      canary: way.canary,
      service: way.target.service,
      port: way.target.port,
      conditions: conditionsOf(way),
      problem: problem ?? null,
      verdict: open ? 'allow' : 'deny',
      allowed: open,
      answers: verdicts(judged),
    })),
  };
}

/** Through which nodes requests come. */
export function proxiesText({ ready, waiting }: Proxies): string {
  const late = waiting.length === 0 ? '' : `; not ready: ${waiting.join(', ')}`;
  if (ready.length === 0) return `no proxy serves it${late}`;
  const at = ({ node, addresses }: Proxy): string =>
    addresses.length === 0 ? node : `${node} (${addresses.join(', ')})`;
  const more = ready.length - SHOWN;
  const rest = more > 0 ? ` and ${more} more` : '';
  return `through the proxy of node ${ready.slice(0, SHOWN).map(at).join(', ')}${rest}${late}`;
}

/** Nodes that are named. */
const SHOWN = 8;

function asWhom(judged: readonly Judged[], { keepClient }: Proxies): string {
  if (judged.length === 0) return '';
  return keepClient ? ', as the client itself' : ', as the node of the proxy';
}

function indent(line: string): string {
  return `  ${line}`;
}
