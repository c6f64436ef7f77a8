import { join } from 'node:path';
import { expect, it } from 'vitest';
import { testCluster } from '../../app/apiserver/kubectl.test-support.ts';
import { runCli } from '../run-cli.test-support.ts';
import { readRouteTarget } from './why-route.ts';

const ROOT = join(import.meta.dirname, '../../..');

const pod = (name: string, labels: string, env = ''): string => `
apiVersion: v1
kind: Pod
metadata: {name: ${name}, namespace: greetings, labels: ${labels}}
spec: {nodeName: node-1, containers: [{name: main, image: x, ports: [{containerPort: 80}], env: [${env}]}]}
---`;

/** Two versions behind the routes of the example; clients of one network may see the first. */
const OBJECTS = `
apiVersion: v1
kind: ServiceAccount
metadata: {name: default, namespace: greetings}
---
${pod('v1', '{app: hello, version: v1}')}
${pod('v2', '{app: hello, version: v2}')}
${pod('proxy', '{k8s-app: sluice-ingress}', "{name: SLUICE_INGRESS_KEEP_CLIENT, value: 'true'}")}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: v1, namespace: greetings}
spec: {podSelector: {matchLabels: {version: v1}}, ingress: [{from: [{ipBlock: {cidr: 203.0.113.0/24}}]}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: broken, namespace: greetings}
spec:
  parentRefs: [{name: edge}]
  hostnames: [broken.example.test]
  rules:
    - filters: [{type: RequestMirror, requestMirror: {backendRef: {name: hello-v1, port: 80}}}]
    - matches: [{path: {value: /gone}}]
      backendRefs: [{name: gone, port: 80}]
`;

it.each([
  ['shop/httproute/web', 'shop/web'],
  ['httproute/web', 'default/web'],
  ['shop/ingress/web', undefined],
  ['shop/web', undefined],
])('reads %s as the HTTPRoute %s', (text, key) => {
  expect(readRouteTarget(text, 'default')?.key).toBe(key);
});

it('follows a request of a running cluster through the routes of a Gateway to the pods', async () => {
  await using cluster = await testCluster();
  const files = ['deploy/gateway-apis.yaml', 'deploy/gateway-class.yaml', 'examples/gateway'];
  for (const file of files) await cluster.ok(['apply', '-f', join(ROOT, file)]);
  await cluster.ok(['apply', '-f', '-'], OBJECTS);
  for (const [name, ip] of Object.entries({ v1: '10.244.0.2', v2: '10.244.0.3', proxy: '10.244.0.4' })) {
    const conditions = [{ type: 'Ready', status: 'True' }];
    const status = JSON.stringify({ status: { phase: 'Running', podIP: ip, podIPs: [{ ip }], conditions } });
    await cluster.ok(`patch pod ${name} -n greetings --subresource=status --type=merge -p ${status}`.split(' '));
  }
  const kubeconfig = join(cluster.directory, 'kubeconfig');
  const why = (...args: readonly string[]) => runCli('why', '--kubeconfig', kubeconfig, ...args);

  const followed = await why('203.0.113.10', 'greetings/httproute/hello');
  expect(followed).toMatchObject({ code: 0, err: '' });
  expect(followed.out).toContain('greetings/httproute/hello: through the proxy of node node-1');
  const all = 'hello.example.test, all paths → greetings/service';
  expect(followed.out).toContain(`${all}/hello-v2 port 80, as the client itself\n  header x-preview: yes\n`);
  expect(followed.out).toContain(`${all}/hello-v1 port 80, as the client itself\n  9 of 10 requests\n`);
  expect(followed.out).toContain('allowed: 203.0.113.10 → greetings/v1, TCP 80');

  const denied = await why('198.51.100.1', 'http://hello.example.test/x', '-o', 'json');
  expect(denied).toMatchObject({ code: 1, err: '' });
  const { routes, verdict, ways } = JSON.parse(denied.out) as Record<string, readonly { readonly allowed: boolean }[]>;
  expect([routes, verdict, ways?.map(({ allowed }) => allowed)]).toEqual([
    ['greetings/httproute/hello'],
    'deny',
    [true, false, true],
  ]);

  const to = ['greetings/service/hello-v1', '--port', '80'];
  const service = await why('outside', ...to);
  expect(service).toMatchObject({ code: 1, err: '' });
  const line = (by: string, after: string) =>
    service.out.split('\n').filter((each) => each.startsWith(by) && each.endsWith(after));
  expect(
    line(
      'by HTTPRoute greetings/hello of Gateway greetings/edge (hello.example.test, all paths): denied;',
      "'sluice why ... greetings/httproute/hello' follows it",
    ),
  ).toHaveLength(1);
  const chinese = await Promise.all(['zh-CN', 'zh-TW'].map((language) => why('outside', ...to, '--lang', language)));
  expect(chinese[0]?.out).toContain(
    '经由 Gateway greetings/edge 的 HTTPRoute greetings/hello（hello.example.test，所有路径）：拒绝；',
  );
  expect(chinese[1]?.out).toContain(
    '經由 Gateway greetings/edge 的 HTTPRoute greetings/hello（hello.example.test，所有路徑）：拒絕；',
  );
  const { through } = JSON.parse((await why('203.0.113.10', ...to, '-o', 'json')).out) as Record<string, unknown>;
  expect(through).toContainEqual({
    httproute: 'greetings/hello',
    gateways: ['greetings/edge'],
    host: { kind: 'exact', name: 'hello.example.test' },
    path: { kind: 'prefix', value: '' },
    port: 80,
    conditions: ['9 of 10 requests'],
    problem: null,
    verdict: 'allow',
    allowed: true,
  });

  const redirected = await why('outside', 'http://greetings.example.test/');
  expect(redirected).toMatchObject({ code: 0, err: '' });
  expect(redirected.out).toContain('→ no Service\n  the proxy answers 301; no pod is asked');

  const broken = await why('outside', 'greetings/httproute/broken');
  expect(broken).toMatchObject({ code: 1, err: '' });
  expect(broken.out).toContain('not accepted: filter RequestMirror is not supported');

  const missing = await why('outside', 'greetings/httproute/none');
  expect(missing).toMatchObject({ code: 2, out: '' });
  expect(missing.err).toContain("no Gateway of Sluice's has HTTPRoute greetings/none");
  const noPath = await why('outside', 'http://broken.example.test/other');
  expect(noPath.code).toBe(1);
  const noRoute = await why('outside', 'http://unheard.example.test/');
  expect(noRoute).toMatchObject({ code: 2, out: '' });
  expect(noRoute.err).toContain('no HTTPRoute the path');
  const nowhere = await why('outside', 'http://elsewhere.test/');
  expect(nowhere).toMatchObject({ code: 2, out: '' });
  expect(nowhere.err).toContain('no Ingress or HTTPRoute has http://elsewhere.test/');
});
