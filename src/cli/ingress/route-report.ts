import type { RouteWay } from '../../core/gateway/index.ts';
import type { Language } from '../../core/policy/messages/catalogue.ts';
import { answerJson } from '../check/answer-json.ts';
import { answerText } from '../check/answer-text.ts';
import type { Judge } from '../judge.ts';
import type { Judged } from './follow.ts';
import { proxiesText } from './report.ts';
import { requestsText } from './leading-text.ts';
import type { RouteReport } from './why-route.ts';

/** The report as text: the proxies, then each way with its conditions and what policy says at its pods. */
export function routeText(report: RouteReport, judge: Judge, language: Language): string {
  const { titles, refusal, proxies, entrances, followed } = report;
  const explain = ({ question, answer }: Judged): string[] =>
    answerText(judge.engine, question, answer, language).split('\n').map(indent);
  const whom = proxies.keepClient ? ', as the client itself' : ', as the node of the proxy';
  return [
    `${titles.join(', ')}: ${proxiesText(proxies)}`,
    ...(refusal === undefined ? [] : [indent(`not accepted: ${refusal}`)]),
    ...entrances.flatMap(({ judged }) => explain(judged)),
    ...followed.flatMap(({ way, problem, judged }) => [
      `${requestsText({ ...way, canary: false })} → ${targetText(way)}${judged.length === 0 ? '' : whom}`,
      ...conditionsOf(way).map(indent),
      ...(problem === undefined ? [] : [indent(`not served: ${problem}`)]),
      ...judged.flatMap(explain),
    ]),
  ].join('\n');
}

/** The report as data. */
export function routeJson(report: RouteReport, judge: Judge): unknown {
  const { titles, refusal, proxies, entrances, followed, allowed } = report;
  const verdicts = (all: readonly Judged[]): unknown[] =>
    all.map(({ question, answer }) => answerJson(judge.engine, question, answer));
  return {
    routes: titles,
    verdict: allowed ? 'allow' : 'deny',
    allowed,
    proxies: proxies.ready,
    waiting: proxies.waiting,
    seenAs: proxies.keepClient ? 'client' : 'proxy',
    refused: refusal ?? null,
    entrances: verdicts(entrances.map(({ judged }) => judged)),
    ways: followed.map(({ way, problem, judged, allowed: open }) => ({
      host: way.host,
      path: way.path,
      conditions: conditionsOf(way),
      service: way.target?.service ?? null,
      port: way.target?.port ?? null,
      problem: problem ?? null,
      verdict: open ? 'allow' : 'deny',
      allowed: open,
      answers: verdicts(judged),
    })),
  };
}

/** What a request must be like beyond host and path, and what the proxy does to it. */
export function conditionsOf({ tests, share, settings: { location } }: RouteWay): string[] {
  return [
    ...tests.map((test) => {
      if (test.kind === 'method') return `method ${test.value}`;
      if (test.kind === 'path') return `paths like ${test.value}`;
      const what = test.kind === 'header' ? `header ${test.name}` : `query parameter ${test.name}`;
      return `${what}${test.regex ? ' like ' : ': '}${test.value}`;
    }),
    ...(share === undefined ? [] : [`${share.parts} of ${share.whole} requests`]),
    ...(location === undefined ? [] : [`the proxy answers ${location.code}; no pod is asked`]),
  ];
}

function targetText({ target }: RouteWay): string {
  return target === undefined ? 'no Service' : `${target.service.replace('/', '/service/')} port ${target.port}`;
}

function indent(line: string): string {
  return `  ${line}`;
}
