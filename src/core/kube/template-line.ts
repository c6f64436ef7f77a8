import type { LoadIssue } from './yaml.ts';

/**
 * The first line with an action of Helm's templates, when one of the file's syntax errors comes of such an action: then it is
 * no manifest yet. Undefined otherwise, since the braces may as well stand in text, as those of Prometheus' alerts do.
 */
export function templateLine(text: string, issues: readonly LoadIssue[]): number | undefined {
  if (issues.length === 0) return undefined;
  const lines = text.split('\n');
  const isAction = (line: string | undefined) => line !== undefined && /\{\{.*\}\}/u.test(line);
  // What an action alone on its line does to the document is seen where the next line begins.
  if (!issues.some(({ line }) => isAction(lines[line - 1]) || isAction(lines[line - 2]))) return undefined;
  return lines.findIndex(isAction) + 1;
}
