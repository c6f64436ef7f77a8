import { formatSelector, necessaryRequirements } from '../../kube/labels.ts';
import type { Selector } from '../../kube/labels.ts';
import { suggest } from '../../kube/suggest.ts';
import { ALWAYS_THERE } from '../lint-cluster.ts';
import type { LintCluster } from '../lint-cluster.ts';
import type { LintRule } from '../model.ts';
import { nearSelector } from '../near-label.ts';
import { everyRule, podPeersOf } from '../policy-parts.ts';

const NAME = 'kubernetes.io/metadata.name';

/**
 * Silent when the files hold no Namespace at all, and about namespaces that every cluster has. A note when they are not those
 * of a whole cluster and nothing is spelled alike.
 */
export const namespaceSelectorMatchesNothing: LintRule = {
  id: 'namespace-selector-matches-nothing',
  severity: 'warning',
  summary: 'a namespaceSelector that chooses no namespace',
  *check(cluster) {
    if (!cluster.knowsNamespaces) return;
    for (const { entry, rule } of everyRule(cluster)) {
      for (const { namespaces, source } of podPeersOf(rule)) {
        if (namespaces.kind === 'name' || cluster.namespacesIn(namespaces).length > 0) continue;
        const { selector } = namespaces;
        if (necessaryRequirements(namespaces.selector).some(({ key, values }) => key === NAME && isThere(values)))
          continue;
        const suggestion = meant(cluster, namespaces.selector);
        yield {
          manifest: entry.manifest,
          path: `${source.path}.namespaceSelector`,
          message: (m) => m.noNamespace(formatSelector(selector)),
          // Somebody else's namespace is seldom declared where it is referred to.
          ...(suggestion !== undefined || cluster.isWhole ? {} : { severity: 'note' as const }),
          ...(suggestion === undefined ? {} : { suggestion }),
        };
      }
    }
  },
};

function isThere(names: readonly string[]): boolean {
  return names.some((name) => ALWAYS_THERE.has(name));
}

/** A label spelled alike, or the name label when the value is a namespace's name. */
function meant(cluster: LintCluster, selector: Selector): string | undefined {
  const [only, ...others] = necessaryRequirements(selector);
  const [value] = only?.values ?? [];
  const names = [...cluster.namespaces].map(({ name }) => name);
  if (only?.operator === 'In' && others.length === 0 && value !== undefined) {
    const name = names.includes(value) ? value : only.key === NAME ? suggest(value, names) : undefined;
    if (name !== undefined) return `${NAME}=${name}`;
  }
  return nearSelector(
    selector,
    [...cluster.namespaces].map(({ labels }) => labels),
  );
}
