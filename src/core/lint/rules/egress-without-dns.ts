import { matchesLabels, necessaryRequirements } from '../../kube/labels.ts';
import { choosesNamespace } from '../../policy/index.ts';
import type { Peer, PodPeer, Policy, PortMatch, Rule } from '../../policy/index.ts';
import { subjectCovers } from '../containment.ts';
import type { LintCluster, PolicyEntry, Workload } from '../lint-cluster.ts';
import type { LintRule, Report } from '../model.ts';
import { policiesOf } from '../permits.ts';
import { knowsPods, peersOf, portsOf } from '../policy-parts.ts';

const DNS_PORT = 53;
/** Labels of the cluster's DNS pods: every distribution of CoreDNS and kube-dns keeps the first. */
const DNS_PODS = {
  'k8s-app': 'kube-dns',
  'projectcalico.org/namespace': 'kube-system',
  'projectcalico.org/orchestrator': 'k8s',
};

/**
 * Policies that let pods connect to other pods, which are found by Service names, and not to the DNS. Silent about policies
 * that only name address blocks, that only deny, and when another policy lets the same pods ask the DNS.
 */
export const egressWithoutDns: LintRule = {
  id: 'egress-without-dns',
  severity: 'warning',
  summary: 'egress rules that leave out DNS, so that no name of a Service can be looked up',
  check,
};

function* check(cluster: LintCluster): Generator<Report> {
  const told = new Set<Workload>();
  for (const entry of cluster.policies) {
    const { policy, manifest } = entry;
    if (policy.staged || !policy.applies.egress || !policy.egress.some(leadsToNames) || policy.hosts !== undefined)
      continue;
    if (policy.egress.some((rule) => rule.action === 'deny') || policy.tier === 'kube-admin') continue;
    const lacking = podsWithout(cluster, entry, told);
    if (lacking === undefined || lacking === 0) continue;
    yield { manifest, path: 'spec.egress', ...explain(policy) };
  }
}

/** How many pods of the policy cannot ask the DNS; pods that an earlier finding speaks of do not count. */
function podsWithout(cluster: LintCluster, { policy }: PolicyEntry, told: Set<Workload>): number | undefined {
  const { subject } = policy;
  if (!knowsPods(cluster, subject)) {
    const namespace = subject.namespaces.kind === 'name' ? subject.namespaces.name : '';
    const others = cluster.policiesFor(namespace).filter((each) => subjectCovers(each.policy, policy));
    return [policy, ...others.map((each) => each.policy)].some((each) => opensDns(cluster, each)) ? 0 : 1;
  }
  const lacking = cluster
    .select(subject)
    .filter((pod) => !told.has(pod))
    .filter((pod) => !policiesOf(cluster, pod, 'egress').some((each) => opensDns(cluster, each.policy)));
  for (const pod of lacking) told.add(pod);
  return lacking.length;
}

function leadsToNames(rule: Rule): boolean {
  return (
    rule.action === 'allow' &&
    peersOf(rule).some(({ kind }) => kind === 'pods' || kind === 'endpoints' || kind === 'service')
  );
}

function opensDns(cluster: LintCluster, { egress }: Policy): boolean {
  return egress.some(
    (rule) =>
      (rule.action === 'allow' || rule.action === 'pass') &&
      (rule.ports === 'any' || rule.ports.some(isDnsPort)) &&
      (rule.peers === 'any' || rule.peers.some((peer) => mayBeDns(cluster, peer, rule.ports !== 'any'))),
  );
}

function isDnsPort(port: PortMatch): boolean {
  if (port.protocol !== 'UDP') return false;
  if (port.kind === 'named') return port.name.startsWith('dns');
  return port.kind === 'all' || (port.first <= DNS_PORT && DNS_PORT <= port.last);
}

/** A rule for port 53 says what it is for: only selectors that certainly choose no DNS pod are held against it. */
function mayBeDns(cluster: LintCluster, peer: Peer, forDns: boolean): boolean {
  switch (peer.kind) {
    case 'pods':
      return choosesDns(cluster, peer) || (forDns && !isOwnNamespaceDns(peer));
    case 'block':
      return forDns || peer.cidr.prefix === 0;
    case 'endpoints':
      return forDns || matchesLabels(peer.selector, DNS_PODS);
    case 'service':
      return forDns || peer.namespace === 'kube-system';
    case 'nodes':
    case 'domain':
      return forDns;
  }
}

function choosesDns(cluster: LintCluster, peer: PodPeer): boolean {
  if (!choosesNamespace(peer.namespaces, cluster.namespace('kube-system'))) return false;
  return (
    matchesLabels(peer.pods, DNS_PODS) ||
    cluster.select(peer, peer.key).some(({ pod }) => pod.namespace === 'kube-system')
  );
}

/** `podSelector: k8s-app=kube-dns` alone, which means pods of the policy's own namespace. */
function isOwnNamespaceDns({ namespaces, pods }: PodPeer): boolean {
  if (namespaces.kind !== 'name' || namespaces.name === 'kube-system') return false;
  return necessaryRequirements(pods).some(({ values }) => values.some((each) => /^(?:kube-dns|coredns)$/u.test(each)));
}

function explain(policy: Policy): Pick<Report, 'message' | 'suggestion'> {
  const asked = policy.egress.filter((rule) =>
    portsOf(rule).some((port) => port.kind === 'range' && port.first === DNS_PORT),
  );
  const misplaced = asked.some((rule) => peersOf(rule).some((peer) => peer.kind === 'pods' && isOwnNamespaceDns(peer)));
  if (misplaced)
    return {
      message: (m) => m.dnsMisplaced(),
      suggestion: (m) => m.dnsSelector(),
    };
  if (asked.length > 0 && !asked.some((rule) => portsOf(rule).some(isDnsPort)))
    return {
      message: (m) => m.dnsByTcp(),
      suggestion: 'protocol: UDP',
    };
  return {
    message: (m) => m.dnsForgotten(),
    suggestion: (m) => m.dnsRule(),
  };
}
