import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Namespace, Node, Pod } from '../../src/core/kube/types.ts';
import { clusterState, normalisePolicy, tiersOf } from '../../src/core/policy/index.ts';
import type { ClusterState, PolicyObject, PortProtocol } from '../../src/core/policy/index.ts';

/** One connection that a conformance test tries, and what must become of it. */
export interface ConformanceProbe {
  /** `namespace/name` of the pod that connects. */
  readonly from: string;
  /** Address of a pod, or of a node with its hostNetwork pods. */
  readonly to: string;
  readonly protocol: PortProtocol;
  readonly port: number;
  readonly allowed: boolean;
}

/** One subtest: the cluster as its policies have made it, and the probes. */
export interface ConformanceStep {
  readonly suite: string;
  readonly subtest: string;
  readonly state: ClusterState;
  /** What `state` was made of, besides nodes and pods, which are always the same. */
  readonly namespaces: readonly Namespace[];
  readonly policies: readonly PolicyObject[];
  readonly nodes: readonly Node[];
  readonly pods: readonly Pod[];
  readonly probes: readonly ConformanceProbe[];
}

interface StepRecord {
  readonly suite: string;
  readonly subtest: string;
  /** Indices in the order of the file. */
  readonly namespaces: number;
  readonly policies: readonly number[];
  /** `from to protocol port allow|deny`. */
  readonly probes: readonly string[];
}

/**
 * The conformance tests of ClusterNetworkPolicy that the API's authors publish, as data. A record a line: where they come
 * from, the nodes, the pods, the namespaces in each state that they are in, the policies, the subtests.
 */
export function conformanceSteps(): readonly ConformanceStep[] {
  const text = readFileSync(join(import.meta.dirname, 'conformance/cluster-network-policy.jsonl'), 'utf8');
  const records = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  const all = <T>(field: string): T[] => records.flatMap((each) => (field in each ? [each[field] as T] : []));
  const [nodes] = all<Node[]>('nodes');
  const pods = all<Pod>('pod');
  const namespaces = all<Namespace[]>('namespaces').filter((each) => Array.isArray(each));
  const policies = all<PolicyObject>('policy');
  const steps = records.filter((each) => 'suite' in each) as unknown as StepRecord[];
  return steps.map((step) => {
    const objects = { nodes: nodes!, pods, namespaces: namespaces[step.namespaces]! };
    const inForce = step.policies.map((index) => policies[index]!);
    return {
      suite: step.suite,
      subtest: step.subtest,
      state: stateWith(clusterState(objects), inForce),
      ...objects,
      policies: inForce,
      probes: step.probes.map(readProbe),
    };
  });
}

function stateWith(state: ClusterState, objects: readonly PolicyObject[]): ClusterState {
  const normalised = objects.map((object) => normalisePolicy(object)!);
  return {
    ...state,
    tiers: tiersOf(normalised.map(({ policy }) => policy)),
    issues: normalised.flatMap(({ issues }) => issues),
  };
}

function readProbe(text: string): ConformanceProbe {
  const [from, to, protocol, port, outcome] = text.split(' ') as [string, string, PortProtocol, string, string];
  return { from, to, protocol, port: Number(port), allowed: outcome === 'allow' };
}
