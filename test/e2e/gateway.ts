import { describe, expect, it } from 'vitest';
import type { Gateway } from '../../src/core/gateway/index.ts';
import type { KubeObject } from '../../src/host/kube-client/types.ts';
import { GATEWAYS } from '../../src/host/kube-client/resources.ts';
import { ROOT, type TestCluster } from './harness.ts';
import { ask } from './outside.ts';

/** The Gateway API, served by what an ingress test has installed. */
export function describeGateway(running: () => TestCluster): void {
  describe('a Gateway', () => {
    it('leads the host outside to Services by its routes, at the addresses that it shows', async () => {
      const cluster = running();
      await cluster.ok(`apply -f ${ROOT}/examples/gateway`);
      await cluster.ok('wait --for=condition=Available deployment --all -n greetings --timeout=300s');
      await cluster.ok('wait --for=condition=Programmed gateway/edge -n greetings --timeout=300s');
      const { status } = await cluster.client.get<Gateway & KubeObject>(GATEWAYS, {
        namespace: 'greetings',
        name: 'edge',
      });
      const shown = (status?.addresses ?? []).map(({ value = '' }) => value);
      expect(shown).not.toEqual([]);
      const hello = (version: string): object => ({
        status: 200,
        body: expect.stringContaining(`greetings/hello-${version}-`) as string,
      });
      for (const address of shown) {
        const get = (host: string, headers: Readonly<Record<string, string>> = {}): Promise<unknown> =>
          ask(cluster, address, 'http', { host, headers });
        await expect.poll(() => get('hello.example.test', { 'X-Preview': 'yes' })).toMatchObject(hello('v2'));
        await expect.poll(() => get('hello.example.test')).toMatchObject({ status: 200 });
        await expect
          .poll(() => get('greetings.example.test'))
          .toMatchObject({
            status: 301,
            location: 'http://hello.example.test/',
          });
        await expect.poll(() => get('other.example.test')).toMatchObject({ status: 404 });
      }
      expect(await cluster.ok('get gateway,httproute,gatewayclass -n greetings')).toMatch(
        /gateway\.networking\.k8s\.io\/edge +sluice +\S.* True [^]*httproute\.\S+\/hello +\S+ +True [^]*gatewayclass\.\S+\/sluice +sluice\.dev\/gateway +True /u,
      );
      const why = await cluster.sluice('why', '--name', cluster.name, 'outside', 'http://hello.example.test/');
      expect(why).toMatchObject({ code: 0, stdout: expect.stringContaining('9 of 10 requests') as string });
      const refused = await cluster.run('apply -n greetings -f -', TYPO);
      expect(refused.stderr).toContain('(did you mean "spec.hostnames"?)');
      await cluster.clear('greetings');
    });
  });
}

const TYPO = `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: typo }
spec: { parentRefs: [{ name: edge }], hostname: [typo.example.test] }
`;
