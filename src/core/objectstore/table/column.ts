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

export const NAME: Column = { name: 'Name', cell: (object) => object.metadata.name ?? '' };

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

export function text(value: unknown, otherwise = '<none>'): string {
  return typeof value === 'string' && value !== ''
    ? value
    : typeof value === 'number' || typeof value === 'boolean'
      ? String(value)
      : otherwise;
}

export function count(value: unknown): number {
  return typeof value === 'number'
    ? value
    : Array.isArray(value)
      ? value.length
      : isJsonObject(value)
        ? Object.keys(value).length
        : 0;
}

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
  const then = timestamp === undefined ? undefined : epochMs(timestamp);
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

const TIMESTAMP = /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,3})\d*)?(?:[Zz]|([+-])(\d\d):(\d\d))$/;

/** Milliseconds since 1970 of an RFC 3339 timestamp; undefined when it is none. */
export function epochMs(timestamp: string): number | undefined {
  const match = TIMESTAMP.exec(timestamp);
  if (match === null) return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const offset = (match[8] === '-' ? -1 : 1) * (Number(match[9] ?? 0) * 60 + Number(match[10] ?? 0));
  const seconds = daysFromCivil(year, month, day) * 86_400 + hour * 3600 + (minute - offset) * 60 + second;
  return seconds * 1000 + Number((match[7] ?? '0').padEnd(3, '0'));
}

/** Days since 1970-01-01 in the proleptic Gregorian calendar (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms"). */
function daysFromCivil(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}
