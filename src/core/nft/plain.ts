import type { Chain, Ruleset, SetSpec } from './model.ts';

/** A ruleset without the order in which its parts were made: equal exactly for rulesets that mean the same. */
export interface PlainRuleset {
  readonly chains: Readonly<Record<string, Chain>>;
  readonly sets: Readonly<Record<string, { readonly spec: SetSpec; readonly elements: readonly string[] }>>;
}

/** The ruleset as plain, sorted data, for comparing and printing. */
export function plainRuleset({ chains, sets }: Ruleset): PlainRuleset {
  const byName = (a: readonly [string, unknown], b: readonly [string, unknown]) => (a[0] < b[0] ? -1 : 1);
  return {
    chains: Object.fromEntries([...chains].sort(byName)),
    sets: Object.fromEntries(
      [...sets].sort(byName).map(([name, { spec, elements }]) => {
        const lines = [...elements].map(([key, data]) => (data === '' ? key : `${key} : ${data}`));
        return [name, { spec, elements: lines.sort((a, b) => (a < b ? -1 : 1)) }];
      }),
    ),
  };
}
