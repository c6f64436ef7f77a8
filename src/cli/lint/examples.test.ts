import { join, relative } from 'node:path';
import { expect, it } from 'vitest';
import { lint } from '../../core/lint/index.ts';
import { readSources } from '../read-manifests.ts';
import { manifestSchemas } from '../schemas.ts';
import { findingLine } from './text.ts';

const ROOT = join(import.meta.dirname, '../../..');
const schemas = manifestSchemas();

function findings(...paths: string[]): string[] {
  const { sources } = readSources(paths.map((path) => join(ROOT, path)));
  return lint(sources, { schemas }).map((each) => findingLine({ ...each, file: relative(ROOT, each.file) }));
}

it.each([
  [
    'policy-type',
    /:8:3: error: unknown field "spec\.policyType"; did you mean "spec\.policyTypes"\? \[unknown-field\]$/,
  ],
  ['ports-under-to', /:16:11: error: unknown field .*; did you mean "spec\.egress\[0\]\.ports"\? \[unknown-field\]$/],
  ['no-space', /:7:3: error: .*put a space after podSelector: \[missing-space\]$/],
  [
    'no-api-version',
    /:2:1: error: apiVersion not set; did you mean apiVersion: networking\.k8s\.io\/v1\? \[api-version\]$/,
  ],
  ['lower-case-api-version', /:2:1: error: .*did you mean apiVersion instead of apiversion\? \[api-version\]$/],
  ['or-for-and', /:17:11: warning: two items of from .*did you mean one item .*\? \[or-for-and\]$/],
  ['and-for-or', /:14:11: note: one item of from .*did you mean two items.*\? \[and-for-or\]$/],
])('finds the mistake %s of the guides, and nothing else in its file', (name, expected) => {
  const found = findings(`examples/mistakes/${name}.yaml`);
  expect(found).toHaveLength(1);
  expect(found[0]).toMatch(expected);
});

it.each([
  '1-two-namespaces',
  '2-labels',
  '3-blocks-and-labels',
  '4-kubernetes-docs',
  '5-default-policies',
  '6-allow-from-namespace-a',
])('has nothing to say of examples/%s', (folder) => {
  expect(findings(`examples/${folder}`)).toEqual([]);
});

it.each(['sluice', 'sluice-policy-only'])('has nothing to say of the install manifest %s', (name) => {
  expect(findings(`deploy/${name}.yaml`)).toEqual([]);
});
