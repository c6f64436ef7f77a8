import { describe, formatExplanation } from '../../core/policy/explain.ts';
import { escapeXml } from '../xml.ts';
import { detailOf, messageOfResult, placeOf, totalsOf, type SpecResult } from './report.ts';
import type { TestResult } from './run-tests.ts';

/** The report in the Test Anything Protocol, version 14. */
export function tapReport(specs: readonly SpecResult[]): string {
  const all = specs.flatMap(({ results }) => results);
  const lines = all.flatMap((result, index) => {
    const head = `${result.outcome === 'pass' ? 'ok' : 'not ok'} ${index + 1} - ${tapText(result.test.name)}`;
    if (result.outcome === 'pass') return [head];
    return [
      head,
      '  ---',
      `  message: ${JSON.stringify(messageOfResult(result))}`,
      `  severity: ${result.outcome}`,
      `  at: ${JSON.stringify(placeOf(result))}`,
      ...(result.outcome === 'fail'
        ? [
            '  why: |',
            ...formatExplanation(result.counterExample.explanation)
              .split('\n')
              .map((line) => `    ${line}`),
          ]
        : []),
      '  ...',
    ];
  });
  return ['TAP version 14', `1..${all.length}`, ...lines].join('\n');
}

/** What would start a directive, an escape or another line. */
function tapText(name: string): string {
  return name.replaceAll('\\', '\\\\').replaceAll('#', '\\#').replaceAll(/\s+/gu, ' ');
}

/** The report in JUnit's XML, a suite a spec. */
export function junitReport(specs: readonly SpecResult[]): string {
  const suites = specs.flatMap((spec) => {
    const { pass, fail, error } = totalsOf([spec]);
    const counts = `tests="${pass + fail + error}" failures="${fail}" errors="${error}"`;
    return [
      `  <testsuite name="${escapeXml(spec.spec.file)}" ${counts}>`,
      ...spec.results.map((each) => junitCase(spec, each)),
      '  </testsuite>',
    ];
  });
  const { pass, fail, error } = totalsOf(specs);
  const counts = `tests="${pass + fail + error}" failures="${fail}" errors="${error}"`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="sluice test" ${counts}>`,
    ...suites,
    '</testsuites>',
  ].join('\n');
}

function junitCase({ spec }: SpecResult, result: TestResult): string {
  const head = `    <testcase name="${escapeXml(result.test.name)}" classname="${escapeXml(spec.file)}" file="${escapeXml(spec.file)}" line="${result.test.at.line}"`;
  if (result.outcome === 'pass') return `${head}/>`;
  const tag = result.outcome === 'fail' ? 'failure' : 'error';
  const detail = escapeXml(detailOf(result).join('\n'));
  return `${head}>\n      <${tag} message="${escapeXml(messageOfResult(result))}">${detail}</${tag}>\n    </testcase>`;
}

/** The report as data. */
export function jsonReport(specs: readonly SpecResult[]): string {
  const tests = specs.flatMap(({ results }) =>
    results.map((result) => ({
      name: result.test.name,
      verb: result.test.verb,
      ...result.test.at,
      outcome: result.outcome,
      ...(result.outcome === 'pass' ? { pairs: result.pairs } : { message: messageOfResult(result) }),
      ...(result.outcome === 'fail' ? { counterExample: counterExampleJson(result) } : {}),
    })),
  );
  return JSON.stringify({ ...totalsOf(specs), tests }, null, 2);
}

function counterExampleJson({
  counterExample: { expected, verdict, explanation },
}: Extract<TestResult, { outcome: 'fail' }>): unknown {
  const { source, destination, protocol, port, icmp } = verdict.flow;
  return {
    from: describe(source),
    to: describe(destination),
    protocol,
    ...(port === undefined ? {} : { port }),
    ...(icmp === undefined ? {} : { icmp }),
    expected,
    verdict: verdict.allowed ? 'allow' : 'deny',
    explanation: explanation.map(({ text }) => text),
  };
}
