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
        for (const rule of entry.policy[direction]) {
          const cover = coverOf(entry.policy[direction], rule, rulesApart);
          if (cover === undefined) yield* insideRule(entry, direction, rule);
          else yield report(entry, rule.source.path, direction, cover.source.path);
        }
      }
    }
  },
};

/** One rule as it is written may come to several of the model, which do not make each other redundant. */
function rulesApart(outer: Rule, inner: Rule): boolean {
  return outer.source.path !== inner.source.path && ruleCovers(outer, inner);
}

/** What contains `part`; of those that are equal the first stays. */
function coverOf<T>(all: readonly T[], part: T, covers: (outer: T, inner: T) => boolean): T | undefined {
  const position = all.indexOf(part);
  return all.find((each, at) => at !== position && covers(each, part) && (at < position || !covers(part, each)));
}

/** Whether every rule of the policy allows, as in NetworkPolicies. */
export function allowsOnly(policy: Policy): boolean {
  return [...policy.ingress, ...policy.egress].every(({ action }) => action === 'allow');
}

function* insideRule(entry: PolicyEntry, direction: Direction, rule: Rule): Generator<Report> {
  // In Kubernetes' lists each item stands for itself; what Calico's fields come to is not written as items.
  if (entry.policy.source.kind !== 'NetworkPolicy' || rule.source.path === '') return;
  const peers = peersOf(rule).filter(({ source }) => /\.(?:from|to)\[\d+\](?:\.ipBlock)?$/u.test(source.path));
  const ports = portsOf(rule).filter(({ source }) => /\.ports\[\d+\]$/u.test(source.path));
  for (const peer of peers) {
    const cover = coverOf(peers, peer, peerCovers);
    if (cover !== undefined) yield report(entry, itemPath(peer.source.path), direction, itemPath(cover.source.path));
  }
  for (const port of ports) {
    const cover = coverOf(ports, port, (outer, inner) => portCovers([outer], inner));
    if (cover !== undefined) yield report(entry, port.source.path, direction, cover.source.path);
  }
}

/** A block's place is its field; what can go is the item. */
function itemPath(path: string): string {
  return path.replace(/\.ipBlock$/u, '');
}

function report({ manifest }: PolicyEntry, path: string, direction: Direction, cover: string): Report {
  return {
    manifest,
    path,
    message: (m) => m.redundantRule(cover.replace(`spec.${direction}`, direction)),
    repair: { kind: 'remove-item', path },
  };
}
