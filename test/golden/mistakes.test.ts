import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { loadDefinitions } from '../../src/app/apiserver/definitions.ts';
import { checkManifest, formatLoadIssue } from '../../src/core/kube/check-manifest.ts';
import type { SchemaCatalogue } from '../../src/core/kube/check-manifest.ts';
import { parseManifests } from '../../src/core/kube/yaml.ts';
import { schemaSource } from '../../src/core/objectstore/schema/schema-source.ts';
import { REF_PREFIX } from '../../src/core/objectstore/schema/schema.ts';

const EXAMPLES = join(import.meta.dirname, '../../examples');
const source = schemaSource(loadDefinitions());

const schemas: SchemaCatalogue = {
  ofKind: (apiVersion, kind) => {
    const [first, second] = apiVersion.split('/') as [string, string?];
    return second === undefined ? source.ofKind('', first, kind) : source.ofKind(first, second, kind);
  },
  resolve: (ref) => source.definitions[ref.slice(REF_PREFIX.length)],
};

function check(file: string): string[] {
  const { manifests, issues } = parseManifests(readFileSync(join(EXAMPLES, file), 'utf8'), file);
  return [...issues, ...manifests.flatMap((each) => checkManifest(each, schemas))].map(formatLoadIssue);
}

it.each([
  ['policy-type', /policy-type\.yaml:\d+:3: unknown field "spec\.policyType"; did you mean "spec\.policyTypes"\?$/],
  [
    'ports-under-to',
    /ports-under-to\.yaml:\d+:11: unknown field "spec\.egress\[0\]\.to\[0\]\.ports"; did you mean "spec\.egress\[0\]\.ports"\?$/,
  ],
  ['no-space', /no-space\.yaml:\d+:3: .*put a space after podSelector:$/],
  ['no-api-version', /apiVersion not set; a NetworkPolicy is apiVersion: networking\.k8s\.io\/v1$/],
  ['lower-case-api-version', /apiVersion not set; did you mean apiVersion instead of apiversion\?$/],
])('the mistake %s is named with its place and what was meant', (name, expected) => {
  const found = check(`mistakes/${name}.yaml`);
  expect(found).toHaveLength(1);
  expect(found[0]).toMatch(expected);
});

/** Specs of `sluice test` stand beside the manifests that they are about. */
const SPEC = /^policy-tests\/[^/]+\.yaml$/;

/** The loader has one thing to say of them: that there is a current form. */
const OLD = /-v1beta1\.yaml$/;

it('of an example in an old form it is said which one is current', () => {
  expect(check('7-ingress/ingress-v1beta1.yaml')).toEqual([
    expect.stringMatching(/did you mean networking\.k8s\.io\/v1\?$/),
  ]);
});

it('every other example is accepted', () => {
  const files = readdirSync(EXAMPLES, { recursive: true, encoding: 'utf8' });
  const good = files.filter(
    (file) => file.endsWith('.yaml') && !file.startsWith('mistakes') && !SPEC.test(file) && !OLD.test(file),
  );
  expect(good.length).toBeGreaterThan(5);
  expect(good.flatMap(check)).toEqual([]);
});
