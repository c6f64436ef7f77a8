import { readFileSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { SluiceError } from '../../base/errors.ts';
import { clusterState } from '../../core/policy/cluster-state.ts';
import type { ClusterState } from '../../core/policy/cluster.ts';
import type { Command, Invocation } from '../command.ts';
import { fileProblem } from '../file-problem.ts';
import { INPUT_OPTIONS, STAGED, formatPolicyIssue, pathsOf, readFiles, readInput } from '../input.ts';
import { LANGUAGE, languageOf } from '../language.ts';
import { isSpec, readSpec } from '../test/read-spec.ts';
import { jsonReport, junitReport, tapReport } from '../test/report-machine.ts';
import { textReport, totalsOf, type SpecResult } from '../test/report.ts';
import { runTests } from '../test/run-tests.ts';
import type { TestSpec } from '../test/spec.ts';

const REPORTS: Readonly<Record<string, (specs: readonly SpecResult[]) => string>> = {
  text: textReport,
  tap: tapReport,
  junit: junitReport,
  json: jsonReport,
};

/** `sluice test SPEC…` */
export const command: Command = {
  meta: {
    description:
      'Runs tests that say which connections must be allowed, must be denied, may be had by these only, or must never be.\n' +
      'A spec names its manifests (files:, relative to itself); -f or --live put others in their place.\n' +
      'Exit code 0: all hold; 1: some fail, each with a connection that proves it; 2: some could not be run.',
    examples: [
      'sluice test policy-tests.yaml',
      'sluice test tests/*.yaml -f manifests/ -o junit > report.xml',
      'sluice test invariants.yaml --live',
    ],
  },
  args: {
    positionals: [{ name: '<spec...>', description: 'files of tests, or folders of them', completes: 'file' }],
    options: [
      ...INPUT_OPTIONS,
      STAGED,
      LANGUAGE,
      {
        flags: '-o, --output <format>',
        description: 'how to print it',
        choices: Object.keys(REPORTS),
        fallback: 'text',
      },
    ],
  },
  run: async (invocation) => {
    const { values, print, env } = invocation;
    const language = languageOf(values['lang'] as string | undefined, env);
    const specs = invocation.arguments.flatMap((path) => specFiles(path ?? '').map(readSpecFile));
    const given =
      pathsOf(values).length > 0 || values['live'] === true ? (await readInput(invocation)).state : undefined;
    const results = specs.map((spec) => ({
      spec,
      results: runTests(spec, given ?? readOwnFiles(spec, invocation), language),
    }));
    print(REPORTS[String(values['output'])]!(results));
    const { fail, error } = totalsOf(results);
    return error > 0 ? 2 : fail > 0 ? 1 : 0;
  },
};

/** The path itself, or, of a folder, the files in it that are specs; manifests beside them are left alone. */
function specFiles(path: string): readonly string[] {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) return [path];
  const files = readdirSync(path).filter((name) => /\.(?:ya?ml|json)$/u.test(name) && !name.startsWith('.'));
  const specs = files
    .sort()
    .map((name) => join(path, name))
    .filter((file) => isSpec(read(file), file));
  if (specs.length === 0) throw new SluiceError('no-such-input', `${path}: no file in this folder is a spec of tests`);
  return specs;
}

function readSpecFile(file: string): TestSpec {
  return readSpec(read(file), file);
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new SluiceError('no-such-input', `${file}: ${fileProblem(error)}`, {}, error);
  }
}

function readOwnFiles({ file, files }: TestSpec, { note, values }: Invocation): ClusterState {
  if (files.length === 0) {
    const message = `${file}: which manifests? Add files: to the spec, or -f or --live to the command`;
    throw new SluiceError('bad-input', message);
  }
  const { objects, locate } = readFiles(
    files.map((each) => join(dirname(file), each)),
    // A folder may well hold the spec itself.
    () => undefined,
  );
  const state = clusterState(objects, locate, { staged: values['staged'] === true ? 'enforced' : 'ignored' });
  for (const issue of state.issues) note(`warning: ${formatPolicyIssue(issue)}`);
  return state;
}
