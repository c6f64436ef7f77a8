import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PolicyEngine, tiersOf } from '../../src/core/policy/index.ts';
import type { ClusterState, Direction, FlowProtocol, Party, PodEndpoint, Policy } from '../../src/core/policy/index.ts';
import { describePolicy } from '../../src/core/policy/describe/describe-policy.ts';
import type { LimitId, PolicyDescription } from '../../src/core/policy/describe/description.ts';
import { formatDescription } from '../../src/core/policy/describe/format-description.ts';
import { STRANGERS, arbitraryModel } from './arbitrary-model.ts';

const LANGUAGES = ['en', 'zh-CN', 'zh-TW'] as const;
const PROTOCOLS: readonly FlowProtocol[] = ['TCP', 'UDP', 'SCTP', 'ICMP'];

describe('descriptions, over generated clusters of the whole model', () => {
  it('can be made of every policy, in every language, with or without a cluster', () => {
    fc.assert(
      fc.property(arbitraryModel(), ({ state, policies }) => {
        for (const policy of policies)
          for (const language of LANGUAGES) {
            const without = describePolicy(policy, { language });
            const within = describePolicy(policy, { language, state });
            expect(JSON.parse(JSON.stringify(within))).toEqual(within);
            const text = `${formatDescription(without, language)}\n${formatDescription(within, language)}`;
            expect(text).not.toMatch(/undefined|null|NaN|\[object|Infinity|\(\)| {3,}-? ?$/);
            // Between Chinese and Latin text stands one space.
            expect(text).not.toMatch(/\p{Script=Han}[A-Za-z0-9]|[A-Za-z0-9]\p{Script=Han}/u);
          }
      }),
      { numRuns: 150 },
    );
  });

  it('name the pods that the engine asks the policy about', () => {
    fc.assert(
      fc.property(arbitraryModel(), ({ state }) => {
        const engine = new PolicyEngine(state);
        for (const policy of state.tiers.flatMap((tier) => tier.policies)) {
          const { subject } = describePolicy(policy, { state });
          for (const direction of ['ingress', 'egress'] as const) {
            if (!policy.applies[direction] || state.pods.size === 0) continue;
            const asked = selectable(state).filter((pod) =>
              engine.plan(pod, direction).some(({ policies }) => policies.some((each) => each.policy === policy)),
            );
            expect(subject.now).toEqual(asked.map(({ key }) => key).sort());
          }
        }
      }),
      { numRuns: 200 },
    );
  });

  it('claim of a policy only what is so when it is alone', () => {
    const claims = new Map<LimitId, number>();
    fc.assert(
      fc.property(arbitraryModel({ hostEndpoints: false }), ({ state, policies, tierSpecs }) => {
        for (const policy of policies.filter(({ staged }) => !staged)) {
          const alone = { ...state, tiers: tiersOf([policy], tierSpecs) };
          const [tier] = alone.tiers;
          if (tier === undefined) continue;
          const description = describePolicy(policy, { state: alone });
          for (const { id } of description.limits) claims.set(id, (claims.get(id) ?? 0) + 1);
          checkClaims(alone, policy, description, tier.noMatch);
        }
      }),
      { numRuns: 300 },
    );
    for (const id of ['direction', 'protocols', 'outside', 'dns', 'selects-nothing'] as const)
      expect(claims.get(id) ?? 0, id).toBeGreaterThan(0);
  });
});

function checkClaims(
  state: ClusterState,
  policy: Policy,
  { limits, directions }: PolicyDescription,
  noMatch: string,
): void {
  const engine = new PolicyEngine(state);
  const claims = (id: LimitId, text: string): boolean =>
    limits.some((each) => each.id === id && each.text.includes(text));
  for (const { direction, applies } of directions) {
    const title = direction === 'ingress' ? 'Ingress' : 'Egress';
    const protocols = limits.find(({ id, text }) => id === 'protocols' && text.startsWith(title))?.text;
    // `Ingress: only TCP is allowed; UDP and ICMP (ping) are denied.`
    const others = PROTOCOLS.filter((each) => protocols?.split(';')[1]!.includes(each));
    for (const { pod, other, protocol, allowed } of flowsOf(engine, direction)) {
      const where = `${policy.key} ${direction} ${pod.key} ${other.kind} ${protocol}`;
      const selected = engine.plan(pod, direction).length > 0;
      if (!applies) expect(allowed('any'), where).toBe(true);
      if (!selected) continue;
      if (others.includes(protocol)) expect(allowed('any'), where).toBe(noMatch === 'pass');
      if (noMatch !== 'deny') continue;
      if (other.kind === 'outside' && claims('outside', direction === 'ingress' ? ' in ' : ' out '))
        expect(allowed('any'), where).toBe(false);
      if (direction === 'egress' && protocol === 'UDP' && claims('dns', '')) expect(allowed(53), where).toBe(false);
    }
  }
}

interface Judged {
  readonly pod: PodEndpoint;
  readonly other: Party;
  readonly protocol: FlowProtocol;
  /** Whether the pod's own side allows the flow; `any` is port 80, or no port for ICMP. */
  readonly allowed: (port: number | 'any') => boolean;
}

/** Every flow into (or out of) every pod, but with itself and its own node. */
function* flowsOf(engine: PolicyEngine, direction: Direction): Generator<Judged> {
  const pods = selectable(engine.state);
  for (const family of [4, 6] as const)
    for (const pod of pods) {
      const own = engine.pod(pod, family);
      const others = [
        ...pods.filter((each) => each !== pod).map((each) => engine.pod(each, family)),
        ...[...engine.state.nodes.values()]
          .filter(({ name }) => name !== pod.node)
          .map((node) => engine.node(node, family)),
        ...STRANGERS.filter((ip) => ip.family === family).map((ip) => engine.address(ip)),
      ];
      for (const other of others)
        for (const protocol of PROTOCOLS) {
          const [source, destination] = direction === 'ingress' ? [other, own] : [own, other];
          const allowed = (port: number | 'any'): boolean => {
            const ports = protocol === 'ICMP' ? {} : { port: port === 'any' ? 80 : port };
            return engine.evaluate({ source, destination, protocol, family, ...ports })[direction].allowed;
          };
          yield { pod, other, protocol, allowed };
        }
    }
}

function selectable(state: ClusterState): readonly PodEndpoint[] {
  return [...state.pods.values()].filter((pod) => !pod.hostNetwork && !pod.completed);
}
