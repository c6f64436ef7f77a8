import { formatExplanation } from '../../core/policy/explain.ts';
import type { TestResult } from './run-tests.ts';
import type { TestSpec } from './spec.ts';
import { flowText } from './witness-flow.ts';

/** The results of one spec. */
export interface SpecResult {
  readonly spec: TestSpec;
  readonly results: readonly TestResult[];
}

/** How many tests ended how. */
export interface Totals {
  readonly pass: number;
  readonly fail: number;
  readonly error: number;
}

/** Counts outcomes. */
export function totalsOf(specs: readonly SpecResult[]): Totals {
  const all = specs.flatMap(({ results }) => results);
  const count = (outcome: TestResult['outcome']) => all.filter((each) => each.outcome === outcome).length;
  return { pass: count('pass'), fail: count('fail'), error: count('error') };
}

/** The report for people: a line a test, and of those that failed the connection that should not be as it is, and why. */
export function textReport(specs: readonly SpecResult[]): string {
  const lines = specs.flatMap(({ spec, results }) => [spec.file, ...results.flatMap(textOf), '']);
  const { pass, fail, error } = totalsOf(specs);
  const total = pass + fail + error;
  const parts = [
    `${pass} passed`,
    ...(fail === 0 ? [] : [`${fail} failed`]),
    ...(error === 0 ? [] : [`${error} in error`]),
  ];
  return [...lines, `${total} ${total === 1 ? 'test' : 'tests'}: ${parts.join(', ')}`].join('\n');
}

function textOf(result: TestResult): readonly string[] {
  const { name } = result.test;
  if (result.outcome === 'pass') return [`  ok     ${name}`];
  const head = `  ${result.outcome === 'fail' ? 'FAIL ' : 'ERROR'}  ${name}  (${placeOf(result)})`;
  return [head, ...detailOf(result).map((line) => `           ${line}`)];
}

/** Where the test stands: `file:line:column`. */
export function placeOf({ test: { at } }: TestResult): string {
  return `${at.file}:${at.line}:${at.column}`;
}

/** What is wrong in one line: what was expected and what is, or why it could not be asked. */
export function messageOfResult(result: TestResult): string {
  if (result.outcome === 'pass') return '';
  if (result.outcome === 'error') return result.message;
  const { expected, verdict } = result.counterExample;
  return `should be ${expected}, and is ${verdict.allowed ? 'allowed' : 'denied'}: ${flowText(verdict.flow)}`;
}

/** {@link messageOfResult}, and the explanation of the counter-example. */
export function detailOf(result: TestResult): readonly string[] {
  const message = messageOfResult(result);
  if (result.outcome !== 'fail') return message === '' ? [] : [message];
  return [message, ...formatExplanation(result.counterExample.explanation).split('\n')];
}
