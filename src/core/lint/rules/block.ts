import { bitsOf, cidrContains, formatCidr, formatIp, networkOf, parseCidr } from '../../../base/ip/index.ts';
import type { BlockPeer } from '../../policy/index.ts';
import type { LintCluster, PolicyEntry } from '../lint-cluster.ts';
import type { LintRule } from '../model.ts';
import { valueAt } from '../objects.ts';
import { everyRule, peersOf } from '../policy-parts.ts';

/** Blocks at least this long may lie in a range of Service addresses alone: kubeadm's default is a /12, and a /108 for IPv6. */
const SERVICE_PREFIX = { 4: 12, 6: 64 } as const;

/** Silent when no Service of the files has an address yet. */
export const blockOfServices: LintRule = {
  id: 'block-of-services',
  severity: 'warning',
  summary: 'an ipBlock of Service addresses, which no packet has any more when policies judge it',
  *check(cluster) {
    for (const { manifest, peer } of blocks(cluster)) {
      const { cidr } = peer;
      if (cidr.prefix < SERVICE_PREFIX[cidr.ip.family]) continue;
      const service = cluster.services.find((each) => each.service.clusterIps.some((ip) => cidrContains(cidr, ip)));
      if (service === undefined || holdsPods(cluster, peer)) continue;
      yield {
        manifest,
        path: cidrPath(peer),
        message: (m) => m.blockOfServices(formatCidr(cidr), service.service.key),
        suggestion: (m) => m.selectorForService(),
      };
    }
  },
};

/** Silent when no pod of the files has an address. */
export const blockOfOnePod: LintRule = {
  id: 'block-of-one-pod',
  severity: 'warning',
  summary: 'an ipBlock of the address of one pod, which changes when the pod is replaced',
  *check(cluster) {
    for (const { manifest, peer } of blocks(cluster)) {
      const { cidr } = peer;
      if (cidr.prefix !== bitsOf(cidr.ip.family)) continue;
      const owner = cluster.workloads.find(
        ({ pod }) => !pod.hostNetwork && pod.addresses.some((ip) => cidrContains(cidr, ip)),
      );
      if (owner === undefined) continue;
      yield {
        manifest,
        path: cidrPath(peer),
        message: (m) => m.blockOfOnePod(formatIp(cidr.ip), owner.title),
        suggestion: (m) => m.aPodSelector(),
      };
    }
  },
};

/** Needs nothing but the policy. */
export const emptyBlock: LintRule = {
  id: 'empty-block',
  severity: 'warning',
  summary: 'an ipBlock whose exceptions leave nothing of it',
  *check(cluster) {
    for (const { manifest, peer } of blocks(cluster))
      if (peer.ranges.length === 0)
        yield {
          manifest,
          path: `${peer.source.path}.except`,
          message: (m) => m.emptyBlock(formatCidr(peer.cidr)),
        };
  },
};

/** Needs nothing but the policy. */
export const hostBits: LintRule = {
  id: 'cidr-host-bits',
  severity: 'warning',
  summary: 'a block whose address has bits beyond its prefix',
  repairs: true,
  *check(cluster) {
    for (const { manifest, peer } of blocks(cluster)) {
      const base = peer.source.path;
      const written = valueAt(manifest.object, ...segments(base));
      if (written === undefined || !base.endsWith('.ipBlock')) continue;
      const texts: readonly (readonly [string, unknown])[] = [
        [`${base}.cidr`, valueAt(written, 'cidr')],
        ...((valueAt(written, 'except') as readonly unknown[] | undefined) ?? []).map(
          (text, index) => [`${base}.except[${index}]`, text] as const,
        ),
      ];
      for (const [path, text] of texts) {
        const cidr = typeof text === 'string' ? parseCidr(text) : undefined;
        if (cidr === undefined || networkOf(cidr).ip.value === cidr.ip.value) continue;
        const meant = formatCidr(networkOf(cidr));
        yield {
          manifest,
          path,
          message: (m) => m.hostBits(String(text), meant, cidr.prefix),
          suggestion: meant,
          repair: { kind: 'replace-value', path, to: meant },
        };
      }
    }
  },
};

/** Silent unless the files show that the cluster has addresses of both families, and when the rule names one. */
export const oneFamily: LintRule = {
  id: 'block-of-one-family',
  severity: 'warning',
  summary: 'every address of one family allowed, and none of the other, in a cluster that has both',
  *check(cluster) {
    if (!isDualStack(cluster)) return;
    for (const { entry, rule } of everyRule(cluster)) {
      // Who names a family means it; a rule that its blocks hold to one anyway has no condition for it.
      if (valueAt(entry.manifest.object, ...segments(rule.source.path), 'ipVersion') !== undefined) continue;
      const peers = peersOf(rule).filter((peer) => peer.kind === 'block');
      const whole = peers.find(({ cidr }) => cidr.prefix === 0);
      if (whole === undefined || peers.some(({ family }) => family !== whole.family)) continue;
      yield {
        manifest: entry.manifest,
        path: cidrPath(whole),
        message: (m) => m.oneFamily(formatCidr(whole.cidr), whole.family, whole.family === 4 ? 6 : 4),
        suggestion: (m) => m.secondBlock(whole.family === 4 ? '::/0' : '0.0.0.0/0'),
      };
    }
  },
};

function* blocks(
  cluster: LintCluster,
): Generator<{ readonly manifest: PolicyEntry['manifest']; readonly peer: BlockPeer }> {
  for (const { entry, rule } of everyRule(cluster))
    for (const peer of peersOf(rule)) if (peer.kind === 'block') yield { manifest: entry.manifest, peer };
}

/** Where the block is written: NetworkPolicies have it in a field of its own. */
function cidrPath({ source: { path } }: BlockPeer): string {
  return path.endsWith('.ipBlock') ? `${path}.cidr` : path;
}

function holdsPods(cluster: LintCluster, { cidr }: BlockPeer): boolean {
  return cluster.workloads.some(({ pod }) => pod.addresses.some((ip) => cidrContains(cidr, ip)));
}

function isDualStack(cluster: LintCluster): boolean {
  const families = new Set([
    ...cluster.workloads.flatMap(({ pod }) => pod.addresses.map(({ family }) => family)),
    ...cluster.services.flatMap(({ service }) => service.clusterIps.map(({ family }) => family)),
  ]);
  return families.size === 2;
}

function segments(path: string): string[] {
  return path.split(/[.[\]]+/u).filter((each) => each !== '');
}
