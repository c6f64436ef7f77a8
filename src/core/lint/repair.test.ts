import { describe, expect, it } from 'vitest';
import { parseManifests } from '../kube/yaml.ts';
import { repair } from './repair.ts';

function source(text: string, file = 'f.yaml') {
  return { file, text, ...parseManifests(text, file) };
}

function fixed(text: string): string {
  return repair([source(text)], {}).sources[0]!.text;
}

const HEAD = 'apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: p\nspec:\n  podSelector: {}\n';

it('does not make another protocol of one that NetworkPolicies do not know', () => {
  const ping = `${HEAD}  ingress: [{ ports: [{ protocol: ICMP }] }]\n`;
  expect(fixed(ping)).toBe(ping);
});

describe('corrects the text and leaves the rest as it is:', () => {
  it.each([
    [
      'a missing space, with what follows on the line',
      HEAD.replace('podSelector: {}', 'podSelector:{} # everything'),
      HEAD.replace('podSelector: {}', 'podSelector: {} # everything'),
    ],
    [
      'a wrong case of a key, with comments around it',
      HEAD.replace('apiVersion', '# top\napiversion   ').replace('/v1\n', '/v1 # current\n'),
      HEAD.replace('apiVersion', '# top\napiVersion   ').replace('/v1\n', '/v1 # current\n'),
    ],
    ['a missing version', HEAD.slice(HEAD.indexOf('kind')), HEAD],
    [
      'a missing version inside a List',
      'apiVersion: v1\nkind: List\nitems:\n  - kind: Service # a\n    metadata: { name: a }\n    spec: { ports: [{ port: 1 }] }\n',
      'apiVersion: v1\nkind: List\nitems:\n  - apiVersion: v1\n    kind: Service # a\n    metadata: { name: a }\n    spec: { ports: [{ port: 1 }] }\n',
    ],
    [
      'types in brackets',
      `${HEAD}  policyTypes: [Ingress] # why\n  egress: [{}]\n  ingress: [{}]\n`,
      `${HEAD}  policyTypes: [Ingress, Egress] # why\n  egress: [{}]\n  ingress: [{}]\n`,
    ],
    [
      'types with dashes',
      `${HEAD}  policyTypes:\n    - Ingress # why\n  # rules\n  egress: [{}]\n  ingress: [{}]\n`,
      `${HEAD}  policyTypes:\n    - Ingress # why\n    - Egress\n  # rules\n  egress: [{}]\n  ingress: [{}]\n`,
    ],
    [
      'types with dashes that are not indented',
      `${HEAD}  policyTypes:\n  - Ingress\n  egress: [{}]\n  ingress: [{}]`,
      `${HEAD}  policyTypes:\n  - Ingress\n  - Egress\n  egress: [{}]\n  ingress: [{}]`,
    ],
    [
      'quotes and case in a port, at once',
      `${HEAD}  ingress:\n    - ports:\n        - { protocol: 'tcp', port: "80" }\n`,
      `${HEAD}  ingress:\n    - ports:\n        - { protocol: 'TCP', port: 80 }\n`,
    ],
    [
      'a rule that repeats, with the comment on its line, not that above the next',
      `${HEAD}  ingress:\n    - ports:\n        - port: 80\n    - ports: # again\n        - port: 80 # again\n    # other\n    - ports:\n        - port: 81\n`,
      `${HEAD}  ingress:\n    - ports:\n        - port: 80\n    # other\n    - ports:\n        - port: 81\n`,
    ],
    [
      'ports that repeat in brackets',
      `${HEAD}  ingress: [{ ports: [{ port: 80 }, { port: 80 }, { port: 81 }, { port: 81 }] }]\n`,
      `${HEAD}  ingress: [{ ports: [{ port: 80 }, { port: 81 }] }]\n`,
    ],
    [
      'Windows line ends',
      `${HEAD}  policyTypes:\n  - Ingress\n  egress:\n  - {}\n  ingress: [{}]\n`.replaceAll('\n', '\r\n'),
      `${HEAD}  policyTypes:\n  - Ingress\n  - Egress\n  egress:\n  - {}\n  ingress: [{}]\n`.replaceAll('\n', '\r\n'),
    ],
    [
      'the second document of a file',
      `# first\n${HEAD}---\n# second\n${HEAD.replace('name: p', 'name: q')}  policytypes: [Egress]\n`,
      `# first\n${HEAD}---\n# second\n${HEAD.replace('name: p', 'name: q')}  policytypes: [Egress]\n`,
    ],
    ['a version that there never was', HEAD.replace('io/v1', 'io/v1beta1'), HEAD],
    [
      'JSON, which stays JSON',
      '{ "kind": "NetworkPolicy", "metadata": { "name": "p" }, "spec": { "podSelector": {}, "policyTypes": ["Ingress"], "egress": [{ "ports": [{ "protocol": "udp", "port": "53" }] }], "ingress": [{}] } }',
      '{ "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": { "name": "p" }, "spec": { "podSelector": {}, "policyTypes": ["Ingress", "Egress"], "egress": [{ "ports": [{ "protocol": "UDP", "port": 53 }] }], "ingress": [{}] } }',
    ],
    [
      'addresses beyond the prefix, also of exceptions',
      `${HEAD}  ingress:\n    - from:\n        - ipBlock: { cidr: 10.1.2.3/8, except: [10.1.1.1/16] }\n`,
      `${HEAD}  ingress:\n    - from:\n        - ipBlock: { cidr: 10.0.0.0/8, except: [10.1.0.0/16] }\n`,
    ],
  ])('%s', (_, before, after) => {
    expect(fixed(before)).toBe(after);
    expect(fixed(after)).toBe(after);
  });
});

it('leaves alone what stands for something else too', () => {
  const text = `${HEAD}  ingress:\n    - ports: [{ port: &p "80" }, { protocol: UDP, port: *p }]\n`;
  expect(fixed(text)).toBe(text);
});

it('leaves a file that it cannot read, and repairs the others', () => {
  const broken = 'a: [\n';
  const result = repair([source(broken, 'a.yaml'), source(HEAD.replace('apiV', 'apiv'), 'b.yaml')], {});
  expect(result.sources.map(({ text }) => text)).toEqual([broken, HEAD]);
  expect([...result.repaired]).toEqual([['b.yaml', 1]]);
  expect(result.findings.map(({ file }) => file)).toEqual(['a.yaml']);
});

it('goes on until nothing is left: a version that is put in shows what is wrong with the fields', () => {
  const text = `${HEAD}  policyTypes: [Ingress]\n  egress:\n    - ports: [{ port: "53" }]\n  ingress: [{}]\n`.replace(
    'apiV',
    'apiv',
  );
  const result = repair([source(text)], {});
  expect(result.sources[0]!.text).toBe(
    `${HEAD}  policyTypes: [Ingress, Egress]\n  egress:\n    - ports: [{ port: 53 }]\n  ingress: [{}]\n`,
  );
  expect([...result.repaired]).toEqual([['f.yaml', 3]]);
});

it('does not repair what a comment has turned off', () => {
  const text = `# sluice-lint-disable policy-types\n${HEAD}  policyTypes: [Ingress]\n  egress: [{}]\n  ingress: [{}]\n`;
  expect(fixed(text)).toBe(text);
});
