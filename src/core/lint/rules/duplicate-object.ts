import type { Manifest } from '../../kube/yaml.ts';
import type { LintRule } from '../model.ts';
import { identityOf, kindOf, nameOf } from '../objects.ts';

/** Needs nothing but the files. An object that is the same in both places is not worth a word. */
export const duplicateObject: LintRule = {
  id: 'duplicate-object',
  severity: 'warning',
  summary: 'two different objects of one kind and name, of which the last applied replaces the other',
  *check(cluster) {
    const seen = new Map<string, Manifest>();
    for (const manifest of cluster.manifests) {
      const { object } = manifest;
      if (nameOf(object) === '') continue;
      const key = identityOf(object);
      const first = seen.get(key);
      if (first === undefined) {
        seen.set(key, manifest);
        continue;
      }
      if (JSON.stringify(first.object) === JSON.stringify(object)) continue;
      const { file, line } = first.locate('metadata.name');
      yield {
        manifest,
        path: 'metadata.name',
        message: (m) => m.duplicateObject(kindOf(object), nameOf(object), `${file}:${line}`),
      };
    }
  },
};
