import { sequenceProblem } from './regex-cost.ts';
import { sizeProblem } from './regex-size.ts';
import { parseRegex } from './regex-syntax.ts';

/** The longest expression that is taken. */
const MAX_LENGTH = 512;

/**
 * Whether `text` may be used to match paths: syntax that the proxy's engine and this reader understand alike, and of a
 * cost that grows at most with the square of the path's length. Returns what is wrong with it, and at which character
 * where there is one, or the number of its groups that capture.
 */
export function checkPathRegex(text: string): { readonly problem: string } | { readonly groups: number } {
  if (text.length > MAX_LENGTH) return { problem: `is longer than ${MAX_LENGTH} characters` };
  const parsed = parseRegex(text);
  if ('problem' in parsed) return parsed;
  const problem = sequenceProblem(parsed.tree) ?? sizeProblem(parsed.tree);
  return problem === undefined ? { groups: parsed.groups } : { problem };
}
