import { describe, expect, it } from 'vitest';
import { EVERYTHING } from '../kube/labels.ts';
import type { EndpointClass } from './endpoint-class.ts';
import { MemberList } from './member-list.ts';
import type { MemberTest } from './member-list.ts';

const SHOP = { name: 'shop', labels: {} };
const BANK = { name: 'bank', labels: {} };
const WEB: MemberTest = {
  namespace: undefined,
  namespaces: undefined,
  label: { key: 'app', value: 'web' },
  selector: undefined,
};
const CLASSES = Array.from({ length: 300 }, (_, id): EndpointClass => {
  const plans = { ingress: undefined, egress: undefined, 'own-node': undefined };
  const labels: Record<string, string> = id % 3 === 0 ? { app: 'web' } : {};
  return { engine: SHOP, id, namespace: id % 2 === 0 ? SHOP : BANK, labels, plans };
});

describe('a list of members', () => {
  it.each([0, 100, 1 << 20])('answers alike, again and in any order, with space for %i answers', (left) => {
    const list = new MemberList([WEB], { left });
    for (const order of [CLASSES, CLASSES.toReversed()])
      for (const each of order) expect(list.has(each)).toBe(each.id % 3 === 0);
  });

  it('takes no more space than it is given', () => {
    const space = { left: 200 };
    const list = new MemberList([WEB], space);
    for (const each of CLASSES) list.has(each);
    expect(space.left).toBeGreaterThanOrEqual(0);
    expect(space.left).toBeLessThan(200);
  });

  it('that chooses in one namespace only chooses nothing elsewhere', () => {
    const list = new MemberList([{ ...WEB, namespace: SHOP, label: undefined }], { left: 0 });
    expect(list.home).toBe(SHOP);
    expect(CLASSES.filter((each) => list.has(each)).every(({ namespace }) => namespace === SHOP)).toBe(true);
  });

  it('has no home when it chooses in two namespaces, or in all, or nothing at all', () => {
    const both = [SHOP, BANK].map((namespace) => ({ ...WEB, namespace, selector: EVERYTHING }));
    for (const tests of [both, [WEB], []]) expect(new MemberList(tests, { left: 0 }).home).toBeUndefined();
    expect(CLASSES.some((each) => new MemberList([], { left: 64 }).has(each))).toBe(false);
  });
});
