import type { Finding, Severity } from '../../core/lint/index.ts';
import { escapeXml } from '../xml.ts';
import { findingLine, fullMessage } from './text.ts';

/** JUnit XML: a suite for each file, a case for each finding; a file without any has one case that passes. */
export function lintJunit(
  files: readonly string[],
  findings: readonly Finding[],
  failing: (severity: Severity) => boolean,
): string {
  const byFile = Map.groupBy(findings, ({ file }) => file);
  const failures = findings.filter(({ severity }) => failing(severity)).length;
  const suites = files.map((file) => suite(file, byFile.get(file) ?? [], failing));
  const cases = files.reduce((sum, file) => sum + Math.max(1, byFile.get(file)?.length ?? 0), 0);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="sluice lint" tests="${cases}" failures="${failures}">`,
    ...suites,
    '</testsuites>',
  ].join('\n');
}

function suite(file: string, findings: readonly Finding[], failing: (severity: Severity) => boolean): string {
  const failures = findings.filter(({ severity }) => failing(severity)).length;
  const name = escapeXml(file);
  const cases =
    findings.length === 0
      ? [`    <testcase classname="${name}" name="no findings"/>`]
      : findings.map((finding) => testCase(finding, failing(finding.severity)));
  return [
    `  <testsuite name="${name}" tests="${cases.length}" failures="${failures}">`,
    ...cases,
    '  </testsuite>',
  ].join('\n');
}

function testCase(finding: Finding, fails: boolean): string {
  const { file, id, line, column, severity } = finding;
  const head = `    <testcase classname="${escapeXml(file)}" name="${escapeXml(`${id} at ${line}:${column}`)}" line="${line}">`;
  const text = escapeXml(findingLine(finding));
  const body = fails
    ? `      <failure type="${severity}" message="${escapeXml(fullMessage(finding))}">${text}</failure>`
    : `      <system-out>${text}</system-out>`;
  return [head, body, '    </testcase>'].join('\n');
}
