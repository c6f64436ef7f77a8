import { isObject, mapFields, outcome } from './conversion.ts';
import type { Conversion, FieldRemark, JsonObject } from './conversion.ts';

/** Kinds whose pods were replaced only by hand when nothing was said; later versions roll. */
const ON_DELETE = ['extensions/v1beta1/DaemonSet', 'apps/v1beta1/StatefulSet'];
/** Fields that `apps/v1` no longer has. */
const GONE = ['rollbackTo', 'templateGeneration'];

/**
 * A Deployment, DaemonSet, StatefulSet or ReplicaSet of `extensions/v1beta1`, `apps/v1beta1` or `apps/v1beta2` as one of
 * `apps/v1`: the selector, once taken from the pod template, is written down, and so is an update strategy that was the
 * default and no longer is.
 */
export function convertWorkload(object: JsonObject): Conversion {
  const { apiVersion, kind } = object;
  const spec = object['spec'];
  if (!isObject(spec)) return outcome(object, [{ path: 'spec', message: 'must be an object' }]);
  const problems: FieldRemark[] = [];
  const remarks: FieldRemark[] = [];
  const selector = spec['selector'] ?? selectorOf(spec['template'], problems);
  const strategy = ON_DELETE.includes(`${String(apiVersion)}/${String(kind)}`) && spec['updateStrategy'] === undefined;
  const kept = mapFields(spec, (name, value) => {
    if (!GONE.includes(name)) return name === 'selector' ? undefined : [name, value];
    remarks.push({ path: `spec.${name}`, message: 'left out: apps/v1 has no such field' });
    return undefined;
  });
  if (kind === 'Deployment' && apiVersion !== 'apps/v1beta2')
    remarks.push({
      path: 'spec',
      message:
        'what it does not say is now as apps/v1 has it: 10 old revisions kept, 25% surge and unavailable, 600 s to progress',
    });
  const converted = mapFields(object, (name, value) => {
    if (name === 'apiVersion') return [name, 'apps/v1'];
    if (name !== 'spec') return [name, value];
    return [name, { ...(strategy ? { updateStrategy: { type: 'OnDelete' } } : {}), selector, ...kept }];
  });
  return outcome(converted, problems, remarks);
}

function selectorOf(template: unknown, problems: FieldRemark[]): unknown {
  const metadata = isObject(template) ? template['metadata'] : undefined;
  const labels = isObject(metadata) ? metadata['labels'] : undefined;
  if (isObject(labels) && Object.keys(labels).length > 0) return { matchLabels: labels };
  problems.push({ path: 'spec.selector', message: 'is not set, and the pod template has no labels to take it from' });
  return undefined;
}
