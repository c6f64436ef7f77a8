import { parseRfc3339 } from '../../../base/rfc3339.ts';
import type { ApiObject } from '../api-object.ts';
import { isJsonObject } from '../api-object.ts';
import type { Cell } from './table.ts';

/** One column of a table and how its cells come about. */
export interface Column {
  readonly name: string;
  readonly type?: string;
  readonly format?: string;
  readonly description?: string;
  /** 0 is always shown, more only with `-o wide`. */
  readonly priority?: number;
  readonly cell: (object: ApiObject, now: number) => Cell;
}

/** The first column of nearly every table. */
export const NAME: Column = { name: 'Name', cell: (object) => object.metadata.name ?? '' };

/** The last one. */
export const AGE: Column = { name: 'Age', cell: (object, now) => ageOf(object.metadata.creationTimestamp, now) };

/** A column that shows what `cell` makes of the object; `wide` hides it without `-o wide`. */
export function column(name: string, cell: Column['cell'], traits: { wide?: boolean; type?: string } = {}): Column {
  return {
    name,
    cell,
    ...(traits.wide === true ? { priority: 1 } : {}),
    ...(traits.type === undefined ? {} : { type: traits.type }),
  };
}

/** The value at a dotted path, undefined where the path ends early. */
export function at(object: unknown, path: string): unknown {
  let value: unknown = object;
  for (const step of path.split('.')) value = isJsonObject(value) ? value[step] : undefined;
  return value;
}

/** A scalar as text; for anything else, and for an empty text, `otherwise`. */
export function text(value: unknown, otherwise = '<none>'): string {
  return typeof value === 'string' && value !== ''
    ? value
    : typeof value === 'number' || typeof value === 'boolean'
      ? String(value)
      : otherwise;
}

/** A number as it is; of a list or an object how many it has; of anything else 0. */
export function count(value: unknown): number {
  return typeof value === 'number'
    ? value
    : Array.isArray(value)
      ? value.length
      : isJsonObject(value)
        ? Object.keys(value).length
        : 0;
}

/** The objects in a list; none of anything else. */
export function items(value: unknown): readonly Record<string, unknown>[] {
  return Array.isArray(value) ? (value as unknown[]).filter(isJsonObject) : [];
}

/** `a=b,c=d`, or `<none>`. */
export function labelText(value: unknown): string {
  const entries = isJsonObject(value) ? Object.entries(value) : [];
  return entries.length === 0 ? '<none>' : entries.map(([key, each]) => `${key}=${text(each, '')}`).join(',');
}

/** Time since an RFC 3339 timestamp in kubectl's short form: 45s, 5m10s, 3h, 2d. */
export function ageOf(timestamp: string | undefined, now: number): string {
  const then = timestamp === undefined ? undefined : parseRfc3339(timestamp);
  return then === undefined ? '<unknown>' : humanDuration(Math.floor((now - then) / 1000));
}

/** `k8s.io/apimachinery/pkg/util/duration.HumanDuration`: coarser the longer it is. */
export function humanDuration(seconds: number): string {
  if (seconds < -1) return '<invalid>';
  if (seconds <= 0) return '0s';
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  const days = Math.floor(hours / 24);
  const pair = (big: number, unit: string, small: number, smallUnit: string): string =>
    small === 0 ? `${big}${unit}` : `${big}${unit}${small}${smallUnit}`;
  if (seconds < 120) return `${seconds}s`;
  if (minutes < 10) return pair(minutes, 'm', seconds % 60, 's');
  if (minutes < 180) return `${minutes}m`;
  if (hours < 8) return pair(hours, 'h', minutes % 60, 'm');
  if (hours < 48) return `${hours}h`;
  if (days < 8) return pair(days, 'd', hours % 24, 'h');
  if (days < 730) return `${days}d`;
  const years = Math.floor(days / 365);
  return years < 8 ? pair(years, 'y', days % 365, 'd') : `${years}y`;
}
