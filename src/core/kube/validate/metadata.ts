import { forbidden, tooLong } from '../field-error.ts';
import {
  child,
  entry,
  integer,
  isPresent,
  isRecord,
  items,
  keys,
  reject,
  rejectAll,
  rejectMissing,
  requireText,
  text,
} from './field.ts';
import type { Field } from './field.ts';
import { dns1123Label, labelValue, qualifiedName } from './names.ts';

/** `metadata.annotations` may have this many bytes in total: apimachinery's TotalAnnotationSizeLimitB. */
const ANNOTATIONS_LIMIT = 256 * 1024;

/** Checks `metadata`: the name by `nameRule`, the namespace, labels, annotations, finalizers and owner references. */
export function validateMetadata(metadata: Field, nameRule: (name: string) => string[]): void {
  const name = child(metadata, 'name');
  const generateName = child(metadata, 'generateName');
  const nameText = text(name);
  const prefix = text(generateName);
  // A generated name ends in a random suffix, so a trailing dash of the prefix is not its end.
  if (prefix !== undefined) rejectAll(generateName, nameRule(prefix.replace(/-$/, 'a')));
  if (nameText !== undefined) rejectAll(name, nameRule(nameText));
  else if (prefix === undefined) rejectMissing(name, 'name or generateName is required');
  const namespace = child(metadata, 'namespace');
  const namespaceText = text(namespace);
  if (namespaceText !== undefined) rejectAll(namespace, dns1123Label(namespaceText));
  validateLabels(child(metadata, 'labels'));
  validateAnnotations(child(metadata, 'annotations'));
  for (const finalizer of items(child(metadata, 'finalizers')))
    rejectAll(finalizer, qualifiedName(text(finalizer) ?? ''));
  validateOwners(child(metadata, 'ownerReferences'));
}

/** Checks a map of labels; errors stand at the map, as the API server reports them. */
export function validateLabels(labels: Field): void {
  for (const key of keys(labels)) {
    rejectAll({ ...labels, value: key }, qualifiedName(key));
    const value = entry(labels, key);
    const label = text(value);
    if (label !== undefined) rejectAll({ ...labels, value: label }, labelValue(label));
  }
}

function validateAnnotations(annotations: Field): void {
  let size = 0;
  for (const key of keys(annotations)) {
    rejectAll({ ...annotations, value: key }, qualifiedName(key.toLowerCase()));
    size += key.length + (text(entry(annotations, key)) ?? '').length;
  }
  if (size > ANNOTATIONS_LIMIT) annotations.errors.push(tooLong(annotations.path, ANNOTATIONS_LIMIT));
}

function validateOwners(owners: Field): void {
  const list = items(owners);
  for (const owner of list)
    for (const name of ['apiVersion', 'kind', 'name', 'uid'])
      requireText(child(owner, name), `${name} must not be empty`);
  const controllers = list.filter((owner) => isRecord(owner.value) && owner.value['controller'] === true);
  const name = (owner: Field): string => `${text(child(owner, 'kind'))}/${text(child(owner, 'name'))}`;
  if (controllers.length > 1)
    reject(
      owners,
      `Only one reference can have Controller set to true. Found "true" in references for ${controllers.map(name).join(' and ')}`,
    );
}

/** Checks a `metav1.LabelSelector`; absent is fine. */
export function validateSelector(selector: Field): void {
  if (!isPresent(selector)) return;
  keys(selector);
  validateLabels(child(selector, 'matchLabels'));
  for (const expression of items(child(selector, 'matchExpressions'))) validateExpression(expression);
}

function validateExpression(expression: Field): void {
  const operator = child(expression, 'operator');
  const values = child(expression, 'values');
  const list = items(values);
  switch (operator.value) {
    case 'In':
    case 'NotIn':
      if (list.length === 0) rejectMissing(values, "must be specified when `operator` is 'In' or 'NotIn'");
      break;
    case 'Exists':
    case 'DoesNotExist':
      if (list.length > 0)
        values.errors.push(
          forbidden(values.path, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"),
        );
      break;
    default:
      reject({ ...operator, value: operator.value ?? '' }, 'not a valid selector operator');
  }
  const key = child(expression, 'key');
  rejectAll({ ...key, value: key.value ?? '' }, qualifiedName(text(key) ?? ''));
  for (const value of list) rejectAll(value, labelValue(text(value) ?? ''));
}

/** Checks a port number that may be absent. */
export function validatePortNumber(port: Field, check: (value: number) => string[]): void {
  const value = integer(port);
  if (value !== undefined) rejectAll(port, check(value));
}
