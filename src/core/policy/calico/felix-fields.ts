import type { Family } from '../../../base/ip/index.ts';
import { readInteger } from '../normalise/fields.ts';
import type { CalicoScope } from './scope.ts';

type Fields = Readonly<Record<string, unknown>>;

/** A number of a FelixConfiguration's spec within `range`; undefined when it is not set, or reported and unusable. */
export function integerSetting(
  fields: Fields,
  name: string,
  range: readonly [number, number],
  scope: CalicoScope,
): number | undefined {
  const value = fields[name];
  return value === undefined || value === null ? undefined : readInteger(value, range, `spec.${name}`, scope);
}

/** What IPv4 hosts accept (RFC 791 §3.1), and what IPv6 asks of every link (RFC 8200 §5). */
const LEAST_MTU: Readonly<Record<Family, number>> = { 4: 576, 6: 1280 };

/** The MTU of devices whose packets are of `family`; 0 when it is not set, 0, or reported and unusable. */
export function mtuSetting(fields: Fields, name: string, family: Family, scope: CalicoScope): number {
  const value = fields[name];
  if (value === undefined || value === null || value === 0) return 0;
  return readInteger(value, [LEAST_MTU[family], 65_535], `spec.${name}`, scope) ?? 0;
}

/** A switch of a FelixConfiguration's spec, off unless it is on. What is neither is reported. */
export function switchSetting(fields: Fields, name: string, scope: CalicoScope): boolean {
  const value = fields[name] ?? false;
  if (typeof value !== 'boolean') scope.report(`spec.${name}`, 'must be true or false; until then it is false');
  return value === true;
}
