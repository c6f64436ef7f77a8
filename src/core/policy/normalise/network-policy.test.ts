import { describe, expect, it } from 'vitest';
import type { NetworkPolicy } from '../../kube/types.ts';
import { normaliseNetworkPolicy } from './network-policy.ts';

function normalise(spec: unknown) {
  const object = { metadata: { name: 'p', namespace: 'n' }, spec } as NetworkPolicy;
  return normaliseNetworkPolicy(object, (path) => ({ file: 'p.yaml', line: path.length + 1, column: 1 }));
}

/** Directions that the policy isolates, as `i`, `e` or `ie`. */
function isolated(spec: unknown): string {
  const { applies } = normalise(spec).policy;
  return (applies.ingress ? 'i' : '') + (applies.egress ? 'e' : '');
}

describe('normaliseNetworkPolicy', () => {
  it.each<[string, object, string]>([
    ['no types and no rules isolate ingress', {}, 'i'],
    ['empty types count as none', { policyTypes: [] }, 'i'],
    ['an egress rule without types isolates both', { egress: [{}] }, 'ie'],
    ['an empty egress list without types does not isolate egress', { egress: [] }, 'i'],
    ['types are taken as they are', { policyTypes: ['Egress'], ingress: [{}] }, 'e'],
    ['an unknown type isolates both', { policyTypes: ['ingress'] }, 'ie'],
    ['types that are no list isolate both', { policyTypes: 'Ingress' }, 'ie'],
  ])('%s', (_, spec, expected) => expect(isolated({ podSelector: {}, ...spec })).toBe(expected));

  it('drops the rules of a direction that does not apply', () => {
    expect(
      normalise({ podSelector: {}, policyTypes: ['Egress'], ingress: [{}], egress: [{}, {}] }).policy,
    ).toMatchObject({
      ingress: [],
      egress: [{ index: 0 }, { index: 1 }],
    });
  });

  it('reads absent, null and empty lists of peers and ports as no restriction', () => {
    for (const rule of [{}, { from: null, ports: null }, { from: [], ports: [] }])
      expect(normalise({ podSelector: {}, ingress: [rule] }).policy.ingress).toMatchObject([
        { peers: 'any', ports: 'any' },
      ]);
  });

  it('gives equal keys to peers that mean the same pods, in any namespace that they name', () => {
    const rule = (from: unknown) => normalise({ podSelector: {}, ingress: [{ from: [from] }] }).policy.ingress[0]!;
    const key = (from: unknown) => {
      const { peers } = rule(from);
      return peers === 'any' ? 'any' : peers[0]!.key;
    };
    expect(key({ podSelector: { matchLabels: { a: 'b' } } })).toBe('@n/a=b');
    expect(key({ podSelector: { matchExpressions: [{ key: 'a', operator: 'In', values: ['b'] }] } })).toBe('@n/a=b');
    expect(key({ namespaceSelector: {} })).toBe('*/*');
    expect(
      key({ namespaceSelector: { matchLabels: { a: 'b/c' } }, podSelector: { matchLabels: { d: 'e' } } }),
    ).not.toBe(key({ namespaceSelector: { matchLabels: { a: 'b' } }, podSelector: { matchLabels: { 'c/d': 'e' } } }));
    expect(key({ namespaceSelector: {}, podSelector: { matchLabels: { a: 'b' } } })).toBe('*/a=b');
    expect(key({ ipBlock: { cidr: '10.1.2.3/8', except: ['10.2.0.0/16', '10.1.0.0/16'] } })).toBe(
      '10.0.0.0/8 except 10.1.0.0/16, 10.2.0.0/16',
    );
  });

  it.each(['', false, 0])('takes a selector that is %j for a mistake, not for everything', (selector) => {
    for (const peer of [{ podSelector: selector }, { podSelector: {}, namespaceSelector: selector }]) {
      const { policy, issues } = normalise({ podSelector: {}, ingress: [{ from: [peer] }] });
      expect([policy.ingress, issues.length]).toEqual([[], 1]);
    }
  });

  it('says where each part was written', () => {
    const { policy } = normalise({
      podSelector: {},
      ingress: [{ from: [{ podSelector: {} }], ports: [{ port: 80 }] }],
    });
    const [rule] = policy.ingress;
    expect(policy.source).toMatchObject({ kind: 'NetworkPolicy', namespace: 'n', name: 'p', file: 'p.yaml', line: 1 });
    expect(rule?.source).toMatchObject({ path: 'spec.ingress[0]', line: 16 });
    expect(rule?.ports).toMatchObject([{ source: { path: 'spec.ingress[0].ports[0]' } }]);
  });

  describe('closes what it does not understand, and says where:', () => {
    it.each<[string, unknown, string]>([
      ['a rule that is null', { ingress: [null] }, 'spec.ingress[0]'],
      ['rules that are no list', { ingress: {} }, 'spec.ingress'],
      ['an empty peer', { ingress: [{ from: [{}] }] }, 'spec.ingress[0].from[0]'],
      ['a peer beside a good one', { ingress: [{ from: [{ podSelector: {} }, {}] }] }, 'spec.ingress[0].from[1]'],
      ['a misspelt peer', { ingress: [{ from: [{ podselector: {} }] }] }, 'spec.ingress[0].from[0].podselector'],
      ['`to` in an ingress rule', { ingress: [{ to: [{ podSelector: {} }] }] }, 'spec.ingress[0].to'],
      [
        'labels without matchLabels',
        { ingress: [{ from: [{ podSelector: { app: 'web' } }] }] },
        'spec.ingress[0].from[0].podSelector.app',
      ],
      ['peers that are no list', { ingress: [{ from: { podSelector: {} } }] }, 'spec.ingress[0].from'],
      [
        'a block beside a selector',
        { ingress: [{ from: [{ podSelector: {}, ipBlock: { cidr: '0.0.0.0/0' } }] }] },
        'spec.ingress[0].from[0]',
      ],
      [
        'a block that is none',
        { ingress: [{ from: [{ ipBlock: { cidr: '10.0.0.0/33' } }] }] },
        'spec.ingress[0].from[0].ipBlock.cidr',
      ],
      [
        'an exception outside its block',
        { ingress: [{ from: [{ ipBlock: { cidr: '10.0.0.0/8', except: ['11.0.0.0/8'] } }] }] },
        'spec.ingress[0].from[0].ipBlock.except[0]',
      ],
      [
        'an exception of the other family',
        { ingress: [{ from: [{ ipBlock: { cidr: '0.0.0.0/0', except: ['::/1'] } }] }] },
        'spec.ingress[0].from[0].ipBlock.except[0]',
      ],
      [
        'an unknown operator',
        { ingress: [{ from: [{ podSelector: { matchExpressions: [{ key: 'a', operator: 'Gt' }] } }] }] },
        'spec.ingress[0].from[0].podSelector.matchExpressions[0]',
      ],
      ['a port out of range', { ingress: [{ ports: [{ port: 65536 }] }] }, 'spec.ingress[0].ports[0].port'],
      ['a fractional port', { ingress: [{ ports: [{ port: 80.5 }] }] }, 'spec.ingress[0].ports[0].port'],
      ['an empty port name', { ingress: [{ ports: [{ port: '' }] }] }, 'spec.ingress[0].ports[0].port'],
      [
        'a lower-case protocol',
        { ingress: [{ ports: [{ protocol: 'tcp', port: 80 }] }] },
        'spec.ingress[0].ports[0].protocol',
      ],
      ['endPort below port', { ingress: [{ ports: [{ port: 80, endPort: 79 }] }] }, 'spec.ingress[0].ports[0].endPort'],
      ['endPort without port', { ingress: [{ ports: [{ endPort: 79 }] }] }, 'spec.ingress[0].ports[0].endPort'],
      [
        'endPort with a name',
        { ingress: [{ ports: [{ port: 'http', endPort: 79 }] }] },
        'spec.ingress[0].ports[0].endPort',
      ],
    ])('%s', (_, spec, path) => {
      const { policy, issues } = normalise({ podSelector: {}, ...(spec as object) });
      expect(issues.map((each) => each.source.path)).toEqual([path]);
      expect(policy).toMatchObject({ applies: { ingress: true }, ingress: [] });
    });

    it('one bad rule does not take the others with it', () => {
      const { policy, issues } = normalise({ podSelector: {}, ingress: [{ from: [{}] }, { ports: [{ port: 80 }] }] });
      expect(policy.ingress.map((rule) => rule.index)).toEqual([1]);
      expect(issues).toHaveLength(1);
    });

    it.each<[string, unknown]>([
      ['a subject that is no selector', { podSelector: { app: 'web' }, ingress: [{}] }],
      [
        'a subject with an unknown operator',
        { podSelector: { matchExpressions: [{ key: 'a', operator: 'x' }] }, ingress: [{}] },
      ],
      ['no spec at all', undefined],
    ])('%s isolates the whole namespace and allows nothing', (_, spec) => {
      const { policy, issues } = normalise(spec);
      expect(issues).toHaveLength(1);
      expect(policy).toMatchObject({
        subject: { namespaces: { kind: 'name', name: 'n' }, pods: { kind: 'all-of', requirements: [] } },
        applies: { ingress: true },
        ingress: [],
        egress: [],
      });
    });
  });
});
