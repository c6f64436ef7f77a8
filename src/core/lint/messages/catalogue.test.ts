import { expect, it } from 'vitest';
import { ALL_RULES } from '../rules.ts';
import { messagesIn } from './catalogue.ts';

/** Values that stand out of a sentence; a number for whatever wants one. */
const VALUES = ['⟨0⟩', '⟨1⟩', '⟨2⟩', '⟨3⟩'];

/** Which values are directions, which are said in the language's own words. */
const DIRECTIONS: Readonly<Record<string, readonly number[]>> = {
  halfOpen: [0, 1],
  typeMissing: [2],
  closedByDefault: [0],
  closedByType: [0],
};

it.each(['zh-CN', 'zh-TW'] as const)('%s says everything that English says, with all of its values', (language) => {
  const [english, own] = [messagesIn('en'), messagesIn(language)];
  expect(Object.keys(own)).toEqual(Object.keys(english));
  for (const [name, say] of Object.entries(english)) {
    const other = own[name as keyof typeof own];
    if (typeof say !== 'function' || name === 'listed' || name === 'total' || say.length === 0) continue;
    for (const direction of ['ingress', 'egress']) {
      const values = VALUES.slice(0, say.length).map((each, at) =>
        (DIRECTIONS[name] ?? []).includes(at) ? direction : each,
      );
      const called = (speak: unknown): string => (speak as (...given: unknown[]) => string)(...values);
      const shown = (text: string): string[] => VALUES.filter((each) => text.includes(each));
      expect(shown(called(other)), name).toEqual(shown(called(say)));
      expect(called(other), name).toMatch(/\p{Script=Han}/u);
      expect(called(other), name).not.toContain('undefined');
    }
  }
});

it.each(['zh-CN', 'zh-TW'] as const)('%s names every rule', (language) => {
  expect(Object.keys(messagesIn(language).summaries).sort()).toEqual(ALL_RULES.map(({ id }) => id).sort());
});

it('keeps the two kinds of Chinese characters apart', () => {
  const text = (language: 'zh-CN' | 'zh-TW'): string =>
    Object.values(messagesIn(language).summaries).join('') + String(messagesIn(language).noSubject('', ''));
  expect(text('zh-CN')).not.toMatch(/[個規標籤選擇連線沒無應對間開關]/u);
  expect(text('zh-TW')).not.toMatch(/[个规则标签选择连线没无应对间开关]/u);
});
