import { cidrCovers, parseCidr } from '../../../base/ip/index.ts';
import type { Cidr } from '../../../base/ip/index.ts';
import type { LintRule } from '../model.ts';
import { groupOf, identityOf, kindOf, nameOf, textAt } from '../objects.ts';

/** Needs nothing but the files: which of the pools is older, and so goes on, only the cluster knows. */
export const overlappingPools: LintRule = {
  id: 'overlapping-pools',
  severity: 'error',
  summary: 'two IPPools that share addresses, of which only the older one gives any',
  *check(cluster) {
    const seen = new Map<string, { readonly cidr: Cidr; readonly title: string }>();
    for (const manifest of cluster.manifests) {
      const { object } = manifest;
      if (kindOf(object) !== 'IPPool' || !groupOf(object).endsWith('projectcalico.org')) continue;
      const text = textAt(object, 'spec', 'cidr');
      const cidr = text === undefined ? undefined : parseCidr(text);
      if (cidr === undefined) continue;
      const identity = identityOf(object);
      const rival = [...seen].find(([key, each]) => key !== identity && overlap(each.cidr, cidr))?.[1];
      seen.set(identity, { cidr, title: `IPPool ${nameOf(object)} (${text})` });
      if (rival === undefined) continue;
      yield { manifest, path: 'spec.cidr', message: (m) => m.overlappingPools(text!, rival.title) };
    }
  },
};

function overlap(a: Cidr, b: Cidr): boolean {
  return cidrCovers(a, b) || cidrCovers(b, a);
}
