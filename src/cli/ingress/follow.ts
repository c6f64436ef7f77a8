import { SluiceError } from '../../base/errors.ts';
import { cidrContains, hostCidr, parseCidr, parseIp } from '../../base/ip/index.ts';
import type { Family } from '../../base/ip/index.ts';
import type { IngressWays, Way } from '../../core/ingress/index.ts';
import type { Answer, Judge, Question } from '../judge.ts';
import { findPlace, type Place } from '../place.ts';
import type { Proxies } from './proxies.ts';

/** Requests through the proxy to one Ingress. */
export interface Request {
  /** `outside`, or an address or a block outside. */
  readonly from: Place;
  readonly family: Family | undefined;
}

/** What policy says of connections of the proxy to the pods behind a way. */
export interface Judged {
  readonly question: Question;
  readonly answer: Answer;
}

/** What becomes of the requests for one host and path. */
export interface Followed {
  readonly way: Way;
  /** Why no pod is asked. */
  readonly problem?: string;
  /** With the client as the source, or one for each node of a proxy when pods see that. */
  readonly judged: readonly Judged[];
  readonly allowed: boolean;
}

/** What the proxy itself is asked about: the host endpoints of its nodes. */
export interface Entrance {
  readonly node: string;
  readonly judged: Judged;
}

/** Follows requests through the proxy to the pods behind each of the ways. */
export function followWays(
  { ways, refusal }: IngressWays,
  proxies: Proxies,
  judge: Judge,
  request: Request,
): readonly Followed[] {
  return ways.map((way) => {
    const problem =
      refusal?.message ?? (way.holder === undefined ? undefined : `Ingress ${way.holder} has these requests`);
    const idle = proxies.ready.length === 0 ? 'no proxy is ready' : undefined;
    const stop = problem ?? way.problem ?? refusedByProxy(way, request) ?? idle;
    if (stop !== undefined) return { way, problem: stop, judged: [], allowed: false };
    const isElsewhere = way.external !== undefined;
    if (isElsewhere || way.settings.redirect !== undefined || way.settings.location !== undefined)
      return { way, judged: [], allowed: true };
    return followToPods(way, proxies, judge, request);
  });
}

/** Asks the host endpoints of the proxies' nodes, where there are any; nothing else stands before the proxy. */
export function enterProxies(proxies: Proxies, judge: Judge, port: number, { from, family }: Request): Entrance[] {
  const { state } = judge.engine;
  if (state.hostEndpoints.size === 0) return [];
  return proxies.ready.flatMap(({ node: name }) => {
    const node = state.nodes.get(name);
    if (node === undefined) return [];
    const range = { kind: 'range', first: port, last: port } as const;
    const question: Question = { from, to: { kind: 'node', node }, protocol: 'TCP', port: range, family };
    return [{ node: name, judged: { question, answer: judge.judge(question) } }];
  });
}

/** Throws `bad-question` for a source that does not come through the proxy as the cluster's outside does. */
export function checkSource(from: Place, judge: Judge): void {
  if (from.kind === 'outside' || from.kind === 'block') return;
  if (from.kind === 'address' && judge.engine.address(from.ip).kind === 'outside') return;
  throw new SluiceError(
    'bad-question',
    'through an Ingress a request is followed from outside: give outside, or an address or a block that is not of the cluster; from a pod ask about the Service behind it',
  );
}

function followToPods(way: Way, proxies: Proxies, judge: Judge, { from, family }: Request): Followed {
  const { state } = judge.engine;
  const { service, port } = way.target;
  const [namespace = '', name = ''] = service.split('/');
  try {
    const to = findPlace(`${namespace}/service/${name}`, state, namespace);
    const asked =
      typeof port === 'number'
        ? ({ kind: 'range', first: port, last: port } as const)
        : ({ kind: 'name', name: port } as const);
    const sources = proxies.keepClient ? [from] : proxies.ready.map(({ node }) => nodePlace(judge, node));
    const judged = sources.flatMap((source): Judged[] => {
      if (source === undefined) return [];
      const question: Question = { from: source, to, protocol: 'TCP', port: asked, family };
      return [{ question, answer: judge.judge(question) }];
    });
    return { way, judged, allowed: judged.length > 0 && judged.every(({ answer }) => answer.allowed) };
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error;
    return { way, problem: error.message, judged: [], allowed: false };
  }
}

function nodePlace(judge: Judge, name: string): Place | undefined {
  const node = judge.engine.state.nodes.get(name);
  return node === undefined ? undefined : { kind: 'node', node };
}

/** Lists of addresses that the proxy lets in or not; told for one address, as others are in them in part. */
function refusedByProxy({ settings: { allow, deny } }: Way, { from }: Request): string | undefined {
  if (from.kind !== 'address') return undefined;
  const isIn = (cidrs: readonly string[]): boolean =>
    cidrs.some((text) => {
      const ip = parseIp(text);
      const cidr = ip === undefined ? parseCidr(text) : hostCidr(ip);
      return cidr !== undefined && cidrContains(cidr, from.ip);
    });
  if (deny !== undefined && isIn(deny))
    return `the proxy answers 403: denylist-source-range has the client (${deny.join(', ')})`;
  if (allow !== undefined && !isIn(allow))
    return `the proxy answers 403: whitelist-source-range has not got the client (${allow.join(', ')})`;
  return undefined;
}
