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

/** A switch of a FelixConfiguration's spec, off unless it is on. What is neither is reported. */
export function switchSetting(fields: Fields, name: string, scope: CalicoScope): boolean {
  const value = fields[name] ?? false;
  if (typeof value !== 'boolean') scope.report(`spec.${name}`, 'must be true or false; until then it is false');
  return value === true;
}
