import type { Requirement } from '../../kube/labels.ts';
import type { Unit } from './units.ts';

/** Labels that people choose pods by, the most telling first; others follow by name. */
const TELLING = [
  'app.kubernetes.io/name',
  'app',
  'k8s-app',
  'name',
  'app.kubernetes.io/component',
  'component',
  'tier',
];

/**
 * The fewest requirements that choose the units `wanted`, which are of one namespace, and no other of `all` in it; several
 * selectors when no single one does. Labels are always asked for, so that what comes later is not chosen by the way.
 */
export function chooseUnits(wanted: readonly Unit[], all: readonly Unit[]): Requirement[][] {
  const neighbours = all.filter((each) => each.namespace === wanted[0]!.namespace);
  return mergeValues(wanted.map((unit) => chooseUnit(unit, neighbours)));
}

/** The fewest labels of the unit, and those that it must not bear where they are not enough. */
export function chooseUnit(unit: Unit, neighbours: readonly Unit[]): Requirement[] {
  const others = neighbours.filter((each) => each !== unit);
  const keys = sortedKeys(unit);
  for (const key of keys) if (others.every((each) => each.labels[key] !== unit.labels[key])) return [has(unit, key)];
  for (const [i, a] of keys.entries())
    for (const b of keys.slice(i + 1))
      if (others.every((each) => [a, b].some((key) => each.labels[key] !== unit.labels[key])))
        return [has(unit, a), has(unit, b)];
  const chosen = keys.map((key) => has(unit, key));
  const wider = others.filter((each) => keys.every((key) => each.labels[key] === unit.labels[key]));
  return [...chosen, ...lacking(unit, wider)];
}

/** Keys that, being absent, tell the unit from all of `others`, each of which bears one that it does not. */
function lacking(unit: Unit, others: readonly Unit[]): Requirement[] {
  const chosen: Requirement[] = [];
  let rest = others;
  while (rest.length > 0) {
    const key = Object.keys(rest[0]!.labels).find((each) => !Object.hasOwn(unit.labels, each))!;
    chosen.push({ key, operator: 'DoesNotExist', values: [] });
    rest = rest.filter((each) => !Object.hasOwn(each.labels, key));
  }
  return chosen;
}

/** Selectors of one label with the same key become one selector of several values. */
function mergeValues(selectors: readonly Requirement[][]): Requirement[][] {
  const byKey = new Map<string, string[]>();
  const result: Requirement[][] = [];
  for (const selector of selectors) {
    const [only] = selector;
    if (selector.length !== 1 || only?.operator !== 'In') {
      result.push(selector);
      continue;
    }
    const values = byKey.get(only.key);
    if (values === undefined) byKey.set(only.key, [...only.values]);
    else values.push(...only.values);
  }
  for (const [key, values] of byKey) result.push([{ key, operator: 'In', values: [...new Set(values)].sort() }]);
  return result;
}

function sortedKeys({ labels }: Unit): string[] {
  const rank = (key: string): number => {
    const at = TELLING.indexOf(key);
    return at < 0 ? TELLING.length : at;
  };
  return Object.keys(labels).sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
}

function has({ labels }: Unit, key: string): Requirement {
  return { key, operator: 'In', values: [labels[key]!] };
}
