import { suggest } from '../../kube/suggest.ts';
import { ALWAYS_THERE } from '../lint-cluster.ts';
import type { LintRule } from '../model.ts';
import { textAt } from '../objects.ts';

/** Silent unless the files hold a Namespace whose name is spelled alike: others may have been made elsewhere. */
export const unknownNamespace: LintRule = {
  id: 'unknown-namespace',
  severity: 'warning',
  summary: 'a namespace that is spelled almost as one that the files declare',
  *check(cluster) {
    if (!cluster.knowsNamespaces) return;
    for (const manifest of cluster.manifests) {
      const name = textAt(manifest.object, 'metadata', 'namespace');
      if (name === undefined || cluster.declared.has(name) || ALWAYS_THERE.has(name)) continue;
      if (cluster.podsOf(name).length > 0 && textAt(manifest.object, 'kind') !== 'Pod') continue;
      const suggestion = suggest(name, cluster.declared.keys());
      if (suggestion === undefined || differsByNumber(name, suggestion)) continue;
      yield { manifest, path: 'metadata.namespace', message: (m) => m.unknownNamespace(name), suggestion };
    }
  },
};

/** `team-1` is not a slip for `team-2`. */
function differsByNumber(a: string, b: string): boolean {
  return a.replaceAll(/\d+/gu, '') === b.replaceAll(/\d+/gu, '') && a !== b;
}
