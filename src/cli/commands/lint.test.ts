import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import type { Values } from '../command.ts';
import { command } from './lint.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-lint-'));
afterAll(() => rmSync(folder, { recursive: true }));

const POLICY = `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: web
spec: # everything
  podSelector: {}
  policyTypes: [Ingress]
  egress: [{}]
  ingress: [{}]
`;

let count = 0;

/** A file of its own for each test. */
function file(text: string, name = 'policy.yaml'): string {
  const own = join(folder, String(count++));
  mkdirSync(own);
  writeFileSync(join(own, name), text);
  return join(own, name);
}

async function run(files: readonly string[], values: Values = {}) {
  const printed: string[] = [];
  const noted: string[] = [];
  const code = await command.run({
    arguments: files,
    values: { output: 'text', failOn: 'warning', ...values },
    env: {},
    uid: 0,
    signal: new AbortController().signal,
    print: (line) => printed.push(line),
    note: (line) => noted.push(line),
  });
  return { code, printed, noted };
}

it('exits with 0 for what is clean', async () => {
  const clean = file(POLICY.replace('[Ingress]', '[Egress, Ingress]'));
  expect(await run([clean])).toEqual({ code: 0, printed: [], noted: ['no findings in 1 object in 1 file'] });
});

it('exits with 1 for findings from the severity that is asked for', async () => {
  const path = file(POLICY);
  const { code, printed, noted } = await run([], { filename: [path] });
  expect(printed).toEqual([
    `${path}:7:3: warning: policyTypes does not list Egress, so the egress rules of the policy do nothing; did you mean [Ingress, Egress]? [policy-types]`,
  ]);
  expect([code, noted]).toEqual([1, ['1 warning in 1 object in 1 file']]);
  expect((await run([path], { failOn: 'error' })).code).toBe(0);
});

it('reads a file once that is named twice', async () => {
  const path = file(POLICY);
  expect((await run([path], { filename: [path] })).noted).toEqual(['1 warning in 1 object in 1 file']);
});

it('corrects files with --fix, once and for all', async () => {
  const path = file(POLICY);
  const first = await run([path], { fix: true });
  expect([first.code, first.noted]).toEqual([0, ['corrected 1 in 1 file', 'no findings in 1 object in 1 file']]);
  const after = POLICY.replace('[Ingress]', '[Ingress, Egress]');
  expect(readFileSync(path, 'utf8')).toBe(after);
  expect((await run([path], { fix: true })).noted).toEqual(['no findings in 1 object in 1 file']);
  expect(readFileSync(path, 'utf8')).toBe(after);
});

it('quotes what should be text as it is written, and reads on as if it were', async () => {
  const pod = file(
    'apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\n  labels: { app.kubernetes.io/version: 1.10, on: yes }\nspec:\n  containers: [{ name: a, image: b }]\n' +
      '---\napiVersion: v1\nkind: Service\nmetadata: { name: web }\nspec:\n  selector: { app.kubernetes.io/version: 1.1 }\n  ports: [{ port: 80 }]\n',
  );
  expect((await run([pod])).noted).toEqual(['3 errors in 2 objects in 1 file']);
  expect((await run([pod], { fix: true })).noted).toEqual([
    'corrected 3 in 1 file',
    '1 warning in 2 objects in 1 file',
  ]);
  const text = readFileSync(pod, 'utf8');
  expect(text).toContain('{ app.kubernetes.io/version: "1.10", on: "yes" }');
  expect(text).toContain('selector: { app.kubernetes.io/version: "1.1" }');
});

it('prints a diff with --dry-run and leaves the files', async () => {
  const path = file(POLICY);
  const { code, printed } = await run([path], { fix: true, dryRun: true });
  expect(printed).toEqual([
    `--- a/${path}`,
    `+++ b/${path}`,
    '@@ -4,6 +4,6 @@',
    '   name: web',
    ' spec: # everything',
    '   podSelector: {}',
    '-  policyTypes: [Ingress]',
    '+  policyTypes: [Ingress, Egress]',
    '   egress: [{}]',
    '   ingress: [{}]',
  ]);
  expect([code, readFileSync(path, 'utf8')]).toEqual([0, POLICY]);
});

it('takes severities and exemptions from the settings', async () => {
  const path = file(POLICY);
  const config = join(path, '../.sluice-lint.yaml');
  writeFileSync(config, 'severity: { policy-types: error }\n');
  expect((await run([path], { config })).printed[0]).toContain(': error: ');
  writeFileSync(config, 'ignore: [{ paths: [policy.yaml] }]\n');
  expect((await run([path], { config })).printed).toEqual([]);
});

it.each<[string, string[], Values, RegExp]>([
  ['no file', [], {}, /^what is to be read\?/],
  ['a file that is not there', ['/nowhere/a.yaml'], {}, /^\/nowhere\/a.yaml: no such file or folder$/],
  ['--dry-run alone', [], { dryRun: true }, /--dry-run goes with --fix/],
  ['settings that are not there', [], { config: '/nowhere/c.yaml' }, /^--config \/nowhere\/c.yaml: /],
])('refuses %s', async (_, files, values, message) => {
  await expect(run(files, values)).rejects.toThrow(message);
});

it('refuses settings that it does not know, with their places', async () => {
  const config = file('severity:\n  policy-type: off\n', 'c.yaml');
  await expect(run([], { config })).rejects.toThrow(
    `${config}:2:3: the rule "policy-type" is not known; did you mean policy-types?`,
  );
});

it('passes over settings of tools, and says once that a template has to be rendered', async () => {
  const settings = file('apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [a.yaml]\n');
  expect((await run([settings])).printed).toEqual([]);
  const template = file('metadata:\n  name: {{ .Values.name }}\n  labels: {{- toYaml .Values.labels | nindent 4 }}\n');
  expect((await run([template])).printed).toEqual([
    `${template}:2:1: error: a template and no manifest yet; render it first: helm template CHART | sluice lint - [yaml-syntax]`,
  ]);
});

it('takes braces in text for text, whatever else is wrong with the file', async () => {
  const alerts = file('data:\n  alert: |\n    down: {{ $labels.instance }}\n\n  a: 1\n  a: 2\n');
  expect((await run([alerts])).printed).toEqual([
    `${alerts}:6:3: error: the key "a" is already set in this map [yaml-syntax]`,
  ]);
});

it('lists the rules with the severities that they have here', async () => {
  const config = file('severity: { yaml-syntax: off }\n', 'c.yaml');
  const [table = ''] = (await run([], { config, rules: true })).printed;
  expect(table).toMatch(/^yaml-syntax +off +the file is not YAML/mu);
  expect(table).toMatch(/^policy-types +warning +fix +/mu);
});

it.each([
  ['json', /"id": "policy-types"/],
  ['sarif', /"ruleId": "policy-types"/],
  ['github', /^::warning file=.*,title=policy-types::/],
  ['junit', /<failure type="warning"/],
])('prints %s', async (output, expected) => {
  const { code, printed } = await run([file(POLICY)], { output });
  expect(printed.join('\n')).toMatch(expected);
  expect(code).toBe(1);
});
