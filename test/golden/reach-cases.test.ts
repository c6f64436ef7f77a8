import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'vitest';
import { parseManifests } from '../../src/core/kube/yaml.ts';
import { clusterObjects, clusterState } from '../../src/core/policy/index.ts';
import type { ClusterState } from '../../src/core/policy/index.ts';
import { conformanceSteps } from './conformance-table.ts';
import { expectAgreement } from './reach-agreement.ts';

const CALICO = join(import.meta.dirname, 'calico');
const CASES = join(import.meta.dirname, 'cases');

// The verdicts of these cases are written down for evaluate; here it is asked about all their other flows, too.
describe('reach agrees with evaluate about every flow of the golden case', () => {
  it.each(foldersOf(CASES))('%s', (name) => expectAgreement(load([join(CASES, name, 'cluster.yaml')])));

  it.each(foldersOf(CALICO))('calico/%s', (name) =>
    expectAgreement(load([join(CALICO, 'cluster.yaml'), join(CALICO, name, 'policies.yaml')])),
  );

  it('of the conformance tests, each with the policies of a suite', () => {
    const suites = new Map(conformanceSteps().map((step) => [step.suite, step.state]));
    for (const state of suites.values()) expectAgreement(state);
  });
});

function foldersOf(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((each) => (each.isDirectory() ? [each.name] : []));
}

function load(files: readonly string[]): ClusterState {
  const manifests = files.flatMap((file) => parseManifests(readFileSync(file, 'utf8'), file).manifests);
  const { objects, locate } = clusterObjects(manifests);
  return clusterState(objects, locate);
}
