import { beforeEach, describe, expect, it } from 'vitest';
import { parseIp } from '../../base/ip/index.ts';
import { EVERYTHING } from '../kube/labels.ts';
import { renderRuleset } from '../nft/render.ts';
import type { Policy, Rule } from '../policy/model.ts';
import { createCalcEngine } from './engine.ts';
import type { CalcEngine, Delta } from './model.ts';

const SOURCE = { kind: 'Test', name: 'test', path: '' };

let engine: CalcEngine;

beforeEach(() => {
  engine = createCalcEngine({ node: 'node-1', families: [4] });
  addPod('web', 2);
  engine.flush();
});

describe('the chains of tiers', () => {
  it('are one jump per policy and a drop where there are NetworkPolicies alone, and nothing at the input hook', () => {
    set(policy('NetworkPolicy/default/a', 'default', ['allow'], { sparesOwnNode: true }));
    set(policy('NetworkPolicy/default/b', 'default', ['allow'], { sparesOwnNode: true }));
    expect(bodyOf(/chain ingress-[0-9a-f]+/)).toEqual([
      'jump in/NetworkPolicy/default/a',
      'jump in/NetworkPolicy/default/b',
      'drop',
    ]);
    expect(engine.ruleset().chains.has('own-node')).toBe(false);
  });

  it('go on to the next tier by a mark, past the other policies of this one', () => {
    set(policy('first', 'kube-admin', ['pass']));
    set(policy('second', 'kube-admin', ['deny']));
    set(policy('third', 'default', ['allow']));
    const body = bodyOf(/chain ingress-[0-9a-f]+/, 'in/first');
    expect(body).toHaveLength(5);
    expect(body[0]).toMatch(/^meta mark set/);
    expect(body[1]).toBe('jump in/first');
    expect(body[2]).toMatch(/^meta mark & 0x01000000 != 0x00000000 meta mark set .* goto ingress-/);
    expect(body[3]).toBe('jump in/second');
    expect(body[4]).toMatch(/^goto ingress-/);
    expect(bodyOf(/chain ingress-[0-9a-f]+/, 'in/third')).toEqual(['jump in/third', 'drop']);
  });

  it('stay as they are for a new pod that the same policies select', () => {
    set(policy('first', 'kube-admin', ['pass', 'deny']));
    set(policy('second', 'default', ['allow']));
    addPod('other', 3);
    expect(new Set(engine.flush().transaction.map(({ op }) => op))).toEqual(new Set(['add-elements']));
  });

  it('change when a policy moves to another tier, begins to pass, or its tier turns round', () => {
    set(policy('first', 'default', ['allow']));
    const verdict = () => engine.ruleset().sets.get('ingress-pods')!.elements.values().next().value;
    const seen = [verdict()];
    set(policy('first', 'kube-baseline', ['allow']));
    seen.push(verdict());
    set(policy('first', 'kube-baseline', ['pass']));
    seen.push(verdict());
    engine.apply({ kind: 'tier', key: 'kube-baseline', value: { name: 'kube-baseline', order: 5, noMatch: 'deny' } });
    const { shrunk, grown } = engine.flush();
    seen.push(verdict());
    expect(new Set(seen).size).toBe(4);
    expect([[...shrunk], [...grown]]).toEqual([['default/web'], ['default/web']]);
  });

  it('do not hear of a staged policy, nor of one whose tier is not there until it is', () => {
    set(policy('staged', 'default', ['deny'], { staged: true }));
    set(policy('early', 'nowhere', ['deny']));
    expect(engine.ruleset().sets.get('ingress-pods')!.elements.values().next().value).toBe('accept');
    engine.apply({ kind: 'tier', key: 'nowhere', value: { name: 'nowhere', order: 1, noMatch: 'pass' } });
    engine.flush();
    expect(bodyOf(/chain ingress-[0-9a-f]+/)).toEqual(['jump in/early', 'accept']);
  });
});

it('names both ways when a set of pods that a rule denies gains one', () => {
  const peer = { kind: 'endpoints' as const, key: 'all', selector: EVERYTHING, source: SOURCE };
  const denied = { ...policy('deny', 'kube-admin', ['deny']), ingress: [{ ...ruleOf('deny', 0), peers: [peer] }] };
  set(denied);
  engine.apply(podDelta('far', '10.244.9.9', 'node-2'));
  const { shrunk, grown } = engine.flush();
  expect([[...shrunk], [...grown]]).toEqual([['default/web'], ['default/web']]);
});

function policy(key: string, tier: string, actions: readonly Rule['action'][], more: Partial<Policy> = {}): Policy {
  return {
    key,
    source: SOURCE,
    tier,
    order: 1,
    subject: { namespaces: { kind: 'name', name: 'default' }, pods: EVERYTHING },
    sparesOwnNode: false,
    staged: false,
    applies: { ingress: true, egress: false },
    ingress: actions.map(ruleOf),
    egress: [],
    ...more,
  };
}

function ruleOf(action: Rule['action'], index: number): Rule {
  return { action, index, source: SOURCE, peers: 'any', ports: 'any' };
}

function set(value: Policy): void {
  engine.apply({ kind: 'policy', key: value.key, value });
  engine.flush();
}

function addPod(name: string, last: number): void {
  const address = `10.244.0.${last}`;
  engine.apply(podDelta(name, address, 'node-1'));
  const id = `default/${name}`;
  const value = { id, interface: `slc-${name}`, pod: id, addresses: [parseIp(address)!] };
  engine.apply({ kind: 'local-endpoint', key: id, value });
}

function podDelta(name: string, address: string, node: string): Delta {
  return {
    kind: 'pod',
    key: `default/${name}`,
    value: {
      kind: 'pod',
      key: `default/${name}`,
      namespace: 'default',
      name,
      labels: {},
      node,
      addresses: [parseIp(address)!],
      hostNetwork: false,
      completed: false,
      ready: true,
      ports: [],
      serviceAccount: 'default',
    },
  };
}

/** The rules of the chain whose head matches and that holds `rule`, as nft prints them. */
function bodyOf(head: RegExp, rule = ''): string[] {
  const blocks = renderRuleset(engine.ruleset())
    .split('\tchain ')
    .map((each) => `chain ${each}`);
  const found = blocks.filter((each) => head.test(each.split('{')[0]!) && each.includes(`jump ${rule}`));
  expect(found).toHaveLength(1);
  return found[0]!
    .split('\n')
    .slice(1)
    .map((each) => each.trim())
    .filter((each) => each !== '' && !each.startsWith('}'));
}
