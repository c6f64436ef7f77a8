import { suggest } from '../../kube/suggest.ts';
import type { Direction, Rule } from '../model.ts';
import { isRecord } from './scope.ts';
import type { ClusterScope } from './scope.ts';

/**
 * A rule that denies everything, in place of rules that cannot be found: the spec is no object, or has a field that it
 * should not have under a name that is nearly the direction's. Such rules may have denied anything. `known` are the
 * names of the spec's fields.
 */
export function lostRules(spec: unknown, direction: Direction, known: readonly string[], scope: ClusterScope): Rule[] {
  if (!isRecord(spec)) return [denial('spec', 0, scope)];
  const lost = lostField(spec, direction, known);
  return lost === undefined ? [] : [denial(`spec.${lost}`, 0, scope)];
}

/** The field that is not among `known` and was most likely meant as `field`. */
export function lostField(spec: object, field: string, known: readonly string[]): string | undefined {
  return Object.keys(spec).find((name) => !known.includes(name) && suggest(name, known) === field);
}

/** The rule that denies everything, in place of one that cannot be read. */
export function denial(path: string, index: number, scope: ClusterScope): Rule {
  return { action: 'deny', index, source: scope.source(path), peers: 'any', ports: 'any' };
}
