import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Family } from '../../src/base/ip/index.ts';
import { clusterState, PolicyEngine } from '../../src/core/policy/index.ts';
import type { ClusterState, Condition, Party, Policy, Rule } from '../../src/core/policy/index.ts';
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

/** Every pair of which one is of the cluster, in both families, with each of the tries. */
function attemptsBetween(places: readonly RigPlace[]): ProbeAttempt[] {
  const attempts: ProbeAttempt[] = [];
  for (const from of places)
    for (const to of places) {
      if (from === to || (from.kind === 'outside' && to.kind === 'outside')) continue;
      for (const address of to.addresses)
        for (const [protocol, port] of TRIES)
          attempts.push({ from: { ...from, id: from.name }, to: { ...to, id: to.name }, protocol, address, port });
    }
  return attempts;
}

function partyOf(engine: PolicyEngine, place: RigPlace, family: Family): Party {
  const pod = engine.state.pods.get(place.name);
  return pod === undefined
    ? engine.address(place.addresses.find((ip) => ip.family === family)!)
    : engine.pod(pod, family);
}

/** Connects everybody with everybody, really, and returns where packets and the policy engine differ. */
async function differences(state: ClusterState): Promise<string[]> {
  await using rig = await ClusterRig.create(state);
  const engine = new PolicyEngine(state);
  const places = new Map(rig.places.map((place) => [place.name, place]));
  const wrong: string[] = [];
  for (const { attempt, verdict, evidence, message } of await probe(attemptsBetween(rig.places))) {
    const { from, to, protocol, address, port } = attempt;
    const { allowed } = engine.evaluate({
      source: partyOf(engine, places.get(from.id)!, address.family),
      destination: partyOf(engine, places.get(to.id)!, address.family),
      protocol: protocol.toUpperCase() as 'TCP' | 'UDP' | 'ICMP',
      ...(port === 0 ? {} : { port }),
    });
    if ((verdict === 'allowed') !== allowed || verdict === 'error')
      wrong.push(
        `${from.id} > ${to.id} IPv${address.family} ${protocol}/${port}: ${evidence} ${message ?? ''}, expected ${allowed}`,
      );
  }
  return wrong;
}

/**
 * Without conditions on source ports, which the probes leave to the kernel, and without policies before connection
 * tracking, which would have to allow the answers, too.
 */
function probeable(state: ClusterState): ClusterState {
  const isKnown = (each: Condition): boolean => each.kind !== 'port' || each.side === 'destination';
  const strip = (rules: readonly Rule[]): Rule[] =>
    rules.map((rule) => ({ ...rule, conditions: (rule.conditions ?? []).filter(isKnown) }));
  const tracked = (policy: Policy): Policy =>
    policy.hosts === undefined ? policy : { ...policy, hosts: { ...policy.hosts, doNotTrack: false } };
  const tiers = state.tiers.map((tier) => ({
    ...tier,
    policies: tier.policies.map((each) => ({
      ...tracked(each),
      ingress: strip(each.ingress),
      egress: strip(each.egress),
    })),
  }));
  return { ...state, tiers };
}

test('real packets between all pods, nodes and the outside arrive exactly where the policy engine says', async () => {
  await fc.assert(
    fc.asyncProperty(arbitraryCluster, async (cluster) => {
      expect(await differences(clusterState(cluster))).toEqual([]);
    }),
    { numRuns: 8, endOnFailure: true },
  );
}, 180_000);

test('and so they do over the whole policy model', async () => {
  await fc.assert(
    fc.asyncProperty(arbitraryModel({ addressless: false }), async ({ state }) => {
      expect(await differences(probeable(state))).toEqual([]);
    }),
    { numRuns: 12, endOnFailure: true },
  );
}, 180_000);
