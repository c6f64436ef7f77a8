import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lineDiff } from './ruleset-diff.ts';

describe('the difference of two rulesets', () => {
  it('shows nothing for equal texts and only what changed otherwise', () => {
    expect(lineDiff('a\nb', 'a\nb')).toEqual([]);
    expect(lineDiff('a\nb\nc', 'a\nx\nc\nd')).toEqual(['+ x', '- b', '+ d']);
  });

  it('turns the one into the other when it is replayed', () => {
    const text = fc
      .array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 8 })
      .map((lines) => lines.join('\n'));
    fc.assert(
      fc.property(text, text, (before, after) => {
        const diff = lineDiff(before, after);
        const count = (lines: readonly string[], line: string): number => lines.filter((each) => each === line).length;
        for (const line of ['a', 'b', 'c']) {
          const kept = count(before.split('\n'), line) - count(diff, `- ${line}`) + count(diff, `+ ${line}`);
          expect(kept).toBe(count(after.split('\n'), line));
        }
      }),
    );
  });
});
