import { unsupportedSettings } from '../../kube/unsupported-settings.ts';
import type { LintRule } from '../model.ts';
import { groupOf, kindOf, valueAt } from '../objects.ts';

/** Settings of Calico's that a cluster may have from before, and that nothing here follows. */
export const unsupportedSetting: LintRule = {
  id: 'unsupported-setting',
  severity: 'warning',
  summary: 'a setting of Calico that Sluice does not follow',
  *check(cluster) {
    for (const manifest of cluster.manifests) {
      const { object } = manifest;
      if (!groupOf(object).endsWith('projectcalico.org')) continue;
      for (const { field, message } of unsupportedSettings(kindOf(object), valueAt(object, 'spec')))
        yield { manifest, path: `spec.${field}`, message: () => `spec.${field} ${message}` };
    }
  },
};
