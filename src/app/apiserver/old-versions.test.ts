import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { testCluster, type TestCluster } from './kubectl.test-support.ts';

let cluster: TestCluster;

beforeAll(async () => {
  cluster = await testCluster();
});
afterAll(async () => cluster[Symbol.asyncDispose]());

const manifest = (apiVersion: string, port: string): string => `apiVersion: ${apiVersion}
kind: Ingress
metadata: { name: cbs-apiserver }
spec:
  rules:
  - host: apiserver.example.test
    http:
      paths:
      - path: /
        backend:
          serviceName: cbs-apiserver
          servicePort: ${port}
`;

const CURRENT = ['get', 'ingresses.v1.networking.k8s.io', 'cbs-apiserver', '-o', 'json'];

describe.each(['extensions/v1beta1', 'networking.k8s.io/v1beta1'])('an Ingress of %s', (apiVersion) => {
  const [group, version] = apiVersion.split('/');
  const old = `ingresses.${version}.${group}`;
  const specOf = async (args: readonly string[]): Promise<unknown> =>
    (JSON.parse(await cluster.ok(args)) as { spec: unknown }).spec;
  const backend = (number: number): object => ({ service: { name: 'cbs-apiserver', port: { number } } });
  const spec = (each: object): object => ({
    rules: [
      {
        host: 'apiserver.example.test',
        http: { paths: [{ path: '/', pathType: 'ImplementationSpecific', ...each }] },
      },
    ],
  });

  it('is the same object in the current version, through apply, apply again, patch and delete', async () => {
    expect(await cluster.ok(['apply', '-f', '-'], manifest(apiVersion, '8000'))).toContain('created');
    expect(await specOf(CURRENT)).toEqual(spec({ backend: backend(8000) }));
    expect(await cluster.ok(['apply', '-f', '-'], manifest(apiVersion, '8001'))).toContain('configured');
    expect(await specOf(CURRENT)).toEqual(spec({ backend: backend(8001) }));
    const patch = JSON.stringify({ spec: { backend: { serviceName: 'else', servicePort: 'http' } } });
    await cluster.ok(['patch', old, 'cbs-apiserver', '--type=merge', '-p', patch]);
    expect(await specOf(['get', old, 'cbs-apiserver', '-o', 'json'])).toEqual({
      backend: { serviceName: 'else', servicePort: 'http' },
      ...spec({ backend: { serviceName: 'cbs-apiserver', servicePort: 8001 } }),
    });
    await cluster.ok(['delete', old, 'cbs-apiserver']);
    expect((await cluster.kubectl(CURRENT)).err).toContain('NotFound');
  });

  it('is shown to those who apply it by the server, who own what they said', async () => {
    await cluster.ok(['apply', '--server-side', '-f', '-'], manifest(apiVersion, '8000'));
    await cluster.ok(['apply', '--server-side', '-f', '-'], manifest(apiVersion, '8002'));
    expect(await specOf(CURRENT)).toEqual(spec({ backend: backend(8002) }));
    expect(await cluster.ok(['get', old])).toMatch(/cbs-apiserver\s+<none>\s+apiserver\.example\.test/);
    await cluster.ok(['delete', 'ingress', 'cbs-apiserver']);
  });

  it('is refused with the field that is wrong', async () => {
    const { code, err } = await cluster.kubectl(['apply', '-f', '-'], manifest(apiVersion, '{}'));
    expect(code).not.toBe(0);
    expect(err).toContain('spec.rules[0].http.paths[0].backend.servicePort must be the number or the name');
    const unknown = manifest(apiVersion, '80').replace('serviceName', 'service');
    expect((await cluster.kubectl(['apply', '-f', '-'], unknown)).err).toMatch(/serviceName must be the name/);
  });
});
