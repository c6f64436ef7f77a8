import { duplicate, invalid, notSupported } from '../field-error.ts';
import type { FieldError } from '../field-error.ts';

/** One field of the object being validated, and where its errors go. `value` is whatever was written there. */
export interface Field {
  readonly value: unknown;
  /** As Kubernetes writes it: `spec.ports[0].name`. */
  readonly path: string;
  readonly errors: FieldError[];
}

/** The whole object as a field. */
export function rootField(value: unknown): Field {
  return { value, path: '', errors: [] };
}

/** The field `name` of a map; absent when the parent is no map. */
export function child(parent: Field, name: string): Field {
  const value = isRecord(parent.value) && Object.hasOwn(parent.value, name) ? parent.value[name] : undefined;
  return { value, path: parent.path === '' ? name : `${parent.path}.${name}`, errors: parent.errors };
}

/** The field that `path`, dot-separated, leads to. */
export function descend(parent: Field, path: string): Field {
  return path.split('.').reduce(child, parent);
}

/** The entry `key` of a map with free keys, in bracket notation. */
export function entry(parent: Field, key: string): Field {
  const value = isRecord(parent.value) ? parent.value[key] : undefined;
  return { value, path: `${parent.path}[${key}]`, errors: parent.errors };
}

/** The items of a list; absent is empty, anything else is reported. */
export function items(list: Field): Field[] {
  if (!isPresent(list)) return [];
  if (Array.isArray(list.value))
    return list.value.map((value: unknown, index) => ({ value, path: `${list.path}[${index}]`, errors: list.errors }));
  return typeError(list, 'a list') ?? [];
}

/** The keys of a map; absent is empty, anything else is reported. */
export function keys(map: Field): string[] {
  if (!isPresent(map)) return [];
  return isRecord(map.value) ? Object.keys(map.value) : (typeError(map, 'an object') ?? []);
}

/** Whether the field has a value; null is none. */
export function isPresent(field: Field): boolean {
  return field.value !== undefined && field.value !== null;
}

/** The text of the field; undefined when absent, empty or, which is reported, no text. */
export function text(field: Field): string | undefined {
  if (!isPresent(field) || field.value === '') return undefined;
  return typeof field.value === 'string' ? field.value : typeError(field, 'a string');
}

/** The whole number of the field; undefined when absent or, which is reported, no whole number. */
export function integer(field: Field): number | undefined {
  if (!isPresent(field)) return undefined;
  return Number.isInteger(field.value) ? (field.value as number) : typeError(field, 'an integer');
}

/** Reports `detail` about the field's value. */
export function reject(field: Field, detail: string): undefined {
  field.errors.push(invalid(field.path, field.value, detail));
}

/** Reports every one of `details`, as the checks in names.ts return them. */
export function rejectAll(field: Field, details: readonly string[]): void {
  for (const detail of details) reject(field, detail);
}

/** Reports that the field is missing. */
export function rejectMissing(field: Field, detail = ''): undefined {
  field.errors.push({ type: 'Required', path: field.path, detail });
}

/** Reports that the field must not be set. */
export function rejectForbidden(field: Field, detail: string): undefined {
  field.errors.push({ type: 'Forbidden', path: field.path, detail });
}

/** The text of the field, reported when it is missing. */
export function requireText(field: Field, detail = ''): string | undefined {
  if (!isPresent(field) || field.value === '') return rejectMissing(field, detail);
  return text(field);
}

/** Reports a value that is there and is none of `supported`. */
export function oneOf(field: Field, supported: readonly string[]): void {
  const value = text(field);
  if (value !== undefined && !supported.includes(value)) field.errors.push(notSupported(field.path, value, supported));
}

/** Reports a number that is there and is less than `least`. */
export function atLeast(field: Field, least: number): void {
  const value = integer(field);
  if (value !== undefined && value < least) reject(field, `must be greater than or equal to ${least}`);
}

/** Reports each field whose `key` an earlier one already had; absent keys are no duplicates. */
export function unique(fields: readonly Field[], keyOf: (field: Field) => string | undefined): void {
  const seen = new Set<string>();
  for (const field of fields) {
    const key = keyOf(field);
    if (key === undefined) continue;
    if (seen.has(key)) field.errors.push(duplicate(field.path, field.value));
    seen.add(key);
  }
}

/** Whether `value` is a map. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function typeError(field: Field, wanted: string): undefined {
  field.errors.push({ type: 'TypeInvalid', path: field.path, value: field.value, detail: `must be ${wanted}` });
}
