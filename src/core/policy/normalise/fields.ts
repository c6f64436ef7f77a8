import { suggest } from '../../kube/suggest.ts';
import { isRecord } from './scope.ts';
import type { ClusterScope } from './scope.ts';

/** Reports every field of `record` that is not in `known`, with what was probably meant; true when there was none. */
export function onlyFields(
  record: Readonly<Record<string, unknown>>,
  known: readonly string[],
  path: string,
  scope: ClusterScope,
): boolean {
  const strange = Object.keys(record).filter((name) => !known.includes(name));
  for (const name of strange) {
    const meant = suggest(name, known);
    const hint = meant === undefined ? `known here: ${known.join(', ')}` : `did you mean ${meant}?`;
    scope.report(join(path, name), `unknown field; ${hint}`);
  }
  return strange.length === 0;
}

/** The field of an object that must have exactly one of `names`; undefined, and reported, when it has not. */
export function oneField<Name extends string>(
  value: unknown,
  names: readonly Name[],
  path: string,
  scope: ClusterScope,
): { readonly name: Name; readonly value: unknown; readonly path: string } | undefined {
  const rule = `must have exactly one of ${names.join(', ')}`;
  if (!isRecord(value)) return scope.report(path, `must be an object; it ${rule}`);
  if (!onlyFields(value, names, path, scope)) return undefined;
  const [name, ...others] = names.filter((each) => value[each] !== undefined && value[each] !== null);
  if (name === undefined || others.length > 0) return scope.report(path, rule);
  return { name, value: value[name], path: join(path, name) };
}

/** An integer in the range; undefined, and reported, when it is not. */
export function readInteger(
  value: unknown,
  [least, most]: readonly [number, number],
  path: string,
  scope: ClusterScope,
): number | undefined {
  if (Number.isInteger(value) && (value as number) >= least && (value as number) <= most) return value as number;
  return scope.report(path, `must be a whole number from ${least} to ${most}`);
}

function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}
