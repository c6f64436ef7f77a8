import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clusterState } from '../../src/core/policy/index.ts';
import type { PolicyObject } from '../../src/core/policy/index.ts';
import { arbitraryObjects } from './arbitrary-objects.ts';
import type { GeneratedObjects } from './arbitrary-objects.ts';
import { disagreements, verdictTable } from './verdict-table.ts';

const RUNS = { numRuns: 150 };

describe('changes that must not change an answer', () => {
  it('generates clusters in which every object is understood', () => {
    fc.assert(
      fc.property(arbitraryObjects, (objects) => {
        expect(clusterState(objects).issues).toEqual([]);
      }),
      RUNS,
    );
  });

  it('generates clusters with flows of both verdicts, so that the tests below compare something', () => {
    const verdicts = fc.sample(arbitraryObjects, 40).flatMap((objects) => [...verdictTable(objects).values()]);
    const denied = verdicts.filter((allowed) => !allowed).length;
    expect(denied).toBeGreaterThan(verdicts.length / 10);
    expect(denied).toBeLessThan((verdicts.length * 9) / 10);
  });

  it('is indifferent to the order of documents', () => {
    const withOrder = arbitraryObjects.chain((objects) =>
      fc.record({
        objects: fc.constant(objects),
        policies: shuffled(objects.policies),
        pods: shuffled([...objects.pods]),
        tiers: shuffled(objects.tiers),
        networkSets: shuffled(objects.networkSets),
      }),
    );
    fc.assert(
      fc.property(withOrder, ({ objects, ...reordered }) => agree(objects, { ...objects, ...reordered })),
      RUNS,
    );
  });

  it('is indifferent to whether rules stand in one policy or in two, one after the other', () => {
    const withSplit = fc.record({ objects: arbitraryObjects, which: fc.nat(), at: fc.nat(3) });
    fc.assert(
      fc.property(withSplit, ({ objects, which, at }) => {
        const index = objects.policies.length === 0 ? 0 : which % objects.policies.length;
        const policies = objects.policies.flatMap((policy, i) => (i === index ? split(policy, at) : [policy]));
        agree(objects, { ...objects, policies });
      }),
      RUNS,
    );
  });

  it('is indifferent to what a label is called, as long as everyone calls it the same', () => {
    fc.assert(
      fc.property(arbitraryObjects, (objects) => {
        const text = JSON.stringify(objects).replaceAll(/\bapp\b/gu, 'application');
        // A map is no JSON, and domains have no labels.
        agree(objects, { ...(JSON.parse(text) as GeneratedObjects), domains: objects.domains });
      }),
      RUNS,
    );
  });

  it('is indifferent to policies of every API that select nothing', () => {
    fc.assert(
      fc.property(arbitraryObjects, (objects) =>
        agree(objects, { ...objects, policies: [...objects.policies, ...SELECTING_NOTHING] }),
      ),
      RUNS,
    );
  });

  it('is indifferent, between the others, to a pod that is added', () => {
    fc.assert(
      fc.property(arbitraryObjects, (objects) => {
        const newcomer = {
          metadata: { name: 'newcomer', namespace: 'ns-0', labels: { app: 'a', tier: 'b' } },
          spec: { nodeName: 'node-0', containers: [] },
          status: { phase: 'Running', podIPs: [{ ip: '10.244.0.99' }] },
        };
        agree(objects, { ...objects, pods: [...objects.pods, newcomer] });
      }),
      RUNS,
    );
  });
});

function agree(before: GeneratedObjects, after: GeneratedObjects): void {
  expect(disagreements(verdictTable(before), verdictTable(after)).slice(0, 3)).toEqual([]);
}

function shuffled<T>(items: readonly T[]): fc.Arbitrary<T[]> {
  return fc.shuffledSubarray([...items], { minLength: items.length });
}

interface Spec {
  readonly ingress?: readonly unknown[];
  readonly egress?: readonly unknown[];
}

/** The policy as two of equal standing, the second directly after the first; the only policy of its kind stays whole. */
function split(policy: PolicyObject, at: number): PolicyObject[] {
  if (policy.kind === 'BaselineAdminNetworkPolicy') return [policy];
  const spec = policy.spec as Spec;
  const isClusterPolicy = policy.apiVersion?.startsWith('policy.networking.k8s.io') === true;
  const types = isClusterPolicy ? {} : explicitTypes(policy);
  const part = (keep: (index: number) => boolean) => ({
    ...spec,
    ...types,
    ...(spec.ingress === undefined ? {} : { ingress: spec.ingress.filter((_, index) => keep(index)) }),
    ...(spec.egress === undefined ? {} : { egress: spec.egress.filter((_, index) => keep(index)) }),
  });
  return [
    { ...policy, spec: part((index) => index < at) },
    {
      ...policy,
      metadata: { ...policy.metadata, name: `${policy.metadata?.name}-0` },
      spec: part((index) => index >= at),
    },
  ];
}

/** The types that follow from the rules of the whole policy, which need not follow from those of its parts. */
function explicitTypes({ apiVersion, spec }: PolicyObject): object {
  const { ingress = [], egress = [] } = spec as Spec;
  const fields = spec as { readonly types?: readonly string[]; readonly policyTypes?: readonly string[] };
  const given = fields.types ?? fields.policyTypes ?? [];
  if (given.length > 0) return {};
  if (apiVersion === 'networking.k8s.io/v1')
    return { policyTypes: egress.length > 0 ? ['Ingress', 'Egress'] : ['Ingress'] };
  return { types: egress.length === 0 ? ['Ingress'] : ingress.length === 0 ? ['Egress'] : ['Ingress', 'Egress'] };
}

const NOBODY = { matchLabels: { app: 'of-nobody' } };

const SELECTING_NOTHING: readonly PolicyObject[] = [
  {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: 'nobody', namespace: 'ns-0' },
    spec: { podSelector: NOBODY, policyTypes: ['Ingress', 'Egress'] },
  },
  {
    apiVersion: 'policy.networking.k8s.io/v1alpha1',
    kind: 'AdminNetworkPolicy',
    metadata: { name: 'nobody' },
    spec: {
      priority: 0,
      subject: { pods: { namespaceSelector: {}, podSelector: NOBODY } },
      ingress: [{ action: 'Deny', from: [{ namespaces: {} }] }],
    },
  },
  {
    apiVersion: 'policy.networking.k8s.io/v1alpha2',
    kind: 'ClusterNetworkPolicy',
    metadata: { name: 'nobody' },
    spec: {
      tier: 'Baseline',
      priority: 0,
      subject: { namespaces: NOBODY },
      egress: [{ action: 'Deny', to: [{ networks: ['0.0.0.0/0', '::/0'] }] }],
    },
  },
  {
    apiVersion: 'projectcalico.org/v3',
    kind: 'GlobalNetworkPolicy',
    metadata: { name: 'nobody' },
    spec: { tier: 'security', selector: "app == 'of-nobody'", types: ['Ingress', 'Egress'] },
  },
  {
    apiVersion: 'projectcalico.org/v3',
    kind: 'NetworkPolicy',
    metadata: { name: 'elsewhere', namespace: 'ns-of-nobody' },
    spec: { selector: 'all()', types: ['Ingress', 'Egress'] },
  },
];
