import fc from 'fast-check';
import { expect, test } from 'vitest';
import { applyTransaction, diff, EMPTY_RULESET, replaceAll } from './diff.ts';
import type { Ruleset, SetSpec } from './model.ts';
import { plainRuleset } from './plain.ts';
import { verdict } from './statements.ts';
import { TrackedRuleset } from './tracked-ruleset.ts';

const setName = fc.constantFrom('s0', 's1');
const key = fc.constantFrom('0a000001', '0a000002', '0a000003');
const chain = fc.constantFrom('c0', 'c1', 'c2');
const edit = fc.oneof(
  fc.record({ do: fc.constant('add-set' as const), set: setName }),
  fc.record({ do: fc.constant('delete-set' as const), set: setName }),
  fc.record({ do: fc.constant('put' as const), set: setName, key, chain }),
  fc.record({ do: fc.constant('remove' as const), set: setName, key }),
  fc.record({ do: fc.constant('set-chain' as const), chain, drops: fc.nat(1) }),
  fc.record({ do: fc.constant('delete-chain' as const), chain }),
  fc.record({ do: fc.constant('flush' as const) }),
);

test('the flushed transactions, applied one after the other, always lead to the present ruleset', () => {
  fc.assert(
    fc.property(fc.array(edit, { maxLength: 60 }), (edits) => {
      const ruleset = new TrackedRuleset();
      let kernel: Ruleset = EMPTY_RULESET;
      for (const each of edits) {
        if (each.do === 'add-set') ruleset.addSet({ name: each.set, key: ['ipv4_addr'], data: 'verdict' });
        else if (each.do === 'delete-set') ruleset.deleteSet(each.set);
        else if (each.do === 'put') {
          if (ruleset.sets.has(each.set) && ruleset.chains.has(each.chain))
            ruleset.put(each.set, each.key, `goto ${each.chain}`);
        } else if (each.do === 'remove') ruleset.remove(each.set, each.key);
        else if (each.do === 'set-chain')
          ruleset.setChain({ name: each.chain, rules: Array(each.drops).fill([verdict('drop')]) });
        else if (each.do === 'delete-chain') {
          for (const { spec, elements } of ruleset.sets.values())
            for (const [at, data] of elements) if (data === `goto ${each.chain}`) ruleset.remove(spec.name, at);
          ruleset.deleteChain(each.chain);
        } else kernel = applyTransaction(kernel, ruleset.flush());
      }
      const before = kernel;
      kernel = applyTransaction(kernel, ruleset.flush());
      expect(plainRuleset(kernel)).toEqual(plainRuleset(ruleset));
      expect(ruleset.flush()).toEqual([]);
      expect(plainRuleset(applyTransaction(before, diff(before, ruleset)))).toEqual(plainRuleset(ruleset));
      expect(plainRuleset(applyTransaction(before, replaceAll(ruleset)))).toEqual(plainRuleset(ruleset));
    }),
    { numRuns: 500 },
  );
});

test('edits that cancel out leave no trace', () => {
  const ruleset = new TrackedRuleset();
  ruleset.addSet({ name: 's', key: ['ipv4_addr'] });
  ruleset.put('s', '0a000001');
  ruleset.setChain({ name: 'c', rules: [] });
  ruleset.flush();
  ruleset.remove('s', '0a000001');
  ruleset.deleteSet('s');
  ruleset.addSet({ name: 's', key: ['ipv4_addr'] });
  ruleset.put('s', '0a000001');
  ruleset.deleteChain('c');
  ruleset.setChain({ name: 'c', rules: [] });
  expect(ruleset.flush()).toEqual([]);
});

test('a set of another type, or a chain at another hook, has the whole table replaced', () => {
  const before = new TrackedRuleset();
  before.addSet({ name: 's', key: ['ipv4_addr'] });
  before.setChain({ name: 'c', hook: { type: 'filter', hook: 'forward', priority: 0 }, rules: [] });
  const other = (spec: SetSpec, priority: number): Ruleset => ({
    sets: new Map([['s', { spec, elements: new Map() }]]),
    chains: new Map([['c', { name: 'c', hook: { type: 'filter', hook: 'forward', priority }, rules: [] }]]),
  });
  expect(diff(before, other({ key: ['ipv4_addr'], name: 's' }, 0))).toEqual([]);
  expect(diff(before, other({ name: 's', key: ['ipv6_addr'] }, 0))[0]).toEqual({ op: 'destroy-table' });
  expect(diff(before, other({ name: 's', key: ['ipv4_addr'] }, 1))[0]).toEqual({ op: 'destroy-table' });
});
