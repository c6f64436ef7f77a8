import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { testCluster } from './kubectl.test-support.ts';
import type { TestCluster } from './kubectl.test-support.ts';

const DEFINITIONS = join(import.meta.dirname, '../../../deploy/policy-apis.yaml');

describe('policies of other APIs, through the real kubectl', () => {
  let cluster: TestCluster;
  const ok = (args: string, input?: string): Promise<string> => cluster.ok(args.split(' '), input);
  const apply = (text: string) => cluster.kubectl(['apply', '-f', '-'], text);

  beforeAll(async () => {
    cluster = await testCluster();
    await ok(`apply -f ${DEFINITIONS}`);
  });
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  const manifest = (kind: string, apiVersion: string, name: string, spec: string): string =>
    `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: { name: ${name} }\nspec: ${spec}\n`;
  const [API, V3] = ['policy.networking.k8s.io', 'projectcalico.org/v3'];

  it.each([
    ['anp', 'AdminNetworkPolicy', `${API}/v1alpha1`, '{ priority: 7, subject: { namespaces: {} } }', 'PRIORITY', '7'],
    ['banp', 'BaselineAdminNetworkPolicy', `${API}/v1alpha1`, '{ subject: { namespaces: {} } }', 'AGE', '\\d+s'],
    [
      'cnp',
      'ClusterNetworkPolicy',
      `${API}/v1alpha2`,
      '{ tier: Baseline, priority: 8, subject: { namespaces: {} } }',
      'TIER +PRIORITY',
      'Baseline +8',
    ],
    ['gnp', 'GlobalNetworkPolicy', V3, '{ order: 3.5, selector: all() }', 'TIER +ORDER', 'default +3.5'],
    ['caliconetworkpolicy', 'NetworkPolicy', V3, '{ order: 4, selector: all() }', 'TIER +ORDER', 'default +4'],
    ['tiers', 'Tier', V3, '{ order: 1000000 }', 'ORDER', '1000000'],
    ['gns', 'GlobalNetworkSet', V3, '{ nets: [10.0.0.0/8] }', 'AGE', '\\d+s'],
    ['netsets', 'NetworkSet', V3, '{ nets: [10.0.0.0/8] }', 'AGE', '\\d+s'],
    ['hep', 'HostEndpoint', V3, "{ node: n1, interfaceName: '*' }", 'NODE +INTERFACE', 'n1 +\\*'],
    ['profiles', 'Profile', V3, '{}', 'AGE', '\\d+s'],
    ['sgnp', 'StagedGlobalNetworkPolicy', V3, '{ order: 6, selector: all() }', 'TIER +ORDER', 'default +6'],
    // Calico's own settings are many; what is not about policy is kept as it is.
    ['felixconfig', 'FelixConfiguration', V3, '{ logSeverityScreen: Info }', 'AGE', '\\d+s'],
  ])('serves %s with its columns', async (short, kind, apiVersion, spec, head, row) => {
    await ok('apply -f -', manifest(kind, apiVersion, 'default', spec));
    expect(await ok(`get ${short}`)).toMatch(new RegExp(`^NAME +.*${head}.*\n.*default.*${row}`, 'u'));
  });

  it('keeps `networkpolicies` for those of Kubernetes', async () => {
    await ok('create -f -', manifest('NetworkPolicy', 'networking.k8s.io/v1', 'k', '{ podSelector: {} }'));
    expect(await ok('get networkpolicies -o name')).toBe('networkpolicy.networking.k8s.io/k\n');
    expect(await ok('get networkpolicies.projectcalico.org -o name')).toBe('networkpolicy.projectcalico.org/default\n');
  });

  it('has both of Calico’s groups, and ports as numbers, ranges and names', async () => {
    const rule = '{ action: Allow, protocol: 6, destination: { ports: [80, "90:99", http] } }';
    await ok(
      'apply -f -',
      manifest('GlobalNetworkPolicy', 'crd.projectcalico.org/v1', 'stored', `{ ingress: [${rule}] }`),
    );
    const ports = 'jsonpath={.spec.ingress[0].destination.ports}';
    expect(await ok(`get globalnetworkpolicies.crd.projectcalico.org stored -o ${ports}`)).toBe('[80,"90:99","http"]');
    expect(await ok('explain gnp.spec.ingress.destination.selector')).toContain('Labels of endpoints');
  });

  it.each([
    ['a field with a typo', 'GlobalNetworkPolicy', V3, '{ selectr: all() }', '(did you mean "spec.selector"?)'],
    ['an action that there is not', 'GlobalNetworkPolicy', V3, '{ ingress: [{ action: Drop }] }', '"Allow", "Deny"'],
    ['a selector that cannot be read', 'GlobalNetworkPolicy', V3, '{ selector: "a = b" }', 'spec.selector: Invalid'],
    ['a block that is none', 'GlobalNetworkSet', V3, '{ nets: [10.0.0.0/40] }', 'spec.nets[0]'],
    [
      'a priority out of range',
      'AdminNetworkPolicy',
      `${API}/v1alpha1`,
      '{ priority: 1001, subject: { namespaces: {} } }',
      'less than or equal to 1000',
    ],
    [
      'a subject of two sorts',
      'ClusterNetworkPolicy',
      `${API}/v1alpha2`,
      '{ tier: Admin, priority: 1, subject: { namespaces: {}, pods: { podSelector: {} } } }',
      'spec.subject',
    ],
  ])('refuses %s', async (_what, kind, apiVersion, spec, words) => {
    const { code, err } = await apply(manifest(kind, apiVersion, 'bad', spec));
    expect(code).toBe(1);
    expect(err).toContain(words);
  });

  it('lets whoever enforces a policy say so in its status', async () => {
    const status = '{"status":{"conditions":[{"type":"Accepted","status":"True"}]}}';
    await ok(`patch cnp default --subresource=status --type=merge -p ${status}`);
    expect(await ok('get cnp default -o jsonpath={.status.conditions[0].type}')).toBe('Accepted');
  });
});
