import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Selector } from '../kube/labels.ts';
import { allOf, matchesLabels, NOTHING } from '../kube/labels.ts';
import type { Expression } from '../kube/expression.ts';
import { effectiveLabels } from '../policy/effective-labels.ts';
import type { PodSet } from '../policy/model.ts';
import { LabelIndex } from './label-index.ts';

const key = fc.constantFrom('app', 'tier', 'toString');
const value = fc.constantFrom('a', 'b', '');
const labels = fc.dictionary(key, value, { maxKeys: 3, noNullPrototype: true });
const anyKey = fc.constantFrom('app', 'tier', 'toString', 'pcns.app', 'pcsa.tier', 'projectcalico.org/serviceaccount');
const requirement = fc.oneof(
  fc.record({
    key: anyKey,
    operator: fc.constantFrom('In' as const, 'NotIn' as const),
    values: fc.array(value, { minLength: 1, maxLength: 3 }),
  }),
  fc.record({
    key: anyKey,
    operator: fc.constantFrom('Exists' as const, 'DoesNotExist' as const),
    values: fc.constant([]),
  }),
);
const { expression } = fc.letrec<{ expression: Expression }>((tie) => ({
  expression: fc.oneof(
    { maxDepth: 2 },
    requirement.map((each): Expression => ({ kind: 'requirement', requirement: each })),
    fc.record({ kind: fc.constantFrom('contains' as const, 'starts-with' as const), key: anyKey, value }),
    fc.record({ kind: fc.constant('not' as const), term: tie('expression') }),
    fc.record({
      kind: fc.constantFrom('and' as const, 'or' as const),
      terms: fc.array(tie('expression'), { maxLength: 2 }),
    }),
  ),
}));
const selector: fc.Arbitrary<Selector> = fc.oneof(
  { weight: 10, arbitrary: fc.array(requirement, { maxLength: 2 }).map(allOf) },
  { weight: 4, arbitrary: expression.map((each): Selector => ({ kind: 'expression', expression: each })) },
  { weight: 1, arbitrary: fc.constant(NOTHING) },
);
const namespace = fc.constantFrom('x', 'y', '*');
const serviceAccount = fc.constantFrom('a', 'b');
const podSet: fc.Arbitrary<PodSet> = fc.record({
  namespaces: fc.oneof(
    namespace.map((name) => ({ kind: 'name' as const, name })),
    selector.map((each) => ({ kind: 'selector' as const, selector: each })),
  ),
  pods: selector,
});
const step = fc.oneof(
  fc.record({ do: fc.constant('assign' as const), member: fc.nat(5), namespace, serviceAccount, labels }),
  fc.record({
    do: fc.constant('account' as const),
    namespace,
    serviceAccount,
    labels: fc.option(labels, { nil: undefined }),
  }),
  fc.record({ do: fc.constant('unassign' as const), member: fc.nat(5) }),
  fc.record({ do: fc.constant('namespace' as const), namespace, labels: fc.option(labels, { nil: undefined }) }),
  fc.record({ do: fc.constant('watch' as const), key: fc.nat(5), set: podSet }),
  fc.record({ do: fc.constant('unwatch' as const), key: fc.nat(5) }),
);

test('after any walk every watched set has exactly the members that its selectors choose', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const index = new LabelIndex<number>();
      const members = new Map<number, { namespace: string; serviceAccount: string; labels: Record<string, string> }>();
      const accounts = new Map<string, Record<string, string> | undefined>();
      const namespaces = new Map<string, Record<string, string>>();
      const sets = new Map<number, { set: PodSet; members: Set<number> }>();
      const unwatch = (at: number) => {
        index.unwatch(`${at}`);
        sets.delete(at);
      };
      for (const each of steps) {
        if (each.do === 'assign') {
          members.set(each.member, each);
          index.assign(each.member, each);
        } else if (each.do === 'account') {
          accounts.set(`${each.namespace}/${each.serviceAccount}`, each.labels);
          index.setServiceAccount(each.namespace, each.serviceAccount, each.labels);
        } else if (each.do === 'unassign') {
          members.delete(each.member);
          index.unassign(each.member);
        } else if (each.do === 'namespace') {
          if (each.labels === undefined) namespaces.delete(each.namespace);
          else namespaces.set(each.namespace, each.labels);
          index.setNamespace(each.namespace, each.labels);
        } else if (each.do === 'watch') {
          unwatch(each.key);
          const watched = { set: each.set, members: new Set<number>() };
          sets.set(each.key, watched);
          index.watch(`${each.key}`, each.set, {
            enter: (member) => {
              expect(watched.members.has(member)).toBe(false);
              watched.members.add(member);
            },
            leave: (member) => expect(watched.members.delete(member)).toBe(true),
          });
        } else unwatch(each.key);
      }
      for (const { set, members: kept } of sets.values()) {
        const chosen = [...members].filter(([, at]) => {
          const own = namespaces.get(at.namespace) ?? { 'kubernetes.io/metadata.name': at.namespace };
          const inside =
            set.namespaces.kind === 'name'
              ? set.namespaces.name === at.namespace
              : matchesLabels(set.namespaces.selector, own);
          const effective = effectiveLabels(at.labels, {
            namespace: { name: at.namespace, labels: own },
            serviceAccount: {
              name: at.serviceAccount,
              labels: accounts.get(`${at.namespace}/${at.serviceAccount}`) ?? {},
            },
          });
          return inside && matchesLabels(set.pods, effective);
        });
        expect(kept).toEqual(new Set(chosen.map(([member]) => member)));
      }
    }),
    { numRuns: 500 },
  );
});
