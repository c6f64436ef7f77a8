import { describe, expect, it } from 'vitest';
import { parseManifests } from '../kube/yaml.ts';
import { glob } from './glob.ts';
import { lint } from './lint.ts';
import { readSettings } from './settings.ts';

const IDS = ['cidr-host-bits', 'policy-types', 'redundant-rule'];
const POLICY = `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: web, namespace: team-a }
spec:
  podSelector: {}
  policyTypes: [Ingress]
  ingress:
    - from: [{ ipBlock: { cidr: 10.1.2.3/16 } }]
    - {}
  egress: [{}]
`;

function read(text: string) {
  return readSettings(parseManifests(text, 'settings').manifests[0]!, IDS);
}

function found(settings: string, text = POLICY, file = 'apps/web/policy.yaml'): string[] {
  const options = settings === '' ? {} : { settings: read(settings).settings };
  return lint([{ file, text, ...parseManifests(text, file) }], options).map(({ id, severity }) => `${id} ${severity}`);
}

const ALL = ['policy-types warning', 'redundant-rule warning', 'cidr-host-bits warning'];

describe('settings', () => {
  it.each([
    ['nothing', '', ALL],
    ['off', 'severity: { policy-types: off }', ALL.slice(1)],
    [
      'another severity',
      'severity: { policy-types: error, cidr-host-bits: note }',
      ['policy-types error', ALL[1], 'cidr-host-bits note'],
    ],
    ['a path', 'ignore: [{ paths: ["apps/**"] }]', []],
    ['a path elsewhere', 'ignore: [{ paths: ["web/**", "*.yaml"] }]', ALL],
    ['a namespace', 'ignore: [{ namespaces: ["team-*"] }]', []],
    ['a namespace and another name', 'ignore: [{ namespaces: ["team-*"], names: [db] }]', ALL],
    [
      'a rule in a namespace',
      'ignore: [{ namespaces: [team-a], rules: [policy-types, redundant-rule] }]',
      ALL.slice(2),
    ],
  ])('with %s', (_, settings, expected) => expect(found(settings)).toEqual(expected));

  it.each([
    ['severities: {}', 1, 'the field "severities" is not known; did you mean severity?'],
    ['severity:\n  policy-type: off', 2, 'the rule "policy-type" is not known; did you mean policy-types?'],
    ['severity: { policy-types: warn }', 1, 'the severity "warn" is not known; there are note, warning, error, off'],
    ['ignore:\n  - path: [a]', 2, 'the field "path" is not known; did you mean paths?'],
    ['ignore:\n  - {}', 2, 'needs at least one of rules, paths, namespaces, names'],
    ['ignore:\n  - paths: a', 2, 'must be a list with at least one item'],
  ])('refuses %j with its place', (text, line, message) => {
    expect(read(text).issues).toMatchObject([{ line, message }]);
  });
});

describe('comments', () => {
  const comment = (line: number, text: string): string =>
    POLICY.split('\n')
      .toSpliced(line - 1, 0, text)
      .join('\n');

  it.each([
    ['a rule on the next line', comment(6, '  # sluice-lint-disable-next-line policy-types'), ALL.slice(1)],
    ['with a reason', comment(6, '  # sluice-lint-disable-next-line policy-types -- egress comes later'), ALL.slice(1)],
    ['over another comment', comment(6, '  # sluice-lint-disable-next-line policy-types\n  # more\n'), ALL.slice(1)],
    ['another rule on the next line', comment(6, '  # sluice-lint-disable-next-line redundant-rule'), ALL],
    ['every rule on the next line', comment(6, '  # sluice-lint-disable-next-line'), ALL.slice(1)],
    ['a line too early', comment(5, '  # sluice-lint-disable-next-line policy-types'), ALL],
    ['two rules in the file', comment(1, '# sluice-lint-disable policy-types, redundant-rule'), ALL.slice(2)],
    ['every rule from here', comment(8, '    # sluice-lint-disable'), ALL.slice(0, 1)],
    ['a rule that is none', comment(1, '# sluice-lint-disable policy-type'), ['unknown-rule warning', ...ALL]],
    ['a word that only begins so', comment(1, '# sluice-lint-disabled policy-types'), ALL],
  ])('%s', (_, text, expected) => expect(found('', text)).toEqual(expected));
});

describe('glob', () => {
  it.each([
    ['*.yaml', 'a.yaml', true],
    ['*.yaml', 'b/a.yaml', false],
    ['**/*.yaml', 'a.yaml', true],
    ['**/*.yaml', 'c/b/a.yaml', true],
    ['vendor/**', 'vendor/x/y.yaml', true],
    ['vendor/', 'vendor/x.yaml', true],
    ['vendor/**', 'my-vendor/x.yaml', false],
    ['a?c.(x)', 'abc.(x)', true],
    ['a.c', 'abc', false],
  ])('%s and %s', (pattern, text, expected) => expect(glob(pattern).test(text)).toBe(expected));
});
