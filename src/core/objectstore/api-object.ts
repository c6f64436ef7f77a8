import type { ObjectMeta } from 'kubernetes-types/meta/v1.d.ts';

/** Any JSON value. */
export type Json = null | boolean | number | string | Json[] | JsonObject;

/** A JSON object; absent keys read as undefined. */
export interface JsonObject {
  [key: string]: Json;
}

/**
 * An object of the API as it is stored and sent. Stored ones are never changed in place: who wants to change one clones
 * it first ({@link draftOf}).
 */
export interface ApiObject {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
  [field: string]: unknown;
}

/** A deep copy that the caller may change. */
export function draftOf<T>(object: T): T {
  return clone(object) as T;
}

function clone(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(clone);
  if (typeof value !== 'object' || value === null) return value;
  const copy: Record<string, unknown> = {};
  for (const key of Object.keys(value)) define(copy, key, clone((value as Record<string, unknown>)[key]));
  return copy;
}

/** Assigns even the key `__proto__` as plain data. */
function define(target: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__')
    Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
  else target[key] = value;
}

/** Whether `value` is a JSON object, neither null nor an array. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Deep equality of JSON values; the order of keys does not matter, undefined counts as absent. */
export function equalJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((item, i) => equalJson(item, b[i]));
  if (!isJsonObject(a) || !isJsonObject(b)) return false;
  const keysOfA = Object.keys(a).filter((key) => a[key] !== undefined);
  const keysOfB = Object.keys(b).filter((key) => b[key] !== undefined);
  return (
    keysOfA.length === keysOfB.length && keysOfA.every((key) => Object.hasOwn(b, key) && equalJson(a[key], b[key]))
  );
}
