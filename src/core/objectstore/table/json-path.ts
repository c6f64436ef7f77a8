/** Selects values out of an object, in document order. */
export type JsonPath = (object: unknown) => readonly unknown[];

/**
 * The part of JSONPath that printer columns use: `.spec.a`, `.items[0]`, `.items[*].name`, `['a.b']`, `\.` in names and
 * `[?(@.type=="Ready")]`. What it cannot read selects nothing.
 */
export function jsonPath(path: string): JsonPath {
  const steps = parse(path.replace(/^\{|\}$/g, ''));
  return (object) => steps.reduce<readonly unknown[]>((values, step) => values.flatMap(step), [object]);
}

type Step = (value: unknown) => readonly unknown[];

const TOKEN =
  /\.((?:\\.|[^.[\]\\])+)|\[(-?\d+)\]|\[\*\]|\[['"]([^'"]+)['"]\]|\[\?\(@\.([\w.]+)\s*==\s*(?:"([^"]*)"|'([^']*)'|(\w+))\)\]/gy;

function parse(path: string): readonly Step[] {
  const steps: Step[] = [];
  let read = 0;
  for (const match of path.matchAll(TOKEN)) {
    read = match.index + match[0].length;
    const [whole, dotted, index, quoted, field, double, single, bare] = match;
    const name = dotted?.replaceAll(/\\(.)/g, '$1') ?? quoted;
    if (name !== undefined && name !== '*') steps.push((value) => member(value, name));
    else if (index !== undefined) steps.push((value) => (Array.isArray(value) ? take(value, Number(index)) : []));
    else if (field !== undefined) {
      const wanted = double ?? single ?? bare ?? '';
      steps.push((value) => members(value).filter((each) => String(deep(each, field)) === wanted));
    } else if (whole === '[*]' || name === '*') steps.push(members);
  }
  return read === path.length ? steps : [() => []];
}

function member(value: unknown, name: string): readonly unknown[] {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return [];
  const found = (value as Record<string, unknown>)[name];
  return found === undefined || found === null ? [] : [found];
}

function members(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  return typeof value === 'object' && value !== null ? Object.values(value) : [];
}

function take(values: readonly unknown[], index: number): readonly unknown[] {
  const found = values.at(index);
  return found === undefined ? [] : [found];
}

function deep(value: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((current, name) => member(current, name)[0], value);
}
