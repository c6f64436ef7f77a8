import type { PolicyObject, Rule, SourceRef, Verdict } from '../../src/core/policy/index.ts';

/** Fields whose values mean different things rather than more or less of one. */
const TELLING_VALUES = new Set(['action', 'protocol', 'notProtocol', 'ipVersion', 'tier', 'defaultAction', 'type']);

/**
 * What in the objects decided a verdict: `API FIELD` for every field of the rules that decided or passed a side on and of
 * their policies, and `by KIND` for sides that something else decided.
 */
export class DecidingFields {
  readonly #policies: ReadonlyMap<string, PolicyObject>;
  readonly #known = new Map<Rule, readonly string[]>();

  constructor(policies: Iterable<PolicyObject>) {
    this.#policies = new Map([...policies].map((each) => [nameOf(each.kind, each.metadata), each]));
  }

  of(verdict: Verdict): Set<string> {
    const found = new Set<string>();
    if (verdict.exempt !== undefined) found.add(`by exemption ${verdict.exempt}`);
    for (const side of [verdict.egress, verdict.ingress]) {
      if (side.kind !== 'rule') found.add(`by ${side.kind}`);
      const rules = [...side.passes.map(({ rule }) => rule), side.kind === 'rule' ? side.rule : undefined];
      for (const rule of rules) if (rule !== undefined) for (const field of this.#fieldsOf(rule)) found.add(field);
    }
    return found;
  }

  #fieldsOf(rule: Rule): readonly string[] {
    const known = this.#known.get(rule);
    if (known !== undefined) return known;
    const fields = this.#read(rule.source);
    this.#known.set(rule, fields);
    return fields;
  }

  #read(source: SourceRef): readonly string[] {
    const policy = this.#policies.get(nameOf(source.kind, source));
    const [, direction, index] = /^spec\.(ingress|egress)\[(\d+)\]/u.exec(source.path) ?? [];
    if (policy === undefined || direction === undefined) return [];
    const { [direction]: rules, ingress: _, egress: __, ...rest } = policy.spec as Record<string, unknown>;
    const rule = (rules as readonly unknown[])[Number(index)];
    const all = [...fieldsIn(rest, ''), ...fieldsIn(rule, `${direction}.`)];
    return all.map((field) => `${apiOf(policy)} ${field}`);
  }
}

/** Every field that policies in force and their rules have, named as by {@link DecidingFields}. */
export function fieldsWritten(policies: Iterable<PolicyObject>): Set<string> {
  const found = new Set<string>();
  for (const policy of policies) {
    if (policy.kind?.startsWith('Staged') === true) continue;
    const { ingress = [], egress = [], ...rest } = policy.spec as Record<string, readonly unknown[] | undefined>;
    const add = (fields: readonly string[]) => fields.forEach((field) => found.add(`${apiOf(policy)} ${field}`));
    add(fieldsIn(rest, ''));
    for (const rule of ingress) add(fieldsIn(rule, 'ingress.'));
    for (const rule of egress) add(fieldsIn(rule, 'egress.'));
  }
  return found;
}

function nameOf(kind: string | undefined, place: { readonly namespace?: string; readonly name?: string } | undefined) {
  return `${kind}/${place?.namespace ?? ''}/${place?.name}`;
}

/** The group of its API; the versions of one group, and mostly the kinds, have the same fields. */
function apiOf({ apiVersion = '' }: PolicyObject): string {
  return apiVersion.includes('projectcalico.org') ? 'calico' : apiVersion.split('.')[0]!;
}

function fieldsIn(value: unknown, path: string): string[] {
  if (Array.isArray(value)) return value.flatMap((each) => fieldsIn(each, path));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => {
    const own = `${path}${name}`;
    // Labels have names of their own.
    if (name === 'matchLabels' || name === 'matchExpressions') return [own];
    return [
      TELLING_VALUES.has(name) && typeof inner !== 'object' ? `${own}=${String(inner)}` : own,
      ...fieldsIn(inner, `${own}.`),
    ];
  });
}
