import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { testCluster } from './kubectl.test-support.ts';
import type { TestCluster } from './kubectl.test-support.ts';

const ROOT = join(import.meta.dirname, '../../..');

describe('the Gateway API, through the real kubectl', () => {
  let cluster: TestCluster;
  const ok = (args: string, input?: string): Promise<string> => cluster.ok(args.split(' '), input);
  const apply = (kind: string, spec: string, version = 'v1') =>
    cluster.kubectl(
      ['apply', '-f', '-'],
      `apiVersion: gateway.networking.k8s.io/${version}\nkind: ${kind}\nmetadata: { name: other }\nspec: ${spec}\n`,
    );

  beforeAll(async () => {
    cluster = await testCluster();
    for (const name of ['gateway-apis', 'gateway-class']) await ok(`apply -f ${ROOT}/deploy/${name}.yaml`);
    await ok(`apply -f ${ROOT}/examples/gateway`);
  });
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  it('shows addresses and what the controller says of Gateways, routes and classes', async () => {
    const condition = (type: string): object => ({ type, status: 'True', reason: type, message: '' });
    const patch = (what: string, status: object): Promise<string> =>
      ok(`patch ${what} --subresource=status --type=merge -p ${JSON.stringify({ status })}`);
    await patch('gatewayclass sluice', { conditions: [condition('Accepted')] });
    const addresses = ['192.0.2.1', '192.0.2.2'].map((value) => ({ type: 'IPAddress', value }));
    await patch('gateway edge -n greetings', {
      addresses,
      conditions: [condition('Accepted'), condition('Programmed')],
    });
    await patch('httproute hello -n greetings', {
      parents: [{ parentRef: { name: 'edge' }, controllerName: 'c', conditions: [condition('Accepted')] }],
    });
    expect(await ok('get gc')).toMatch(/^NAME +CONTROLLER +ACCEPTED +AGE\nsluice +sluice\.dev\/gateway +True /u);
    expect(await ok('get gtw -n greetings')).toMatch(
      /^NAME +CLASS +ADDRESS +PROGRAMMED +AGE\nedge +sluice +192\.0\.2\.1.* True /u,
    );
    expect(await ok('get httproute -n greetings')).toMatch(
      /^NAME +HOSTNAMES +ACCEPTED +AGE\ngreetings +\["greetings\.example\.test"\] +\d+s\nhello +\["hello\.example\.test"\] +True /u,
    );
  });

  it('serves the older versions, too', async () => {
    expect(await apply('HTTPRoute', '{ parentRefs: [{ name: edge }] }', 'v1beta1')).toMatchObject({ code: 0 });
    expect(await ok('get httproutes.v1.gateway.networking.k8s.io other -o name')).toContain('/other\n');
    const from = '{ group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: a }';
    const grant = `{ from: [${from}], to: [{ group: "", kind: Service }] }`;
    expect(await apply('ReferenceGrant', grant, 'v1')).toMatchObject({ code: 0 });
    expect(await ok('get referencegrants.v1beta1.gateway.networking.k8s.io other -o name')).toContain('/other\n');
  });

  it.each([
    ['a field with a typo', 'HTTPRoute', '{ hostname: [a.test] }', '(did you mean "spec.hostnames"?)'],
    ['a header without a value', 'HTTPRoute', '{ rules: [{ matches: [{ headers: [{ name: x }] }] }] }', 'value'],
    ['a duration that is none', 'HTTPRoute', '{ rules: [{ timeouts: { request: 1.5s } }] }', 'timeouts.request'],
    [
      'a port that is none',
      'Gateway',
      '{ gatewayClassName: s, listeners: [{ name: a, port: 0, protocol: HTTP }] }',
      'port',
    ],
    ['a Gateway without listeners', 'Gateway', '{ gatewayClassName: s, listeners: [] }', 'spec.listeners'],
  ])('refuses %s', async (_what, kind, spec, words) => {
    const { code, err } = await apply(kind, spec);
    expect(code).toBe(1);
    expect(err).toContain(words);
  });
});
