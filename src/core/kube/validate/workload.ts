import { matchesLabels, parseSelector } from '../labels.ts';
import type { Labels } from '../labels.ts';
import type { LabelSelector } from '../types.ts';
import { atLeast, child, descend, isPresent, isRecord, oneOf, reject, rejectMissing } from './field.ts';
import type { Field } from './field.ts';
import { validateLabels, validateSelector } from './metadata.ts';
import { validatePodSpec } from './pod.ts';

/** Checks a Deployment, ReplicaSet, DaemonSet or StatefulSet: kubernetes/pkg/apis/apps/validation. */
export function validateWorkload(object: Field): void {
  const spec = child(object, 'spec');
  for (const name of ['replicas', 'minReadySeconds', 'revisionHistoryLimit']) atLeast(child(spec, name), 0);
  const kind = String(child(object, 'kind').value).toLowerCase();
  if (kind === 'deployment') oneOf(descend(spec, 'strategy.type'), ['Recreate', 'RollingUpdate']);
  if (kind === 'daemonset') oneOf(descend(spec, 'updateStrategy.type'), ['OnDelete', 'RollingUpdate']);
  validateWorkloadSelector(spec, kind);
  const template = child(spec, 'template');
  validateLabels(descend(template, 'metadata.labels'));
  validatePodSpec(child(template, 'spec'));
  const restart = descend(template, 'spec.restartPolicy');
  if (restart.value === 'OnFailure' || restart.value === 'Never') oneOf(restart, ['Always']);
}

function validateWorkloadSelector(spec: Field, kind: string): void {
  const selector = child(spec, 'selector');
  if (!isPresent(selector)) return rejectMissing(selector);
  const before = selector.errors.length;
  validateSelector(selector);
  if (selector.errors.length > before) return;
  const parsed = parseSelector(selector.value as LabelSelector);
  if (!('selector' in parsed) || parsed.selector.kind !== 'all-of') return;
  if (parsed.selector.requirements.length === 0) reject(selector, `empty selector is invalid for ${kind}`);
  const labels = descend(spec, 'template.metadata.labels');
  const actual = isRecord(labels.value) ? (labels.value as Labels) : {};
  if (!matchesLabels(parsed.selector, actual))
    reject({ ...labels, value: actual }, '`selector` does not match template `labels`');
}
