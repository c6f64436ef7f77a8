import type { Direction, Policy, Rule } from '../../policy/index.ts';
import { peerCovers, portCovers, ruleCovers } from '../containment.ts';
import type { PolicyEntry } from '../lint-cluster.ts';
import type { LintRule, Report } from '../model.ts';
import { peersOf, portsOf } from '../policy-parts.ts';

/** Needs nothing but the policy. Only of APIs whose rules all allow, so that their order means nothing. */
export const redundantRule: LintRule = {
  id: 'redundant-rule',
  severity: 'warning',
  summary: 'a rule, peer or port that another one of the same policy contains',
  repairs: true,
  *check(cluster) {
    for (const entry of cluster.policies) {
      if (!allowsOnly(entry.policy)) continue;
      for (const direction of ['ingress', 'egress'] as const) {
        const rules = entry.policy[direction];
        const gone = new Set<Rule>();
        for (const rule of rules) {
          const cover = rules.find((each) => each !== rule && !gone.has(each) && ruleCovers(each, rule));
          if (cover === undefined) yield* insideRule(entry, direction, rule);
          else {
            gone.add(rule);
            yield report(entry, rule.source.path, direction, cover.source.path);
          }
        }
      }
    }
  },
};

/** Whether every rule of the policy allows, as in NetworkPolicies. */
export function allowsOnly(policy: Policy): boolean {
  return [...policy.ingress, ...policy.egress].every(({ action }) => action === 'allow');
}

function* insideRule(entry: PolicyEntry, direction: Direction, rule: Rule): Generator<Report> {
  // In Kubernetes' lists each item stands for itself; what Calico's fields come to is not written as items.
  if (entry.policy.source.kind !== 'NetworkPolicy' || rule.source.path === '') return;
  const peers = peersOf(rule).filter(({ source }) => /\.(?:from|to)\[\d+\]$/u.test(source.path));
  const gone = new Set<unknown>();
  for (const peer of peers) {
    const cover = peers.find((each) => each !== peer && !gone.has(each) && peerCovers(each, peer));
    if (cover === undefined) continue;
    gone.add(peer);
    yield report(entry, peer.source.path, direction, cover.source.path);
  }
  const ports = portsOf(rule).filter(({ source }) => /\.ports\[\d+\]$/u.test(source.path));
  for (const port of ports) {
    const cover = ports.find((each) => each !== port && !gone.has(each) && portCovers([each], port));
    if (cover === undefined) continue;
    gone.add(port);
    yield report(entry, port.source.path, direction, cover.source.path);
  }
}

function report({ manifest }: PolicyEntry, path: string, direction: Direction, cover: string): Report {
  return {
    manifest,
    path,
    message: `everything that this allows is allowed by ${cover.replace(`spec.${direction}`, direction)} too`,
    repair: { kind: 'remove-item', path },
  };
}
