import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { formatCalicoSyntax, parseCalicoSyntax } from './calico-selector-syntax.ts';
import { formatCalicoSelector, parseCalicoSelector } from './calico-selector.ts';
import { matchesLabels, parseSelector, selectorKey } from './labels.ts';
import type { Labels, Selector } from './labels.ts';

interface Cases {
  readonly evaluate: readonly {
    readonly selector: string;
    readonly match: readonly Labels[];
    readonly nomatch: readonly Labels[];
  }[];
  readonly reject: readonly string[];
  readonly canonical: readonly { readonly input: string; readonly canonical: string; readonly uid: string }[];
}

// Calico's own cases; `source` in the file says from where, and under which licence.
const FILE = join(import.meta.dirname, '../../../test/golden/calico/selectors.json');
const cases = JSON.parse(readFileSync(FILE, 'utf8')) as Cases;

function parse(text: string): Selector {
  const parsed = parseCalicoSelector(text);
  if ('problem' in parsed) throw new Error(`${text}: column ${parsed.problem.column}: ${parsed.problem.message}`);
  return parsed.selector;
}

describe("Calico's cases", () => {
  it.each(cases.evaluate.map((each, index) => ({ ...each, index })))(
    'evaluate $index: $selector',
    ({ selector, match, nomatch }) => {
      for (const labels of match) expect(matchesLabels(parse(selector), labels), JSON.stringify(labels)).toBe(true);
      for (const labels of nomatch) expect(matchesLabels(parse(selector), labels), JSON.stringify(labels)).toBe(false);
    },
  );

  it.each(cases.reject)('reject: %s', (selector) => {
    expect(parseCalicoSelector(selector)).toHaveProperty('problem');
  });

  it.each(cases.canonical)('canonical: $input', ({ input, canonical, uid }) => {
    const parsed = parseCalicoSyntax(input);
    const text = 'syntax' in parsed ? formatCalicoSyntax(parsed.syntax) : parsed.problem.message;
    expect(text).toBe(canonical);
    // Calico's identity of a selector is a hash of the canonical text.
    if (uid !== '') expect(`s:${createHash('sha224').update(`s:${text}`).digest('base64url')}`).toBe(uid);
  });
});

describe('parseCalicoSelector', () => {
  it.each<[string, string]>([
    [`app == 'web'`, 'app=web'],
    [`app in {'web'}`, 'app=web'],
    [`!(app != "web")`, 'app=web'],
    [`app == 'web' && has(tier)`, 'app=web&tier Exists()'],
    [`has(tier)&&app=='web'&&all()`, 'app=web&tier Exists()'],
    [`!(!has(tier) || app != 'web')`, 'app=web&tier Exists()'],
    [`app == 'b' || app == 'a'`, 'app In(a,b)'],
    [`app contains ''`, 'app Exists()'],
    [`app in {}`, '!'],
    [`app not in {}`, '*'],
    [`has(a) || all()`, '*'],
    [`has(a) && !all()`, '!'],
    [``, '*'],
  ])('%s has the canonical form of the Kubernetes selector that says the same: %s', (text, key) => {
    expect(selectorKey(parse(text))).toBe(key);
  });

  it('shares its key with a label selector of Kubernetes', () => {
    const kubernetes = parseSelector({
      matchLabels: { app: 'web' },
      matchExpressions: [{ key: 'tier', operator: 'NotIn', values: ['b', 'a'] }],
    });
    expect(parse(`tier not in {"a", "b"} && app == "web"`)).toEqual('selector' in kubernetes && kubernetes.selector);
  });

  it('gives equal keys to expressions that differ in order, parentheses and double negation only', () => {
    const [first, ...others] = [
      `a contains 'x' || (has(b) && !(c starts with 'y'))`,
      `!(c starts with 'y') && has(b) || a contains "x"`,
      `(!!(a contains "x")) || (has(b) && has(b) && !c starts with "y")`,
    ].map((text) => selectorKey(parse(text)));
    for (const other of others) expect(other).toBe(first);
  });

  it('takes has, all and global for labels when no parenthesis follows at once', () => {
    expect(matchesLabels(parse(`has == 'x' && all == 'y' && global == 'z'`), { has: 'x', all: 'y', global: 'z' })).toBe(
      true,
    );
  });

  it.each<[string, number, RegExp]>([
    [`a = 'b'`, 3, /expected ==.*found "="/],
    [`a == b`, 6, /text in quotes, found "b"/],
    [`a == "b`, 6, /no closing "/],
    [`a == 'b' & c == 'd'`, 10, /expected && or \|\| or the end, found "&"/],
    [`a == 'b' &&`, 12, /but the selector ends/],
    [`(a == 'b'`, 10, /expected \)/],
    [`a in {'b' 'c'}`, 11, /expected \}/],
    [`a in ('b')`, 6, /expected \{/],
    [`has (a)`, 5, /expected ==/],
    [`a not 'b'`, 7, /expected in/],
    [`a starts 'b'`, 10, /expected with/],
    [`a == 'b'\n`, 9, /found "\\n"/],
    [`äpp == 'b'`, 1, /expected a label.*found "ä"/],
  ])('%j is wrong at column %i', (text, column, message) => {
    const parsed = parseCalicoSelector(text);
    expect(parsed).toMatchObject({ problem: { column, message: expect.stringMatching(message) as string } });
  });

  it('refuses nesting that only an attacker writes instead of running out of stack', () => {
    const deep = 100_000;
    expect(parseCalicoSelector('('.repeat(deep) + 'has(a)' + ')'.repeat(deep))).toHaveProperty('problem');
    expect(selectorKey(parse('!'.repeat(deep) + 'has(a)'))).toBe('a Exists()');
  });

  it('says where global() stands when it must not', () => {
    const vocabulary = { prefix: '', all: { kind: 'everything' } } as const;
    expect(parseCalicoSelector(`has(a) || !global()`, vocabulary)).toMatchObject({ problem: { column: 12 } });
  });

  it('puts the prefix before every label and gives all() and global() their meaning', () => {
    const has = (key: string, operator: 'Exists' | 'DoesNotExist') =>
      ({ kind: 'requirement', requirement: { key, operator, values: [] } }) as const;
    const vocabulary = { prefix: 'pcns.', all: has('ns', 'Exists'), global: has('ns', 'DoesNotExist') };
    const of = (text: string) => {
      const parsed = parseCalicoSelector(text, vocabulary);
      return 'selector' in parsed ? selectorKey(parsed.selector) : parsed.problem.message;
    };
    expect(of('all()')).toBe('ns Exists()');
    expect(of('!all()')).toBe('ns DoesNotExist()');
    expect(of('!all()')).toBe(of('global()'));
    expect(of(`env == 'prod'`)).toBe('pcns.env=prod');
  });
});

describe('formatCalicoSelector', () => {
  it.each([`app == "web"`, `!has(a)`, `a == "b" && has(c)`, `a in {"x", "y"}`, `!all()`, `all()`, `a == '"'`])(
    'writes %s as people do',
    (text) => expect(formatCalicoSelector(parse(text))).toBe(text),
  );

  it('does not write what the language cannot say', () => {
    const selector = (key: string, value: string): Selector => ({
      kind: 'all-of',
      requirements: [{ key, operator: 'In', values: [value] }],
    });
    expect(formatCalicoSelector(selector('a', `'"`))).toBeUndefined();
    expect(formatCalicoSelector(selector('a b', 'c'))).toBeUndefined();
  });
});
