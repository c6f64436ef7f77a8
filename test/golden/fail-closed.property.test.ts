import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clusterState, normalisePolicy } from '../../src/core/policy/index.ts';
import type { PolicyObject } from '../../src/core/policy/index.ts';
import { arbitraryObjects } from './arbitrary-objects.ts';
import { verdictTable } from './verdict-table.ts';

/** What people and programs write where something else belongs. */
const JUNK: readonly unknown[] = [
  null,
  '',
  'junk',
  'Ingress',
  0,
  -1,
  1.5,
  70_000,
  true,
  false,
  [],
  [null],
  ['junk'],
  {},
  { junk: 1 },
];

/** How one field of a policy is spoilt. */
interface Spoiling {
  readonly kind: 'replace' | 'remove' | 'rename';
  readonly junk: unknown;
  /** Chooses among the fields. */
  readonly at: number;
}

const spoiling: fc.Arbitrary<Spoiling> = fc.record({
  kind: fc.constantFrom('replace', 'replace', 'replace', 'remove', 'rename'),
  junk: fc.constantFrom(...JUNK),
  at: fc.nat(),
});

describe('a policy of any API with one field spoilt', () => {
  it('allows, when it is reported, nothing that it did not allow before', () => {
    let reported = 0;
    fc.assert(
      fc.property(arbitraryObjects, fc.nat(), spoiling, (objects, which, how) => {
        if (objects.policies.length === 0) return;
        const index = which % objects.policies.length;
        const spoilt = spoil(objects.policies[index]!, how);
        const after = { ...objects, policies: objects.policies.with(index, spoilt) };
        if (clusterState(after).issues.length === 0) return;
        reported++;
        const before = verdictTable(objects);
        const opened = [...verdictTable(after)].filter(([flow, allowed]) => allowed && before.get(flow) === false);
        expect(
          opened.map(([flow]) => flow),
          JSON.stringify(spoilt),
        ).toEqual([]);
      }),
      { numRuns: 200 },
    );
    expect(reported).toBeGreaterThan(30);
  });

  it('never makes a reader of it throw', () => {
    fc.assert(
      fc.property(arbitraryObjects, fc.array(spoiling, { minLength: 1, maxLength: 4 }), (objects, hows) => {
        for (const policy of objects.policies) normalisePolicy(hows.reduce(spoil, policy));
      }),
      { numRuns: 300 },
    );
  });
});

/** The policy with one place of its spec changed. */
function spoil(policy: PolicyObject, { kind, junk, at }: Spoiling): PolicyObject {
  const copy = structuredClone(policy) as { spec?: unknown };
  const { spec } = copy;
  // Another spec altogether is another policy.
  const fields = typeof spec === 'object' && spec !== null ? Object.keys(spec) : [];
  const places = fields.flatMap((key) => placesIn(spec as object, key));
  const place = places[at % Math.max(1, places.length)];
  if (place === undefined) return policy;
  const { owner, key } = place;
  if (kind === 'replace') owner[key] = junk;
  else if (Array.isArray(owner)) owner.splice(Number(key), 1, null);
  else {
    const value = owner[key];
    delete owner[key];
    if (kind === 'rename') owner[`${key}x`] = value;
  }
  return copy as PolicyObject;
}

interface Place {
  readonly owner: Record<string, unknown>;
  readonly key: string;
}

function placesIn(owner: object, key: string): Place[] {
  const record = owner as Record<string, unknown>;
  const value = record[key];
  const inner =
    typeof value === 'object' && value !== null ? Object.keys(value).flatMap((each) => placesIn(value, each)) : [];
  return [{ owner: record, key }, ...inner];
}
