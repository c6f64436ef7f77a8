import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Manifest } from '../../src/core/kube/yaml.ts';
import { lint } from '../../src/core/lint/index.ts';
import type { Finding } from '../../src/core/lint/index.ts';
import { normalisePolicy } from '../../src/core/policy/index.ts';
import type { PolicyObject } from '../../src/core/policy/index.ts';
import { arbitraryObjects } from './arbitrary-objects.ts';
import type { GeneratedObjects } from './arbitrary-objects.ts';
import { disagreements, verdictTable } from './verdict-table.ts';

/** Rules that say of something that it has no effect: without it, nothing changes. */
const WITHOUT_EFFECT = new Set([
  'contradictory-selector',
  'half-open-rule',
  'namespace-selector-matches-nothing',
  'peer-matches-nothing',
  'policy-selects-nothing',
  'redundant-policy',
  'redundant-rule',
  'shadowed-rule',
  'unknown-tier',
]);

const KINDS = {
  namespaces: 'Namespace',
  pods: 'Pod',
  nodes: 'Node',
  services: 'Service',
  serviceAccounts: 'ServiceAccount',
};

/** Every object as if it stood alone on a line of a file: its index in `objects`, counted from 1. */
function manifestsOf(cluster: GeneratedObjects): { manifests: Manifest[]; policies: Map<number, PolicyObject> } {
  const policies = new Map<number, PolicyObject>();
  const objects: object[] = Object.entries(KINDS).flatMap(([list, kind]) =>
    [...cluster[list as keyof typeof KINDS]].map((object) => ({ apiVersion: 'v1', kind, ...object })),
  );
  objects.push(...cluster.tiers, ...cluster.networkSets, ...cluster.hostEndpoints, ...cluster.profiles);
  for (const policy of cluster.policies) policies.set(objects.push(policy), policy);
  const manifests = objects.map((object, index) => {
    const place = { file: 'f', line: index + 1, column: 1 };
    return { object: object as Manifest['object'], file: 'f', locate: () => place };
  });
  return { manifests, policies };
}

/** The policy without what the finding is about; undefined when nothing is left of it. */
function without(policy: PolicyObject, { path }: Finding): PolicyObject | undefined {
  const [, direction, rule, list, item] =
    /^spec\.(ingress|egress)\[(\d+)\](?:\.(from|to|(?:destination\.)?ports)\[(\d+)\])?/u.exec(path) ?? [];
  if (direction === undefined) return undefined;
  const copy = structuredClone(policy) as PolicyObject & { spec: Record<string, Record<string, unknown>[]> };
  const rules = copy.spec[direction]!;
  const way = list?.split('.') ?? [];
  const items = way.reduce<unknown>((value, name) => (value as Record<string, unknown>)[name], rules[Number(rule)]);
  if (Array.isArray(items) && items.length > 1) items.splice(Number(item), 1);
  else rules.splice(Number(rule), 1);
  // A direction must not open because its last rule goes.
  const { applies } = normalisePolicy(policy)!.policy;
  const types = [applies.ingress ? 'Ingress' : [], applies.egress ? 'Egress' : []].flat();
  if (policy.kind === 'NetworkPolicy' && policy.apiVersion?.startsWith('networking') === true)
    Object.assign(copy.spec, { policyTypes: types });
  else if (policy.apiVersion?.startsWith('projectcalico') === true) Object.assign(copy.spec, { types });
  return copy;
}

it('says only of what has no effect that it has none', () => {
  const told = new Map<string, number>();
  fc.assert(
    fc.property(arbitraryObjects, (cluster) => {
      const { manifests, policies } = manifestsOf(cluster);
      const findings = lint([{ file: 'f', text: '', manifests, issues: [] }]);
      expect(findings.filter(({ severity, line }) => severity === 'error' && policies.has(line))).toEqual([]);
      const before = verdictTable(cluster);
      for (const finding of findings.filter(({ id }) => WITHOUT_EFFECT.has(id))) {
        const policy = policies.get(finding.line);
        if (policy === undefined) continue;
        told.set(finding.id, (told.get(finding.id) ?? 0) + 1);
        const changed = without(policy, finding);
        const rest = cluster.policies.flatMap((each) => (each === policy ? (changed ?? []) : each));
        expect(
          disagreements(before, verdictTable({ ...cluster, policies: rest })),
          JSON.stringify([finding, policy], null, 1),
        ).toEqual([]);
      }
    }),
    { numRuns: 100 },
  );
  expect([...told.keys()].sort()).toEqual(
    expect.arrayContaining(['redundant-rule', 'shadowed-rule', 'peer-matches-nothing']),
  );
});
