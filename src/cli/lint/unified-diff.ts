const CONTEXT = 3;
/** Past this many cells (64 MB) the table of the longest common subsequence is not worth it. */
const TABLE_LIMIT = 16_000_000;

type Line = { readonly mark: ' ' | '-' | '+'; readonly text: string };

/** The change from one text of `file` to another as `diff -u` prints it; empty when there is none. */
export function unifiedDiff(file: string, before: string, after: string): string[] {
  if (before === after) return [];
  const lines = compare(linesOf(before), linesOf(after));
  const result = [`--- a/${file}`, `+++ b/${file}`];
  for (const { first, last } of hunks(lines)) result.push(...hunk(lines, first, last));
  return result;
}

/** A last line without a line feed is told as diff tells it. */
function linesOf(text: string): string[] {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  else lines[lines.length - 1] += '\n\\ No newline at end of file';
  return lines;
}

/** What both have at the ends is the same; in between, the longest common subsequence. */
function compare(a: readonly string[], b: readonly string[]): Line[] {
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head++;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail++;
  const keep = (text: string): Line => ({ mark: ' ', text });
  return [
    ...a.slice(0, head).map(keep),
    ...middle(a.slice(head, a.length - tail), b.slice(head, b.length - tail)),
    ...a.slice(a.length - tail).map(keep),
  ];
}

function middle(a: readonly string[], b: readonly string[]): Line[] {
  if (a.length * b.length > TABLE_LIMIT)
    return [...a.map((text): Line => ({ mark: '-', text })), ...b.map((text): Line => ({ mark: '+', text }))];
  const longest = Array.from({ length: a.length + 1 }, () => new Uint32Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      longest[i]![j] = a[i] === b[j] ? longest[i + 1]![j + 1]! + 1 : Math.max(longest[i + 1]![j]!, longest[i]![j + 1]!);
  const lines: Line[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      lines.push({ mark: ' ', text: a[i++]! });
      j++;
    } else if (j >= b.length || (i < a.length && longest[i + 1]![j]! >= longest[i]![j + 1]!))
      lines.push({ mark: '-', text: a[i++]! });
    else lines.push({ mark: '+', text: b[j++]! });
  }
  return lines;
}

/** Stretches of changes with the lines around them, those that meet joined. */
function hunks(lines: readonly Line[]): { first: number; last: number }[] {
  const found: { first: number; last: number }[] = [];
  for (const [index, { mark }] of lines.entries()) {
    if (mark === ' ') continue;
    const [first, last] = [Math.max(0, index - CONTEXT), Math.min(lines.length - 1, index + CONTEXT)];
    const previous = found.at(-1);
    if (previous !== undefined && first <= previous.last + 1) previous.last = last;
    else found.push({ first, last });
  }
  return found;
}

function hunk(lines: readonly Line[], first: number, last: number): string[] {
  const count = (from: number, to: number, other: '-' | '+'): number =>
    lines.slice(from, to).filter(({ mark }) => mark !== other).length;
  const range = (other: '-' | '+'): string => {
    const length = count(first, last + 1, other);
    const start = count(0, first, other) + (length === 0 ? 0 : 1);
    return length === 1 ? String(start) : `${start},${length}`;
  };
  const header = `@@ -${range('+')} +${range('-')} @@`;
  return [header, ...lines.slice(first, last + 1).map(({ mark, text }) => mark + text)];
}
