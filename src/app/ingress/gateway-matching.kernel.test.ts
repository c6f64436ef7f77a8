import { array, assert, asyncProperty, constantFrom, record } from 'fast-check';
import { expect, it } from 'vitest';
import { deriveGateways, GATEWAY_CONTROLLER, withGateways } from '../../core/gateway/index.ts';
import type { Gateway, HttpRoute } from '../../core/gateway/index.ts';
import { deriveIngress, renderIngress } from '../../core/ingress/index.ts';
import { bareProxy } from './bare-proxy.test-support.ts';
import { ask, enterNetwork } from './rig.test-support.ts';

const allowed = enterNetwork();

/** One HTTPRoute with one match; it answers with a redirect that names its place in the list. */
interface Rule {
  readonly listener: number;
  readonly host: string;
  readonly type: string;
  readonly path: string;
  readonly method: string | null;
  readonly header: string | null;
  readonly query: string | null;
}

interface Question {
  readonly host: string;
  readonly path: string;
  readonly method: string;
  readonly header: string | null;
  readonly query: string | null;
}

const path = constantFrom('/', '/x', '/x/', '/x/y', '/xx', '/x/x/y');
/** Often there, so that several rules want the same requests. */
const value = constantFrom(null, '1', '1', '2');
const rule = record({
  listener: constantFrom(0, 1, 2, 3),
  host: constantFrom('', '', 'a.test', '*.test', '*.a.test', 'x.a.test', 'other.example'),
  type: constantFrom('Exact', 'PathPrefix', 'PathPrefix', 'RegularExpression'),
  path,
  method: constantFrom(null, 'GET', 'GET', 'POST'),
  header: value,
  query: value,
});
const listeners = array(constantFrom('', '', '*.test', '*.a.test', 'a.test'), { minLength: 1, maxLength: 3 });
const question = record({
  host: constantFrom('a.test', 'x.a.test', 'y.x.a.test', 'b.test', 'other.example'),
  path,
  method: constantFrom('GET', 'GET', 'POST', 'PUT'),
  header: value,
  query: value,
});

function covers(pattern: string, host: string): boolean {
  return pattern === '' || pattern === host || (pattern.startsWith('*.') && host.endsWith(pattern.slice(1)));
}

/** Characters of a hostname without a wildcard, then characters of any hostname. */
function hostRank(pattern: string): number[] {
  return [pattern.startsWith('*') ? 0 : pattern.length, pattern.length];
}

function compare(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((each, index) => each !== b[index]);
  return at === -1 ? 0 : b[at]! - a[at]!;
}

/** The more specific of the two hostnames where they meet: a listener's and a route's. */
function meeting(listener: string, host: string): string | undefined {
  const inside = (outer: string, inner: string): boolean =>
    outer === '' || outer === inner || (outer.startsWith('*.') && inner.replace(/^\*/, 'x').endsWith(outer.slice(1)));
  if (inside(listener, host) && !(host === '' && listener !== '')) return host;
  return inside(host, listener) ? listener : undefined;
}

function fits({ type, path: wanted, method, header, query }: Rule, asked: Question): boolean {
  const whole = `${wanted.replace(/\/$/, '')}/`;
  const pathFits =
    type === 'PathPrefix'
      ? `${asked.path}/`.startsWith(whole)
      : type === 'Exact'
        ? asked.path === wanted
        : new RegExp(`^(?:${expressionOf(wanted)})$`).test(asked.path);
  return (
    pathFits &&
    (method === null || method === asked.method) &&
    (header === null || header === asked.header) &&
    (query === null || query === asked.query)
  );
}

/** A path of which each x may be anything but a slash. */
function expressionOf(text: string): string {
  return text.replaceAll('x', '[^/]');
}

/** The number of the rule that the specification says a request is for; -1 for none. What a route says itself ranks it. */
function expected(own: readonly string[], rules: readonly Rule[], asked: Question): number {
  const [listener] = own.filter((each) => covers(each, asked.host)).sort((a, b) => compare(hostRank(a), hostRank(b)));
  const ranked = rules.flatMap((each, index) => {
    const at = own[each.listener % own.length];
    const host = at === undefined ? undefined : meeting(at, each.host);
    if (at !== listener || host === undefined || !covers(host, asked.host) || !fits(each, asked)) return [];
    const text = each.type === 'RegularExpression' ? expressionOf(each.path) : each.path;
    const kind = { Exact: 2, RegularExpression: 1, PathPrefix: 0 }[each.type]!;
    const length = each.type === 'PathPrefix' ? text.replace(/\/$/, '').length : text.length;
    const counts = [each.method, each.header, each.query].map((one) => (one === null ? 0 : 1));
    return [{ index, rank: [...hostRank(each.host), kind, length, ...counts] }];
  });
  return ranked.sort((a, b) => compare(a.rank, b.rank) || a.index - b.index)[0]?.index ?? -1;
}

it.runIf(allowed)('leads requests where the specification says, for any listeners, routes and requests', async () => {
  await using proxy = await bareProxy();
  const { haproxy, options } = proxy;
  await assert(
    asyncProperty(
      listeners.map((all) => [...new Set(all)]),
      array(rule, { minLength: 10, maxLength: 30 }),
      array(question, { minLength: 80, maxLength: 80 }),
      async (own, rules, questions) => {
        await haproxy.load(renderIngress(modelOf(own, rules), options).files);
        for (const asked of questions) {
          const { host, path: requested, method, header, query } = asked;
          const headers = header === null ? {} : { 'x-test': header };
          const answer = await ask(host, `${requested}${query === null ? '' : `?q=${query}`}`, { method, headers });
          const answered = Number(/^http:\/\/r(\d+)\.test/.exec(answer.headers.location ?? '')?.[1] ?? -1);
          expect([asked, answered]).toEqual([asked, expected(own, rules, asked)]);
        }
      },
    ),
    { numRuns: 12 },
  );
});

function modelOf(own: readonly string[], rules: readonly Rule[]): ReturnType<typeof deriveIngress> {
  const services = new Map();
  const common = {
    services,
    slices: new Map(),
    secrets: new Map(),
    inspectCertificate: () => ({ names: [] }),
    rejected: new Map(),
  };
  const gateway: Gateway = {
    metadata: { name: 'edge', namespace: 'default' },
    spec: {
      gatewayClassName: 'ours',
      listeners: own.map((hostname, index) => ({ name: `l${index}`, port: 80, protocol: 'HTTP', hostname })),
    },
  };
  const gateways = deriveGateways({
    ...common,
    classes: [{ metadata: { name: 'ours' }, spec: { controllerName: GATEWAY_CONTROLLER } }],
    gateways: [gateway],
    routes: rules.map((each, index) => routeOf(each, index, own.length)),
    grants: [],
    namespaces: new Map(),
    takenPorts: new Map(),
  });
  return withGateways(deriveIngress({ ...common, ingresses: [], classes: [], withoutClass: false }), gateways);
}

/** The first one is the oldest. */
function routeOf(
  { listener, host, type, path: text, method, header, query }: Rule,
  index: number,
  own: number,
): HttpRoute {
  const named = (name: string, text: string | null) => (text === null ? [] : [{ name, value: text }]);
  return {
    metadata: {
      name: `r${index}`,
      namespace: 'default',
      creationTimestamp: `2026-01-01T00:00:${String(index).padStart(2, '0')}Z`,
    },
    spec: {
      parentRefs: [{ name: 'edge', sectionName: `l${listener % own}` }],
      ...(host === '' ? {} : { hostnames: [host] }),
      rules: [
        {
          matches: [
            {
              path: { type, value: type === 'RegularExpression' ? expressionOf(text) : text },
              headers: named('x-test', header),
              queryParams: named('q', query),
              ...(method === null ? {} : { method }),
            },
          ],
          filters: [{ type: 'RequestRedirect', requestRedirect: { hostname: `r${index}.test` } }],
        },
      ],
    },
  };
}
