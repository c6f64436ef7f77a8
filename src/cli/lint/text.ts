import type { Finding } from '../../core/lint/index.ts';

/** One line as compilers print theirs: `policy.yaml:7:3: error: …; did you mean …? [unknown-field]`. */
export function findingLine({ file, line, column, severity, id, ...rest }: Finding): string {
  return `${file}:${line}:${column}: ${severity}: ${fullMessage(rest)} [${id}]`;
}

/** The message with what was probably meant. */
export function fullMessage({ message, suggestion }: Pick<Finding, 'message' | 'suggestion'>): string {
  return suggestion === undefined ? message : `${message}; did you mean ${suggestion}?`;
}

/** `2 errors, 1 warning and 3 notes`; undefined when there is nothing to count. */
export function countText(findings: readonly Finding[]): string | undefined {
  const counts = (['error', 'warning', 'note'] as const).flatMap((severity) => {
    const count = findings.filter((each) => each.severity === severity).length;
    return count === 0 ? [] : [`${count} ${severity}${count === 1 ? '' : 's'}`];
  });
  if (counts.length < 2) return counts[0];
  return `${counts.slice(0, -1).join(', ')} and ${counts.at(-1)}`;
}
