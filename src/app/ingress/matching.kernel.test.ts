import { array, assert, asyncProperty, constantFrom, record, tuple } from 'fast-check';
import { expect, it } from 'vitest';
import { bareProxy, renderRules } from './bare-proxy.test-support.ts';
import type { Rule } from './bare-proxy.test-support.ts';
import { ask, enterNetwork } from './rig.test-support.ts';

const allowed = enterNetwork();

const elements = array(constantFrom('x', 'y', 'xx', 'é'), { maxLength: 3 });
const path = tuple(elements, constantFrom('', '/')).map(
  ([parts, end]) => `/${parts.join('/')}${parts.length > 0 ? end : ''}`,
);
const rule = record({
  host: constantFrom('', 'a.test', '*.test', '*.a.test', 'x.a.test'),
  path,
  pathType: constantFrom('Exact', 'Prefix', 'ImplementationSpecific'),
});
const question = record({
  host: constantFrom('a.test', 'b.test', 'A.Test:80', 'x.a.test', 'y.a.test', 'x.y.a.test', 'test', 'a.test.'),
  path,
  query: constantFrom('', '?x=/y'),
});

/** The number of the rule that Kubernetes' documentation of Ingress says a request is for; -1 for none. */
function expected(rules: readonly Rule[], host: string, requested: string): number {
  const name = host.toLowerCase().replace(/:.*/, '').replace(/\.$/, '');
  const split = (text: string): string[] => text.split('/').filter((each) => each !== '');
  const fits = ({ path: wanted, pathType }: Rule): boolean =>
    pathType === 'Exact'
      ? wanted === requested
      : split(wanted).every((element, index) => split(requested)[index] === element);
  const hostRank = (pattern: string): number => {
    if (pattern === '') return 1;
    if (pattern === name) return 3;
    return pattern.startsWith('*.') && name.split('.').slice(1).join('.') === pattern.slice(2) ? 2 : 0;
  };
  const ranked = rules
    .map((each, index) => ({
      index,
      rank: [hostRank(each.host), each.pathType === 'Exact' ? 1 : 0, split(each.path).length],
      each,
    }))
    .filter(({ each, rank }) => rank[0]! > 0 && fits(each))
    .sort((a, b) => b.rank[0]! - a.rank[0]! || b.rank[1]! - a.rank[1]! || b.rank[2]! - a.rank[2]! || a.index - b.index);
  return ranked[0]?.index ?? -1;
}

it.runIf(allowed)('answers as the documentation says, for any rules and requests', async () => {
  await using proxy = await bareProxy();
  const { haproxy, options } = proxy;
  await assert(
    asyncProperty(
      array(rule, { minLength: 1, maxLength: 12 }),
      array(question, { minLength: 30, maxLength: 30 }),
      async (rules, questions) => {
        await haproxy.load(renderRules(rules, options));
        for (const { host, path: requested, query } of questions) {
          const { headers } = await ask(host, `${encodeURI(requested)}${query}`);
          const answered = Number(/^http:\/\/r(\d+)\.test/.exec(headers.location ?? '')?.[1] ?? -1);
          expect([host, requested, answered]).toEqual([host, requested, expected(rules, host, requested)]);
        }
      },
    ),
    { numRuns: 15 },
  );
});
