import { SluiceError, messageOf } from '../../base/errors.ts';
import { ALL_RULES, lint, messagesIn, repair, SEVERITIES } from '../../core/lint/index.ts';
import type { Finding, LintMessages, LintOptions, LintSource, Severity } from '../../core/lint/index.ts';
import type { Language } from '../../core/policy/index.ts';
import type { Command, Invocation, Values } from '../command.ts';
import { INPUT_OPTIONS, pathsOf } from '../input.ts';
import { LANGUAGE, languageOf } from '../language.ts';
import { githubCommands } from '../lint/github.ts';
import { lintJson } from '../lint/json.ts';
import { lintJunit } from '../lint/junit.ts';
import { SETTINGS_FILE, loadSettings } from '../lint/lint-settings.ts';
import { liveManifests } from '../lint/live-context.ts';
import { replaceFile } from '../lint/replace-file.ts';
import { rulePages } from '../lint/rule-pages.ts';
import { lintSarif } from '../lint/sarif.ts';
import { findingLine, totalLine } from '../lint/text.ts';
import { unifiedDiff } from '../lint/unified-diff.ts';
import { readSources, STDIN_NAME } from '../read-manifests.ts';
import { manifestSchemas } from '../schemas.ts';
import { table } from '../table.ts';
import { version } from '../version.ts';

/** `sluice lint -f FILE` */
export const command: Command = {
  meta: {
    description:
      'Reads manifests strictly and says what is wrong with them, where, and what was probably meant: misspelt fields, selectors\n' +
      'that match nothing, policies that isolate more than they mean to, rules that do nothing, Services nobody can reach.\n' +
      'With --live the objects of the running cluster count as being there, and only the files are judged; without files,\n' +
      'the cluster itself.\n' +
      `Severities and exemptions stand in ${SETTINGS_FILE}; a comment "# sluice-lint-disable-next-line ID" silences one place.\n` +
      'Exit code 0: nothing at or above the severity of --fail-on; 1: findings; 2: it could not be done.',
    examples: [
      'sluice lint -f deploy/',
      'sluice lint policy.yaml pods.yaml',
      'sluice lint -f deploy/ --fix --dry-run',
      'sluice lint -f deploy/ -o sarif > lint.sarif',
      'sluice lint --rules',
    ],
  },
  args: {
    positionals: [{ name: '[files...]', description: 'the same as -f', completes: 'file' }],
    options: [
      ...INPUT_OPTIONS,
      {
        flags: '-o, --output <format>',
        description: 'how to print the findings',
        choices: ['text', 'json', 'sarif', 'github', 'junit'],
        fallback: 'text',
      },
      { flags: '--fix', description: 'correct in the files what is mechanical; comments and layout stay' },
      { flags: '--dry-run', description: 'with --fix: print the corrections as a diff and change nothing' },
      {
        flags: '--fail-on <severity>',
        description: 'the mildest severity that makes the exit code 1',
        choices: [...SEVERITIES],
        fallback: 'warning',
      },
      { flags: '--config <file>', description: `settings; by default the nearest ${SETTINGS_FILE} here or above` },
      { ...LANGUAGE, description: 'language of the messages; by default that of the locale' },
      { flags: '--rules', description: 'list all rules and their severities' },
    ],
  },
  run: async (invocation) => {
    const { values, note } = invocation;
    const { settings, relative } = loadSettings(values['config'] as string | undefined, process.cwd());
    const language = textLanguage(invocation);
    const words = messagesIn(language);
    if (values['rules'] === true) {
      invocation.print(rulesTable(settings.severity, words));
      return 0;
    }
    if (values['dryRun'] === true && values['fix'] !== true) throw bad('--dry-run goes with --fix');
    const running = values['live'] === true ? await liveManifests(invocation) : [];
    const files = readInputs(invocation);
    // Without files the cluster itself is judged.
    const sources = files.length > 0 ? files : [{ file: '<cluster>', text: '', manifests: running, issues: [] }];
    const context = files.length > 0 ? running : [];
    const options: LintOptions = { schemas: manifestSchemas(), settings, relative, context, language };
    const findings = values['fix'] === true ? fix(invocation, sources, options) : lint(sources, options);
    const failing = failsFrom(values);
    // Standard input that is corrected has standard output for itself.
    const print = values['fix'] === true && sources.some(({ file }) => file === STDIN_NAME) ? note : invocation.print;
    if (values['dryRun'] !== true) report({ ...invocation, print }, sources, findings, failing, words);
    const objects = sources.reduce((sum, each) => sum + each.manifests.length, 0);
    note(totalLine(findings, objects, sources.length, words));
    return findings.some(({ severity }) => failing(severity)) ? 1 : 0;
  },
};

/** What programs read is English unless asked for otherwise, whatever the locale. */
function textLanguage({ values, env }: Invocation): Language {
  return languageOf(values['lang'] as string | undefined, values['output'] === 'text' ? env : {});
}

function readInputs({ values, arguments: files, note }: Invocation): readonly LintSource[] {
  const paths = [...pathsOf(values), ...files.filter((each) => each !== undefined)];
  if (paths.length === 0 && values['live'] !== true)
    throw bad('what is to be read? Name files or folders, - for standard input, or --live for the running cluster');
  if (paths.length === 0 && values['fix'] === true) throw bad('--fix corrects files: name some');
  const { sources, skipped } = readSources([...new Set(paths)]);
  for (const file of skipped) note(`${file}: skipped, since nothing in it has an apiVersion and a kind`);
  return sources;
}

function failsFrom(values: Values): (severity: Severity) => boolean {
  const least = SEVERITIES.indexOf(values['failOn'] as Severity);
  return (severity) => SEVERITIES.indexOf(severity) >= least;
}

/** Writes what was repaired, or prints it as a diff, and returns what is left. */
function fix(
  { values, print, note }: Invocation,
  sources: readonly LintSource[],
  options: LintOptions,
): readonly Finding[] {
  const result = repair(sources, options);
  const before = new Map(sources.map(({ file, text }) => [file, text]));
  const changed = result.sources.filter(({ file, text }) => before.get(file) !== text);
  for (const { file, text } of changed) {
    if (values['dryRun'] === true) for (const line of unifiedDiff(file, before.get(file)!, text)) print(line);
    else write(file, text, print);
  }
  const count = [...result.repaired.values()].reduce((sum, each) => sum + each, 0);
  if (count > 0)
    note(
      `${values['dryRun'] === true ? 'would correct' : 'corrected'} ${count} in ${changed.length} file${changed.length === 1 ? '' : 's'}`,
    );
  return result.findings;
}

/** Standard input goes to standard output. */
function write(file: string, text: string, print: (line: string) => void): void {
  if (file === STDIN_NAME) return print(text.replace(/\n$/u, ''));
  try {
    replaceFile(file, text);
  } catch (error) {
    throw new SluiceError('unwritable', `${file}: ${messageOf(error)}`);
  }
}

function report(
  { values, print }: Invocation,
  sources: readonly LintSource[],
  findings: readonly Finding[],
  failing: (severity: Severity) => boolean,
  words: LintMessages,
): void {
  switch (values['output'] as string) {
    case 'json':
      return print(lintJson(findings));
    case 'sarif':
      return print(lintSarif(findings, version(), rulePages()));
    case 'github':
      return githubCommands(findings).forEach(print);
    case 'junit': {
      const files = sources.map(({ file }) => file);
      return print(lintJunit(files, findings, failing));
    }
    default:
      return findings.forEach((each) => print(findingLine(each, words)));
  }
}

function rulesTable(severity: ReadonlyMap<string, Severity | 'off'>, words: LintMessages): string {
  const rows = ALL_RULES.map((rule) => [
    rule.id,
    severity.get(rule.id) ?? rule.severity,
    rule.repairs === true ? 'fix' : '',
    words.summaries[rule.id] ?? rule.summary,
  ]);
  return table(['RULE', 'SEVERITY', 'FIX', 'FINDS'], rows);
}

function bad(message: string): SluiceError<'bad-input'> {
  return new SluiceError('bad-input', message);
}
