import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseManifests } from '../../core/kube/yaml.ts';
import { schemaProblems, type JsonSchema } from '../json-schema.test-support.ts';
import { describeParty } from '../party/describe.ts';
import { readSpec } from './read-spec.ts';

const schema = JSON.parse(
  readFileSync(new URL('../../../docs/schemas/policy-test.schema.json', import.meta.url), 'utf8'),
) as JsonSchema;

function problemsBySchema(text: string): readonly string[] {
  const { manifests } = parseManifests(text, 'spec.yaml');
  return manifests.flatMap(({ object }) => schemaProblems(object, schema));
}

function complaint(text: string): string {
  try {
    readSpec(text, 'spec.yaml');
  } catch (error) {
    return (error as Error).message;
  }
  return '';
}

describe('a spec that is understood', () => {
  const text = `
# yaml-language-server: $schema=policy-test.schema.json
files: [manifests, ../base.yaml]
namespace: shop
tests:
  - name: customers reach the shop
    allow: { from: outside, to: deployment/web, port: 8080 }
  - allow: { from: [front, 10.1.2.3, { namespaces: team=a, pods: 'app in (a,b)' }], to: any, port: [80, 443-450, http] }
  - deny: { from: { namespace: [a, b] }, protocol: udp }
  - only: { from: shop/front, to: shop/service/db, port: 5432, exclusive: to }
  - never: { from: { not: [{ namespace: payments }, node/n1] }, port: 5432 }
  - allow: { from: nodes, to: shop/sts/db, protocol: ICMP }
`;

  it('says the same as the schema, and names tests that have no name', () => {
    expect(problemsBySchema(text)).toEqual([]);
    const spec = readSpec(text, 'spec.yaml');
    expect(spec.files).toEqual(['manifests', '../base.yaml']);
    expect(spec.tests.map(({ name }) => name)).toEqual([
      'customers reach the shop',
      'allow shop/front, 10.1.2.3/32, pods app in (a,b) in namespaces team=a → any TCP 80, 443-450, http',
      'deny pods in a, b → any UDP',
      'only to shop/front → shop/service/db TCP 5432',
      'never not (pods in payments, node/n1) → any TCP 5432',
      'allow nodes → shop/statefulset/db ICMP',
    ]);
    expect(spec.tests.map(({ at }) => at.line)).toEqual([6, 8, 9, 10, 11, 12]);
  });

  it.each([
    ['web', 'shop/web'],
    ['pod/web', 'shop/web'],
    ['a/pods/web', 'a/web'],
    ['svc/web', 'shop/service/web'],
    ['a/deploy/web', 'a/deployment/web'],
    ['a/Deployments/web', 'a/deployment/web'],
    ['fd00::1', 'fd00::1/128'],
    ['10.1.2.3/8', '10.0.0.0/8'],
    ['an', 'shop/an'],
  ])('%s means %s', (name, meaning) => {
    const spec = readSpec(`namespace: shop\ntests: [{ deny: { from: '${name}' } }]`, 'spec.yaml');
    expect(describeParty(spec.tests[0]!.from)).toBe(meaning);
  });
});

describe('a spec that is not understood is refused with place and hint', () => {
  it.each([
    ['test: []', 'spec.yaml:1:1: test: unknown field "test"; did you mean "tests"?'],
    ['tests: []', 'spec.yaml:1:1: tests: must be a list of one test or more'],
    ['tests:\n  - alow: { to: a }', 'spec.yaml:2:5: tests[0].alow: unknown field "alow"; did you mean "allow"?'],
    ['tests:\n  - name: nothing', 'tests[0]: asserts nothing; add one of allow, deny, only, never'],
    ['tests: [{ allow: { from: a, to: b } }]', 'allow needs port'],
    ['tests: [{ allow: { to: b, port: 80 } }]', 'allow needs from; write any'],
    ['tests: [{ deny: {} }]', 'deny needs from, to or port'],
    ['tests: [{ deny: { to: a, port: 0 } }]', 'ports are from 1 to 65535, not 0'],
    ['tests: [{ deny: { to: a, port: 90-80 } }]', '90-80 ends before it begins'],
    ['tests: [{ deny: { to: a, port: UPPER } }]', 'not "UPPER"'],
    ['tests: [{ deny: { to: a, protocol: TPC } }]', 'must be TCP, UDP, SCTP, ICMP, not "TPC"; did you mean TCP?'],
    ['tests: [{ deny: { to: a, protocol: ICMP, port: 8 } }]', 'ICMP has no ports'],
    ['tests: [{ deny: { from: outsid } }]', 'did you mean outside?'],
    ['tests: [{ deny: { from: 10.0.0.0/33 } }]', '10.0.0.0/33 is no block of addresses'],
    ['tests: [{ deny: { from: a/deployent/b } }]', 'there is no kind "deployent"; did you mean deployment?'],
    ['tests: [{ deny: { from: { pod: app=a } } }]', 'unknown field "pod"; did you mean "pods"?'],
    ['tests: [{ deny: { from: { pods: app in } } }]', 'write labels as kubectl takes them'],
    ['tests: [{ deny: { from: { namespace: a, namespaces: b } } }]', 'cannot stand beside namespace'],
    ['tests: [{ deny: { from: { not: a, pods: b } } }]', 'cannot stand beside not'],
    ['tests: [{ deny: { from: [] } }]', 'must not be empty'],
    ['tests: [{ deny: { from: a }, allow: { to: b } }]', 'a test asserts one thing: it has allow already'],
    ['tests: [{ allow: { from: a, to: b, port: 80, exclusive: to } }]', 'unknown field "exclusive"'],
    ['kind: Pod\nmetadata: { name: a }', 'this is a manifest of kind Pod, not a spec of tests'],
    ['tests: [{ deny: { to: a } }]\n---\ntests: []', 'spec.yaml:3:1: a spec is one document'],
    ['', 'spec.yaml:1:1: the file holds no tests'],
    ['tests: [', 'spec.yaml:1:'],
  ])('%j', (text, words) => {
    expect(complaint(text)).toContain(words);
  });

  it('with all issues at once, in the order of the file', () => {
    const text = 'tests:\n  - deny: { port: 0 }\n  - allow: { from: a, to: b, port: 80, x: 1 }\n';
    expect(
      complaint(text)
        .split('\n')
        .map((line) => line.slice(0, 12)),
    ).toEqual(['spec.yaml:2:', 'spec.yaml:3:']);
  });

  it.each([
    'test: []',
    'tests: []',
    'tests: [{ alow: { to: a } }]',
    'tests: [{ allow: { from: a, to: b } }]',
    'tests: [{ deny: {} }]',
    'tests: [{ deny: { to: a, protocol: TPC } }]',
    'tests: [{ deny: { to: a, port: 70000 } }]',
    'tests: [{ deny: { from: { pod: app=a } } }]',
    'tests: [{ deny: { from: { namespace: a, namespaces: b } } }]',
    'tests: [{ deny: { from: a }, allow: { from: b, to: c, port: 1 } }]',
  ])('and the schema refuses it, too: %s', (text) => {
    expect(complaint(text)).not.toBe('');
    expect(problemsBySchema(text)).not.toEqual([]);
  });
});
