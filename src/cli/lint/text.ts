import { messagesIn } from '../../core/lint/index.ts';
import type { Finding, LintMessages } from '../../core/lint/index.ts';

const EN = messagesIn('en');

/** One line as compilers print theirs: `policy.yaml:7:3: error: …; did you mean …? [unknown-field]`. */
export function findingLine({ file, line, column, severity, id, ...rest }: Finding, words: LintMessages = EN): string {
  return `${file}:${line}:${column}: ${words.severity[severity]}: ${fullMessage(rest, words)} [${id}]`;
}

/** The message with what was probably meant. */
export function fullMessage(
  { message, suggestion }: Pick<Finding, 'message' | 'suggestion'>,
  words: LintMessages = EN,
): string {
  return suggestion === undefined ? message : words.didYouMean(message, suggestion);
}

/** `2 errors, 1 warning and 3 notes in 12 objects in 2 files`. */
export function totalLine(findings: readonly Finding[], objects: number, files: number, words: LintMessages): string {
  const of = (severity: Finding['severity']): number => findings.filter((each) => each.severity === severity).length;
  return words.total({ error: of('error'), warning: of('warning'), note: of('note') }, objects, files);
}
