import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseCidr } from '../../src/base/ip/index.ts';
import type { Family } from '../../src/base/ip/index.ts';
import { clusterState, PolicyEngine } from '../../src/core/policy/index.ts';
import type { ClusterState, Condition, Party, Rule } from '../../src/core/policy/index.ts';
import type { ProbeAttempt } from '../../src/host/probe/port.ts';
import { probe } from '../../src/host/probe/probe.ts';
import { arbitraryCluster } from '../golden/arbitrary-cluster.ts';
import { arbitraryModel } from '../golden/arbitrary-model.ts';
import { ClusterRig } from './rig/cluster-rig.ts';
import type { RigPlace } from './rig/cluster-rig.ts';

const TRIES = [
  ['tcp', 80],
  ['tcp', 8080],
  ['udp', 53],
  ['icmp', 0],
] as const;

/** What every pod is in, and leaves masqueraded. */
const POOLS: ClusterState['pools'] = new Map(
  ['10.244.0.0/16', 'fd00:10:244::/56'].map((name) => [name, { name, cidr: parseCidr(name)!, natOutgoing: true }]),
);

function partyOf(engine: PolicyEngine, place: RigPlace, family: Family): Party {
  const pod = engine.state.pods.get(place.name);
  return pod === undefined
    ? engine.address(place.addresses.find((ip) => ip.family === family)!)
    : engine.pod(pod, family);
}

interface Expected {
  readonly attempt: ProbeAttempt;
  readonly allowed: boolean;
}

/** Every pair of which one is of the cluster, in both families, with each of the tries, and what the engine says. */
function attemptsIn(rig: ClusterRig, engine: PolicyEngine): Expected[] {
  const attempts: Expected[] = [];
  const untracked = engine.state.tiers.some(({ policies }) => policies.some(({ hosts }) => hosts?.doNotTrack === true));
  for (const from of rig.places)
    for (const to of rig.places) {
      if (from === to || (from.kind === 'outside' && to.kind === 'outside')) continue;
      for (const address of to.addresses)
        for (const [protocol, port] of TRIES) {
          const { allowed } = engine.evaluate({
            source: partyOf(engine, from, address.family),
            destination: partyOf(engine, to, address.family),
            protocol: protocol.toUpperCase() as 'TCP' | 'UDP' | 'ICMP',
            ...(port === 0 ? {} : { port }),
          });
          // The answers of untracked connections are judged for themselves.
          if (allowed && untracked && protocol === 'tcp') continue;
          const ends = { from: { ...from, id: from.name }, to: { ...to, id: to.name } };
          attempts.push({ allowed, attempt: { ...ends, protocol, address, port, expectSilence: !allowed } });
        }
    }
  return attempts;
}

/** Connects everybody with everybody, really, and returns where packets and the policy engine differ. */
async function differences(rig: ClusterRig, state: ClusterState): Promise<string[]> {
  const expected = attemptsIn(rig, new PolicyEngine(state));
  const results = await probe(expected.map(({ attempt }) => attempt));
  return results.flatMap(({ attempt, verdict, evidence, message }, i) => {
    const { allowed } = expected[i]!;
    if (verdict === (allowed ? 'allowed' : 'denied')) return [];
    const { from, to, protocol, address, port } = attempt;
    return `${from.id} > ${to.id} IPv${address.family} ${protocol}/${port}: ${evidence} ${message ?? ''}, expected ${allowed}`;
  });
}

/** Without conditions on source ports, which the probes leave to the kernel. */
function probeable(state: ClusterState): ClusterState {
  const isKnown = (each: Condition): boolean => each.kind !== 'port' || each.side === 'destination';
  const strip = (rules: readonly Rule[]): Rule[] =>
    rules.map((rule) => ({ ...rule, conditions: (rule.conditions ?? []).filter(isKnown) }));
  const tiers = state.tiers.map((tier) => ({
    ...tier,
    policies: tier.policies.map((each) => ({
      ...each,
      ingress: strip(each.ingress),
      egress: strip(each.egress),
    })),
  }));
  return { ...state, tiers };
}

/** The pods and nodes of one state under the policies of another. */
function underPoliciesOf(
  { pods, nodes, namespaces, serviceAccounts }: ClusterState,
  other: ClusterState,
): ClusterState {
  return { ...other, pods, nodes, namespaces, serviceAccounts };
}

test('real packets between all pods, nodes and the outside arrive exactly where the policy engine says', async () => {
  await fc.assert(
    fc.asyncProperty(arbitraryCluster, async (cluster) => {
      const state = { ...clusterState(cluster), pools: POOLS };
      await using rig = await ClusterRig.create(state);
      expect(await differences(rig, state)).toEqual([]);
    }),
    { numRuns: 8, endOnFailure: true },
  );
}, 180_000);

test('and so they do over the whole policy model', async () => {
  const model = arbitraryModel({ addressless: false }).map(({ state }) => probeable(state));
  await fc.assert(
    fc.asyncProperty(fc.array(model, { minLength: 10, maxLength: 10 }), async (states) => {
      await using rig = await ClusterRig.create(states[0]!);
      for (const other of states) {
        const state = underPoliciesOf(states[0]!, other);
        rig.filter(state);
        expect(await differences(rig, state)).toEqual([]);
      }
    }),
    { numRuns: 10, endOnFailure: true },
  );
}, 300_000);
