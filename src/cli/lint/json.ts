import type { Finding } from '../../core/lint/index.ts';

/** The findings for programs: all fields, and whether `--fix` repairs it. */
export function lintJson(findings: readonly Finding[]): string {
  const counts = Object.fromEntries(
    (['error', 'warning', 'note'] as const).map((severity) => [
      `${severity}s`,
      findings.filter((each) => each.severity === severity).length,
    ]),
  );
  const entries = findings.map(({ repair, object, ...finding }) => ({
    ...finding,
    object: object ?? null,
    suggestion: finding.suggestion ?? null,
    fixable: repair !== undefined,
  }));
  return JSON.stringify({ ...counts, findings: entries }, null, 2);
}
