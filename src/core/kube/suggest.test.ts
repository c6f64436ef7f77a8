import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { editDistance, suggest } from './suggest.ts';

const FIELDS = ['podSelector', 'policyTypes', 'ingress', 'egress', 'from', 'to', 'ports', 'port', 'endPort', 'cidr'];

describe('suggest', () => {
  it.each([
    ['policyType', 'policyTypes'],
    ['PolicyTypes', 'policyTypes'],
    ['podselector', 'podSelector'],
    ['ingess', 'ingress'],
    ['egerss', 'egress'],
    ['igress', 'ingress'],
    ['engress', 'egress'],
    ['form', 'from'],
    ['cdir', 'cidr'],
    ['endport', 'endPort'],
  ])('takes %s for %s', (word, meant) => expect(suggest(word, FIELDS)).toBe(meant));

  it.each(['replicas', 'xyz', 'a', ''])('has nothing for %j', (word) => expect(suggest(word, FIELDS)).toBeUndefined());

  it('does not take one short word for another', () => expect(suggest('ICMP', ['TCP', 'UDP', 'SCTP'])).toBeUndefined());

  it('does not depend on the order of the candidates', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('fort', 'por', 'too', 'frm'),
        (word) => suggest(word, FIELDS) === suggest(word, FIELDS.toReversed()),
      ),
    );
  });
});

describe('editDistance', () => {
  it('is a symmetric measure that counts a swap of neighbours once', () => {
    expect(editDistance('ab', 'ba')).toBe(1);
    const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 6 });
    fc.assert(
      fc.property(word, word, (a, b) => {
        const distance = editDistance(a, b);
        expect(distance).toBe(editDistance(b, a));
        expect(distance === 0).toBe(a === b);
        expect(distance).toBeGreaterThanOrEqual(Math.abs(a.length - b.length));
        expect(distance).toBeLessThanOrEqual(Math.max(a.length, b.length));
      }),
    );
  });
});
