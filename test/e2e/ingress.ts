import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Ingress } from '../../src/core/kube/types.ts';
import { INGRESSES } from '../../src/host/kube-client/resources.ts';
import type { TestCluster } from './harness.ts';

const APPLICATION = `
apiVersion: v1
kind: Pod
metadata: { name: cbs-apiserver, namespace: cbs, labels: { app: cbs-apiserver } }
spec:
  containers:
    - { name: cbs, image: whoami, ports: [{ containerPort: 80 }] }
---
apiVersion: v1
kind: Service
metadata: { name: cbs-apiserver, namespace: cbs }
spec:
  selector: { app: cbs-apiserver }
  ports: [{ port: 8000, targetPort: 80 }]
`;

const INGRESS = `
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: cbs-apiserver, namespace: cbs }
spec:
  ingressClassName: sluice
  rules:
    - host: apiserver.example.test
      http:
        paths:
          - { path: /, pathType: Prefix, backend: { service: { name: cbs-apiserver, port: { number: 8000 } } } }
`;

/** The ingress controller as a user installs it. */
export function describeIngress(running: () => TestCluster): void {
  describe('an Ingress', () => {
    beforeAll(async () => {
      const cluster = running();
      await cluster.apply('deploy/sluice-ingress.yaml');
      await cluster.ok('create namespace cbs');
      await cluster.apply(APPLICATION);
      await cluster.ok('rollout status daemonset sluice-ingress -n kube-system --timeout=300s');
      await cluster.ready('cbs');
    });
    afterAll(async () => {
      await running().ok('delete -f deploy/sluice-ingress.yaml --wait=false');
      await running().clear('cbs');
    });

    it('leads the host outside to a Service by its host name, at the address that it shows', async () => {
      const cluster = running();
      await cluster.apply(INGRESS);
      await expect.poll(() => addresses(cluster)).not.toEqual([]);
      for (const address of await addresses(cluster))
        await expect.poll(() => ask(cluster, address, 'apiserver.example.test')).toContain('cbs/cbs-apiserver');
      expect(await cluster.ok('get ingress -n cbs')).toContain((await addresses(cluster))[0]);
    });
  });
}

async function addresses(cluster: TestCluster): Promise<readonly string[]> {
  const found = await cluster.client.get<Ingress>(INGRESSES, { namespace: 'cbs', name: 'cbs-apiserver' });
  return (found.status?.loadBalancer?.ingress ?? []).map(({ ip = '' }) => ip);
}

/** What the host outside is answered, in HTTP by hand so that the name needs no DNS. */
async function ask(cluster: TestCluster, address: string, host: string): Promise<string> {
  const url = `http://${address.includes(':') ? `[${address}]` : address}/`;
  const command = ['busybox', 'wget', '-q', '-O', '-', '--header', `Host: ${host}`, url];
  const { stdout } = await cluster.lab.request({ op: 'exec', at: { kind: 'outside' }, command });
  return stdout;
}
