import { selectorField } from './calico-fields.ts';
import { validateCalicoRule } from './calico-rule.ts';
import {
  child,
  isPresent,
  isRecord,
  items,
  oneOf,
  reject,
  rejectForbidden,
  rejectMissing,
  text,
  unique,
} from './field.ts';
import type { Field } from './field.ts';
import { validateNetworkPolicy } from './network-policy.ts';

/** Checks `spec` of a Calico NetworkPolicy. */
export function validateCalicoNetworkPolicy(object: Field): void {
  validateSpec(child(object, 'spec'), true);
}

/** Checks `spec` of a Calico GlobalNetworkPolicy. */
export function validateGlobalNetworkPolicy(object: Field): void {
  const spec = child(object, 'spec');
  validateSpec(spec, false);
  selectorField(child(spec, 'namespaceSelector'));
  const [forward, preDnat, untracked] = ['applyOnForward', 'preDNAT', 'doNotTrack'].map((name) => child(spec, name));
  for (const field of [forward!, preDnat!, untracked!])
    if (isPresent(field) && typeof field.value !== 'boolean') reject(field, 'must be true or false');
  if (preDnat!.value === true && untracked!.value === true) rejectForbidden(preDnat!, 'may not be beside doNotTrack');
  if ((preDnat!.value === true || untracked!.value === true) && forward!.value !== true)
    reject(forward!, 'must be true with preDNAT or doNotTrack');
  if (preDnat!.value !== true) return;
  if (items(child(spec, 'egress')).length > 0) rejectForbidden(child(spec, 'egress'), 'may not be beside preDNAT');
  for (const type of items(child(spec, 'types')))
    if (type.value === 'Egress') rejectForbidden(type, 'may not be beside preDNAT');
}

/** Checks a staged policy by the rules of the one that it stands for; one that deletes says nothing else. */
export function validateStagedPolicy(object: Field): void {
  const spec = child(object, 'spec');
  const action = child(spec, 'stagedAction');
  oneOf(action, ['Set', 'Delete', 'Learn', 'Ignore']);
  if (action.value === 'Delete') {
    const others = Object.keys(isRecord(spec.value) ? spec.value : {});
    for (const name of others.filter((each) => each !== 'stagedAction' && each !== 'tier'))
      rejectForbidden(child(spec, name), 'may not be beside stagedAction Delete');
    return;
  }
  const kind = isRecord(object.value) ? object.value['kind'] : undefined;
  if (kind === 'StagedKubernetesNetworkPolicy') validateNetworkPolicy(object);
  else if (kind === 'StagedGlobalNetworkPolicy') validateGlobalNetworkPolicy(object);
  else validateCalicoNetworkPolicy(object);
}

function validateSpec(spec: Field, namespaced: boolean): void {
  if (!isPresent(spec)) rejectMissing(spec);
  text(child(spec, 'tier'));
  const order = child(spec, 'order');
  if (isPresent(order) && typeof order.value !== 'number')
    spec.errors.push({ type: 'TypeInvalid', path: order.path, value: order.value, detail: 'must be a number' });
  selectorField(child(spec, 'selector'));
  selectorField(child(spec, 'serviceAccountSelector'));
  const types = items(child(spec, 'types'));
  for (const type of types) oneOf(type, ['Ingress', 'Egress']);
  unique(types, (type) => text(type));
  for (const direction of ['ingress', 'egress'] as const)
    for (const rule of items(child(spec, direction))) validateCalicoRule(rule, { direction, namespaced });
}
