import { describe, expect, it } from 'vitest';
import { EMPTY_RULESET, applyTransaction } from '../../core/nft/diff.ts';
import type { NftOp } from '../../core/nft/model.ts';
import { encodeBatch } from './batch.ts';
import { SAMPLE, SETS } from './contract.ts';
import { FakeNftables } from './fake.ts';
import { splitTransaction } from './split.ts';

const WITHOUT_DESTROY = SAMPLE.filter(({ op }) => op !== 'destroy-table');
const MANY: NftOp = {
  op: 'add-elements',
  spec: SETS.peers,
  elements: Array.from({ length: 5000 }, (_, n) => [(0x0b00_0000 + n).toString(16).padStart(8, '0'), ''] as const),
};

describe('splitTransaction', () => {
  it('keeps every batch below the limit and the outcome the same', () => {
    const transaction = [...WITHOUT_DESTROY, MANY];
    const parts = splitTransaction(transaction, 12_000);
    for (const part of parts) expect(encodeBatch(part, 1).bytes.length).toBeLessThanOrEqual(12_000);
    expect(parts.length).toBeGreaterThan(5);
    const nft = new FakeNftables();
    for (const part of parts) nft.apply(part);
    const expected = applyTransaction(EMPTY_RULESET, transaction);
    expect([...nft.ruleset.sets.keys()].toSorted()).toEqual([...expected.sets.keys()].toSorted());
    for (const [name, set] of expected.sets) expect(nft.ruleset.sets.get(name)).toEqual(set);
    for (const [name, chain] of expected.chains) expect(nft.ruleset.chains.get(name)).toEqual(chain);
  });

  it('attaches nothing to a hook before the sets and chains that it needs are full', () => {
    const parts = splitTransaction([...WITHOUT_DESTROY, MANY], 12_000);
    const hooked = parts.findIndex((part) => part.some((op) => op.op === 'add-chain' && op.hook !== undefined));
    const filled = parts.findLastIndex((part) =>
      part.some((op) => op.op === 'add-elements' && op.spec.name === 'peers'),
    );
    expect(hooked).toBeGreaterThan(filled);
  });

  it('keeps the rules of a chain in order when one of them must wait', () => {
    const rules: NftOp[] = [
      { op: 'add-table' },
      { op: 'add-set', spec: SETS.dispatch },
      { op: 'add-chain', name: 'inner' },
      { op: 'add-rule', chain: 'inner', rule: [{ kind: 'counter' }] },
      { op: 'add-rule', chain: 'inner', rule: [{ kind: 'vmap', key: ['meta iifname'], map: 'dispatch' }] },
      { op: 'add-rule', chain: 'inner', rule: [{ kind: 'verdict', verdict: 'drop' }] },
    ];
    const nft = new FakeNftables();
    for (const part of splitTransaction(rules, 400)) nft.apply(part);
    expect(nft.ruleset.chains.get('inner')!.rules.map(([first]) => first!.kind)).toEqual([
      'counter',
      'vmap',
      'verdict',
    ]);
  });
});
