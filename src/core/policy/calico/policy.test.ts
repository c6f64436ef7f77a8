import { describe, expect, it } from 'vitest';
import { selectorKey } from '../../kube/labels.ts';
import type { Policy, Rule } from '../model.ts';
import { normalisePolicy } from '../normalise/registry.ts';
import type { PolicyObject } from '../normalise/registry.ts';
import { tiersOf, UNREADABLE_TIER } from '../tiers.ts';
import { withStaged } from './staged.ts';

const VERSION = 'projectcalico.org/v3';

function object(kind: string, spec: unknown, more: Partial<PolicyObject> = {}): PolicyObject {
  return { apiVersion: VERSION, kind, metadata: { name: 'p', namespace: 'n' }, spec, ...more };
}

function normalise(kind: string, spec: unknown, more: Partial<PolicyObject> = {}) {
  const normalised = normalisePolicy(object(kind, spec, more));
  if (normalised === undefined) throw new Error('not a policy');
  return { ...normalised, paths: normalised.issues.map((issue) => issue.source.path) };
}

function ingress(rule: unknown, kind = 'NetworkPolicy') {
  const { policy, paths } = normalise(kind, { ingress: [rule] });
  return { rule: policy.ingress[0], paths };
}

/** The selector of what is on the other side. */
function peer(source: object, kind?: string): string {
  const { rule, paths } = ingress({ action: 'Allow', source }, kind);
  expect(paths).toEqual([]);
  if (rule!.peers === 'any') return 'any';
  return rule!.peers.map((each) => (each.kind === 'endpoints' ? selectorKey(each.selector) : each.key)).join();
}

const applies = ({ applies: { ingress: i, egress: e } }: Policy) => (i ? 'i' : '') + (e ? 'e' : '');

describe('what a Calico policy applies to', () => {
  it('is its namespace and its selectors', () => {
    const { policy } = normalise('NetworkPolicy', { selector: `a == 'b'`, serviceAccountSelector: `role == 'x'` });
    expect(policy.subject.namespaces).toEqual({ kind: 'name', name: 'n' });
    expect(selectorKey(policy.subject.pods)).toBe('a=b&pcsa.role=x');
    expect(policy.hosts).toBeUndefined();
  });

  it('is pods and host endpoints alike for a global one, by one selector', () => {
    const { policy } = normalise('GlobalNetworkPolicy', {
      selector: `a == 'b'`,
      namespaceSelector: `env == 'prod'`,
      applyOnForward: true,
    });
    expect(selectorKey(policy.subject.pods)).toBe('a=b&pcns.env=prod');
    expect(policy.hosts).toMatchObject({ applyOnForward: true, preDnat: false, doNotTrack: false });
    expect(policy.hosts!.selector).toEqual(policy.subject.pods);
  });

  it.each(['preDNAT', 'doNotTrack'])('is host endpoints only with %s', (flag) => {
    const { policy } = normalise('GlobalNetworkPolicy', { [flag]: true, applyOnForward: true });
    expect(policy.subject.pods).toEqual({ kind: 'nothing' });
    expect(selectorKey(policy.hosts!.selector)).toBe('*');
  });

  it.each<[string, object, string]>([
    ['no rules', {}, 'i'],
    ['empty types', { types: [] }, 'i'],
    ['ingress rules', { ingress: [{ action: 'Deny' }] }, 'i'],
    ['egress rules', { egress: [{ action: 'Deny' }] }, 'e'],
    ['both', { egress: [{ action: 'Deny' }], ingress: [{ action: 'Deny' }] }, 'ie'],
    ['an empty list of egress rules', { egress: [] }, 'i'],
    ['types', { types: ['Egress'], ingress: [{ action: 'Deny' }] }, 'e'],
  ])('is the directions that follow from %s', (_, spec, expected) => {
    expect(applies(normalise('NetworkPolicy', spec).policy)).toBe(expected);
  });
});

describe('the place of a Calico policy', () => {
  it('is the default tier, last, unless it says otherwise', () => {
    expect(normalise('NetworkPolicy', {}).policy).toMatchObject({ tier: 'default', order: Infinity });
    expect(normalise('NetworkPolicy', { tier: 'a', order: 1.5 }).policy).toMatchObject({ tier: 'a', order: 1.5 });
  });

  it('is one for both APIs, and another than that of a Kubernetes policy of the name', () => {
    const served = normalise('NetworkPolicy', {}).policy.key;
    const stored = { apiVersion: 'crd.projectcalico.org/v1', metadata: { name: 'default.p', namespace: 'n' } };
    const kubernetes = { apiVersion: 'networking.k8s.io/v1' };
    expect(normalise('NetworkPolicy', {}, stored).policy.key).toBe(served);
    expect(normalise('NetworkPolicy', { podSelector: {} }, kubernetes).policy.key).not.toBe(served);
  });

  it.each(['knp.default.web', 'kanp.adminnetworkpolicy.x', 'kbanp.baselineadminnetworkpolicy.default', 'kcnp.x'])(
    'is nowhere for the copy %s',
    (name) => {
      for (const kind of ['NetworkPolicy', 'GlobalNetworkPolicy'])
        expect(normalisePolicy(object(kind, {}, { metadata: { name } }))).toBeUndefined();
    },
  );
});

describe('the other side of a rule', () => {
  it.each<[string, object, string, string]>([
    ['nothing', {}, 'any', 'any'],
    ['empty fields', { selector: '', nets: [], namespaceSelector: '' }, 'any', 'any'],
    ['a selector', { selector: `a == 'b'` }, 'a=b&projectcalico.org/namespace=n', 'a=b'],
    ['a namespace selector', { namespaceSelector: `a == 'b'` }, 'pcns.a=b', 'pcns.a=b'],
    ['both', { selector: 'has(c)', namespaceSelector: `a == 'b'` }, 'c Exists()&pcns.a=b', 'c Exists()&pcns.a=b'],
    [
      'all()',
      { namespaceSelector: 'all()' },
      'projectcalico.org/namespace Exists()',
      'projectcalico.org/namespace Exists()',
    ],
    [
      'global()',
      { namespaceSelector: 'global()' },
      'projectcalico.org/namespace DoesNotExist()',
      'projectcalico.org/namespace DoesNotExist()',
    ],
    ['everything', { selector: 'all()' }, 'projectcalico.org/namespace=n', '*'],
    [
      'service accounts',
      { serviceAccounts: { names: ['b', 'a'] } },
      'projectcalico.org/namespace=n&projectcalico.org/serviceaccount In(a,b)',
      'projectcalico.org/serviceaccount In(a,b)',
    ],
    ['no service accounts', { serviceAccounts: {} }, 'any', 'any'],
    ['a negated selector', { notSelector: 'has(a)' }, 'projectcalico.org/namespace=n', 'any'],
  ])('of %s', (_, source, namespaced, global) => {
    expect(peer(source)).toBe(namespaced);
    expect(peer(source, 'GlobalNetworkPolicy')).toBe(global);
  });

  it('is a list of blocks, host bits cleared, single addresses too', () => {
    expect(peer({ nets: ['10.1.2.3/8', '10.0.0.1', 'fd00::1'] })).toBe('10.0.0.0/8,10.0.0.1/32,fd00::1/128');
  });

  it('takes what it cannot say with one list of peers for conditions', () => {
    const source = { selector: 'has(a)', nets: ['10.0.0.0/8'], notNets: ['10.1.0.0/16'], notSelector: 'has(b)' };
    const { rule } = ingress(
      { action: 'Allow', source, destination: { nets: ['10.2.0.0/16'] } },
      'GlobalNetworkPolicy',
    );
    expect(rule!.peers).toMatchObject([{ kind: 'endpoints' }]);
    expect(rule!.conditions).toMatchObject([
      { kind: 'peer', side: 'source', negate: false, peers: [{ key: '10.0.0.0/8' }] },
      { kind: 'peer', side: 'source', negate: true, peers: [{ kind: 'endpoints' }] },
      { kind: 'peer', side: 'source', negate: true, peers: [{ key: '10.1.0.0/16' }] },
      { kind: 'peer', side: 'destination', negate: false, peers: [{ key: '10.2.0.0/16' }] },
    ]);
  });

  it('has no conditions when a NetworkPolicy could say it, so that the two are compiled alike', () => {
    const { rule } = ingress({
      action: 'Allow',
      protocol: 'TCP',
      source: { nets: ['10.0.0.0/8'] },
      destination: { ports: [80] },
    });
    expect(rule).not.toHaveProperty('conditions');
    expect(rule!.ports).toMatchObject([{ kind: 'range', protocol: 'TCP', first: 80, last: 80 }]);
  });

  it('matches nothing when its blocks are of two families', () => {
    const { rule } = ingress({
      action: 'Allow',
      source: { nets: ['10.0.0.0/8'] },
      destination: { notNets: ['fd00::/8'] },
    });
    expect(rule!.peers).toEqual([]);
  });
});

describe('what a Calico policy does not make clear', () => {
  const unreadable: [string, unknown, string][] = [
    ['an unknown field', { selectors: 'all()' }, 'spec.ingress[0].selectors'],
    ['an unknown field of an end', { source: { net: [] } }, 'spec.ingress[0].source.net'],
    ['an end that is a list', { source: [] }, 'spec.ingress[0].source'],
    ['a broken selector', { source: { selector: 'a' } }, 'spec.ingress[0].source.selector'],
    ['a broken negated selector', { destination: { notSelector: '(' } }, 'spec.ingress[0].destination.notSelector'],
    ['a broken block', { source: { nets: ['a'] } }, 'spec.ingress[0].source.nets[0]'],
    ['a broken negated block', { source: { notNets: [1] } }, 'spec.ingress[0].source.notNets[0]'],
    ['ports without protocol', { destination: { ports: [80] } }, 'spec.ingress[0].destination.ports'],
    ['a broken port', { protocol: 'TCP', destination: { ports: ['90:80'] } }, 'spec.ingress[0].destination.ports[0]'],
    ['a broken protocol', { protocol: 'TPC', destination: { ports: [80] } }, 'spec.ingress[0].protocol'],
    ['a broken negated protocol', { notProtocol: 300 }, 'spec.ingress[0].notProtocol'],
    ['a version', { ipVersion: '4' }, 'spec.ingress[0].ipVersion'],
    ['an ICMP type', { protocol: 1, icmp: { type: -1 } }, 'spec.ingress[0].icmp.type'],
    ['ICMP of TCP', { protocol: 'TCP', notICMP: { type: 1 } }, 'spec.ingress[0].notICMP'],
    ['HTTP', { http: {} }, 'spec.ingress[0].http'],
    ['service accounts', { source: { serviceAccounts: { name: 'a' } } }, 'spec.ingress[0].source.serviceAccounts.name'],
    ['a Service', { source: { services: {} } }, 'spec.ingress[0].source.services.name'],
    [
      'a Service on the wrong side',
      { destination: { services: { name: 'a' } } },
      'spec.ingress[0].destination.services',
    ],
  ];

  it.each(unreadable)('allows nothing: %s', (_, fields, path) => {
    const { rule, paths } = ingress({ action: 'Allow', ...(fields as object) });
    expect(paths).toEqual([path]);
    expect(rule).toBeUndefined();
  });

  it.each(unreadable)('is denied, without the part in question: %s', (_, fields, path) => {
    for (const action of ['Deny', 'Pass', 'Drop']) {
      const { rule, paths } = ingress({ action, ...(fields as object) });
      expect(paths).toContain(path);
      expect(rule).toMatchObject({ action: 'deny', index: 0 });
      expect((rule!.conditions ?? []).filter((each) => each.kind !== 'protocol')).toEqual([]);
    }
  });

  it.each(unreadable)('is not logged: %s', (_, fields) => {
    expect(ingress({ action: 'Log', ...(fields as object) }).rule).toBeUndefined();
  });

  it('keeps the parts of a denial that are clear', () => {
    const { rule } = ingress({
      action: 'Deny',
      protocol: 'TCP',
      source: { selector: 'a', nets: ['10.0.0.0/8'] },
      destination: { ports: [80] },
    });
    expect(rule).toMatchObject({ peers: [{ key: '10.0.0.0/8' }], ports: [{ first: 80 }] });
  });

  const certain = { ingress: [{ action: 'Allow' }, { action: 'Deny', protocol: 'TCP' }, { action: 'Pass' }] };
  it.each<[string, string, object, string]>([
    ['a selector', 'NetworkPolicy', { selector: 'a' }, 'spec.selector'],
    ['service accounts', 'NetworkPolicy', { serviceAccountSelector: '!' }, 'spec.serviceAccountSelector'],
    ['namespaces', 'GlobalNetworkPolicy', { namespaceSelector: 'global()' }, 'spec.namespaceSelector'],
    ['an order', 'NetworkPolicy', { order: '1' }, 'spec.order'],
    ['a tier', 'NetworkPolicy', { tier: 1 }, 'spec.tier'],
    ['types', 'NetworkPolicy', { types: ['ingress'] }, 'spec.types[0]'],
    ['types that are text', 'NetworkPolicy', { types: 'Ingress' }, 'spec.types'],
    ['a flag', 'GlobalNetworkPolicy', { preDNAT: 'yes' }, 'spec.preDNAT'],
    ['an unknown field', 'NetworkPolicy', { podSelector: {} }, 'spec.podSelector'],
    ['a field of global policies', 'NetworkPolicy', { namespaceSelector: 'all()' }, 'spec.namespaceSelector'],
  ])('has only denials: %s', (_, kind, spec, path) => {
    const { policy, paths } = normalise(kind, { ...certain, ...spec });
    expect(paths).toEqual([path]);
    expect(policy.applies.ingress).toBe(true);
    expect(policy.ingress.map((rule: Rule) => rule.action)).toEqual(['deny', 'deny']);
  });

  it('is before all tiers when its tier is behind a field of nearly that name', () => {
    for (const spec of [{ tierx: 'a' }, { Tier: 'a' }, { tier: null, tierx: 'a' }])
      expect(normalise('NetworkPolicy', spec).policy.tier).toBe(UNREADABLE_TIER);
    expect(normalise('NetworkPolicy', { tier: 'b', tierx: 'a' }).policy.tier).toBe('b');
  });

  it('is all that the clear selectors choose', () => {
    const { policy } = normalise('GlobalNetworkPolicy', { selector: 'a', namespaceSelector: `b == 'c'` });
    expect(selectorKey(policy.subject.pods)).toBe('pcns.b=c');
  });

  it('is never thrown about', () => {
    for (const spec of [undefined, null, 1, 'x', [], { ingress: {} }, { ingress: [null, 1, []], egress: 'x' }]) {
      const { policy, paths } = normalise('GlobalNetworkPolicy', spec);
      expect(paths.length).toBeGreaterThan(0);
      for (const rule of [...policy.ingress, ...policy.egress]) expect(rule.action).toBe('deny');
    }
  });
});

describe('staged policies', () => {
  it('are marked, and in no tier', () => {
    const { policy } = normalise('StagedNetworkPolicy', { stagedAction: 'Set', ingress: [{ action: 'Deny' }] });
    expect(policy.staged).toBe(true);
    expect(tiersOf([policy])).toEqual([]);
  });

  it('are no policies when they are to be ignored', () => {
    expect(normalisePolicy(object('StagedGlobalNetworkPolicy', { stagedAction: 'Ignore' }))).toBeUndefined();
  });

  it('take the place of the enforced one of the name, or take it away', () => {
    const enforced = normalise('NetworkPolicy', { ingress: [{ action: 'Allow' }] }).policy;
    const other = normalise('NetworkPolicy', {}, { metadata: { name: 'other', namespace: 'n' } }).policy;
    const kubernetes = normalise('NetworkPolicy', { podSelector: {} }, { apiVersion: 'networking.k8s.io/v1' }).policy;
    const set = normalise('StagedNetworkPolicy', { ingress: [{ action: 'Deny' }] }).policy;
    const gone = normalise('StagedNetworkPolicy', { stagedAction: 'Delete' }).policy;
    const staged = normalise('StagedKubernetesNetworkPolicy', { podSelector: {}, ingress: [{}] }).policy;
    const preview = (policies: Policy[]) =>
      withStaged(policies).map(({ key, ingress: rules }) => `${key} ${rules.map((rule) => rule.action).join()}`);
    expect(preview([enforced, other, set])).toEqual([`${other.key} `, `${enforced.key} deny`]);
    expect(withStaged([enforced, gone]).map(applies)).toEqual(['']);
    expect(preview([kubernetes, enforced, staged])).toEqual([`${enforced.key} allow`, `${kubernetes.key} allow`]);
  });

  it('report an action that there is not', () => {
    expect(normalise('StagedNetworkPolicy', { stagedAction: 'Drop' }).paths).toEqual(['spec.stagedAction']);
  });

  it('read the rules of Kubernetes in a StagedKubernetesNetworkPolicy', () => {
    const { policy, paths } = normalise('StagedKubernetesNetworkPolicy', {
      stagedAction: 'Set',
      podSelector: { matchLabels: { a: 'b' } },
      policyTypes: ['Egress'],
      egress: [{ ports: [{ port: 0 }] }],
    });
    expect(paths).toEqual(['spec.egress[0].ports[0].port']);
    expect(policy).toMatchObject({
      staged: true,
      tier: 'default',
      order: 1000,
      applies: { ingress: false, egress: true },
    });
    expect(policy.source.kind).toBe('StagedKubernetesNetworkPolicy');
  });
});
