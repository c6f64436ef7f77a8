import type { Direction } from '../../policy/index.ts';
import type { LintCluster, Workload } from '../lint-cluster.ts';
import type { LintRule } from '../model.ts';
import { mayPass, policiesOf } from '../permits.ts';
import { everyRule, listed, peersOf, portsOf, titleOf } from '../policy-parts.ts';
import type { RuleEntry } from '../policy-parts.ts';
import { knowsPods } from '../policy-parts.ts';

/**
 * A connection needs both sides. Silent when the files do not tell who the peers are, and when any pod of the rule gets
 * through on any of its ports.
 */
export const halfOpenRule: LintRule = {
  id: 'half-open-rule',
  severity: 'warning',
  summary: 'a rule that allows connections which the policies of the other side deny',
  *check(cluster) {
    for (const each of everyRule(cluster)) {
      if (each.rule.action !== 'allow' || each.entry.policy.staged) continue;
      const peers = knownPeers(cluster, each);
      if (peers.length === 0) continue;
      const subjects = cluster.select(each.entry.policy.subject);
      if (
        subjects.length === 0 ||
        subjects.some((subject) => peers.some((peer) => connects(cluster, each, subject, peer)))
      )
        continue;
      const other: Direction = each.direction === 'ingress' ? 'egress' : 'ingress';
      const policies = peers.flatMap((peer) => policiesOf(cluster, peer, other).map(titleOf));
      yield {
        manifest: each.entry.manifest,
        path: each.rule.source.path,
        message: (m) => m.halfOpen(each.direction, other, listed(m, policies)),
      };
    }
  },
};

/** The pods on the other side, when they are all that the rule has there. */
function knownPeers(cluster: LintCluster, { rule }: RuleEntry): readonly Workload[] {
  const found: Workload[] = [];
  for (const peer of peersOf(rule)) {
    if (peer.kind !== 'pods' || !knowsPods(cluster, peer)) return [];
    found.push(...cluster.select(peer, peer.key));
  }
  return found;
}

function connects(cluster: LintCluster, { direction, rule }: RuleEntry, subject: Workload, peer: Workload): boolean {
  if (subject === peer) return true;
  const [side, destination] = direction === 'ingress' ? (['egress', subject] as const) : (['ingress', peer] as const);
  const ports = portsOf(rule);
  const flows =
    ports.length === 0
      ? [undefined]
      : ports.flatMap((port) => {
          if (port.kind === 'all') return [{ port: undefined, protocol: port.protocol }];
          if (port.kind === 'range')
            return [{ port: port.first === port.last ? port.first : undefined, protocol: port.protocol }];
          return destination.pod.ports
            .filter(({ name, protocol }) => name === port.name && protocol === port.protocol)
            .map((each) => ({ port: each.port, protocol: each.protocol }));
        });
  // A name that the destination does not have is the business of another rule.
  if (flows.length === 0) return true;
  return flows.some((flow) =>
    (flow === undefined ? ['TCP', 'UDP', 'SCTP'] : [flow.protocol]).some((protocol) =>
      mayPass(cluster, peer, side, { other: subject, port: flow?.port, protocol }),
    ),
  );
}
