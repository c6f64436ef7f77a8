/** What the comments of a file turn off. */
export interface Suppressions {
  /** Whether a finding of the rule at the line is not wanted. */
  covers(id: string, line: number): boolean;
  /** Ids as they are written, each with its place, to be checked against those that exist. */
  readonly mentioned: readonly { readonly id: string; readonly line: number; readonly column: number }[];
}

const NONE: Suppressions = { covers: () => false, mentioned: [] };
const COMMENT = /#\s*sluice-lint-disable(-next-line)?(?=[\s,]|$)([^#]*)/u;

/**
 * Reads `# sluice-lint-disable-next-line ID…` and `# sluice-lint-disable ID…`, which holds from its line to the end of the
 * file. Without an id both mean every rule; the next line is the next one that is neither blank nor a comment. A reason
 * may follow after `--`.
 */
export function readSuppressions(text: string): Suppressions {
  if (!text.includes('sluice-lint-disable')) return NONE;
  const lines = text.split('\n');
  const mentioned: { id: string; line: number; column: number }[] = [];
  const ranges: { first: number; last: number; ids: readonly string[] }[] = [];
  for (const [index, line] of lines.entries()) {
    const match = COMMENT.exec(line);
    if (match === null) continue;
    const [list = ''] = (match[2] ?? '').split('--');
    const ids = list.split(/[\s,]+/u).filter((each) => each !== '');
    for (const id of ids) mentioned.push({ id, line: index + 1, column: line.indexOf(id, match.index) + 1 });
    if (match[1] === undefined) ranges.push({ first: index + 1, last: Infinity, ids });
    else {
      const next = lines.findIndex((each, at) => at > index && !/^\s*(?:#.*)?$/u.test(each));
      if (next >= 0) ranges.push({ first: next + 1, last: next + 1, ids });
    }
  }
  return {
    mentioned,
    covers: (id, line) =>
      ranges.some(({ first, last, ids }) => first <= line && line <= last && (ids.length === 0 || ids.includes(id))),
  };
}
