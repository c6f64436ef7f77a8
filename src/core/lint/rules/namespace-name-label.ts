import { necessaryRequirements } from '../../kube/labels.ts';
import type { LintRule } from '../model.ts';
import { everyRule, podPeersOf } from '../policy-parts.ts';

/** Keys that people take for the label that every namespace has. */
const TAKEN_FOR_NAME = new Set(['name', 'namespace', 'ns', 'kubernetes.io/name', 'metadata.name']);
const NAME = 'kubernetes.io/metadata.name';

/** Silent once the files hold Namespaces, which show whether the label is there. */
export const namespaceNameLabel: LintRule = {
  id: 'namespace-name-label',
  severity: 'note',
  summary: 'a namespaceSelector by a label such as name, which namespaces do not have by themselves',
  *check(cluster) {
    if (cluster.knowsNamespaces) return;
    for (const { entry, rule } of everyRule(cluster)) {
      for (const { namespaces, source } of podPeersOf(rule)) {
        if (namespaces.kind === 'name') continue;
        for (const { key, operator, values } of necessaryRequirements(namespaces.selector)) {
          if (!TAKEN_FOR_NAME.has(key) || operator !== 'In') continue;
          yield {
            manifest: entry.manifest,
            path: `${source.path}.namespaceSelector`,
            message: (m) => m.namespaceNameLabel(key, NAME),
            suggestion: `${NAME}: ${values[0]}`,
          };
        }
      }
    }
  },
};
