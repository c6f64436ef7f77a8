import type { Change, DiffReport, ResponsiblePolicy } from './model.ts';
import { changeText, sidesText, summary } from './write-text.ts';

/** By which a comment on a pull request is found again and brought up to date. */
export const COMMENT_MARK = '<!-- sluice diff -->';

/** Longest text of a comment that GitHub takes, less some room for the end. */
const COMMENT_LIMIT = 65_000;

/** The report as a Markdown document. */
export function markdownDiff(report: DiffReport): string {
  return [`## What can talk`, summary(report), ...sections(report)].join('\n\n');
}

/**
 * The report as the body of a comment on a pull request, reasons folded. When all of it would be longer than a comment may
 * be, it has as many changes as fit, and says how many there are.
 */
export function githubDiff(report: DiffReport): string {
  const { opened, closed } = report;
  const sign = opened.length + closed.length === 0 ? '✅' : '🔎';
  const head = [COMMENT_MARK, `### ${sign} Network policy: ${summary(report)}`];
  for (let most = opened.length + closed.length; ; most = Math.floor(most / 2)) {
    const body = [...head, ...sections(report, most)].join('\n\n');
    if (body.length <= COMMENT_LIMIT) return body;
    // Even the names of what is new or gone may be too many.
    if (most === 0) return body.slice(0, COMMENT_LIMIT);
  }
}

/** At most so many changes of each kind. */
function sections({ opened, closed, added, removed }: DiffReport, most = Infinity): readonly string[] {
  return [
    ...section('🔓 Becomes reachable', opened, most),
    ...section('🔒 Stops being reachable', closed, most),
    ...(added.length === 0 ? [] : [`**New:** ${added.map(code).join(', ')}`]),
    ...(removed.length === 0 ? [] : [`**Gone:** ${removed.map(code).join(', ')}`]),
  ];
}

/** A table, and below it the reasons, numbered like the rows. */
function section(title: string, all: readonly Change[], most: number): readonly string[] {
  if (all.length === 0) return [];
  const changes = all.slice(0, most);
  const rows = changes.map(
    (change, index) =>
      `| ${index + 1} | ${sidesText(change.from, code)} | ${sidesText(change.to, code)} | ${changeText(change)} | ${policiesText(change.reason?.policies ?? [])} |`,
  );
  const table = ['| # | From | To | Ports | Policy |', '| --- | --- | --- | --- | --- |', ...rows].join('\n');
  const reasons = changes.flatMap((change, index) => reasonText(change, index));
  const details =
    reasons.length === 0 ? [] : [`<details><summary>Why</summary>\n\n${reasons.join('\n')}\n\n</details>`];
  const rest = all.length - changes.length;
  const more = rest === 0 ? [] : [`… and ${rest} more: \`sluice diff\` shows all of them.`];
  return [`#### ${title}`, ...(changes.length === 0 ? [] : [table]), ...more, ...details];
}

function policiesText(policies: readonly ResponsiblePolicy[]): string {
  const texts = policies.map(({ key, source: { file, line }, state }) => {
    const place = file === undefined ? '' : ` (${code(`${file}${line === undefined ? '' : `:${line}`}`)})`;
    return `${code(key)}${place}${state === 'before' ? ' before' : ''}`;
  });
  return [...new Set(texts)].join('<br>');
}

function reasonText({ reason }: Change, index: number): readonly string[] {
  if (reason === undefined) return [];
  const sides = reason.sides.map(({ before, now }) => `\n   - now: ${escape(now)}\n   - before: ${escape(before)}`);
  return [`${index + 1}. ${code(reason.flow)}${sides.join('')}`];
}

/** Code inside a table; names come from manifests that nobody has checked. */
function code(text: string): string {
  return `\`${text.replaceAll('`', "'").replaceAll('|', '\\|').replaceAll(/\s+/gu, ' ')}\``;
}

/** Text that Markdown, HTML and mentions leave alone. */
function escape(text: string): string {
  return text.replaceAll(/[\\`*_[\]<>|@#]/gu, (character) =>
    /[<>]/u.test(character) ? (character === '<' ? '&lt;' : '&gt;') : `\\${character}`,
  );
}
