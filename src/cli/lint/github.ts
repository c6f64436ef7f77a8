import type { Finding } from '../../core/lint/index.ts';
import { fullMessage } from './text.ts';

const COMMANDS = { error: 'error', warning: 'warning', note: 'notice' } as const;

/** Workflow commands of GitHub Actions, one for each finding, which show it beside the line in a pull request. */
export function githubCommands(findings: readonly Finding[]): string[] {
  return findings.map((finding) => {
    const { file, line, column, id, severity } = finding;
    const properties = { file, line, col: column, title: id };
    const list = Object.entries(properties).map(([name, value]) => `${name}=${escapeProperty(String(value))}`);
    return `::${COMMANDS[severity]} ${list.join()}::${escapeData(fullMessage(finding))}`;
  });
}

/** What `@actions/core` escapes in a message. */
function escapeData(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
