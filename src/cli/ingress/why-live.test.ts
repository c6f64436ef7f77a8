import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { testCluster } from '../../app/apiserver/kubectl.test-support.ts';
import { runCli } from '../run-cli.test-support.ts';

const OBJECTS = `
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: default, namespace: shop}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {nodeName: node-1, containers: [{name: main, image: x}]}
---
apiVersion: v1
kind: Pod
metadata: {name: proxy, namespace: shop, labels: {k8s-app: sluice-ingress}}
spec:
  nodeName: node-1
  containers: [{name: main, image: x, env: [{name: SLUICE_INGRESS_KEEP_CLIENT, value: 'true'}]}]
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: sluice}
spec: {controller: sluice.dev/ingress}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: shop}
spec:
  ingressClassName: sluice
  rules:
    - host: web.example.test
      http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: shop}
spec: {podSelector: {matchLabels: {app: web}}, ingress: [{from: [{ipBlock: {cidr: 203.0.113.0/24}}]}]}
`;

const STATUS = (ip: string): string =>
  JSON.stringify({
    status: { phase: 'Running', podIP: ip, podIPs: [{ ip }], conditions: [{ type: 'Ready', status: 'True' }] },
  });

describe('sluice why', () => {
  it('follows a request of a running cluster through its Ingress, and names Ingresses that lead to a Service', async () => {
    await using cluster = await testCluster();
    await cluster.ok(['apply', '-f', '-'], OBJECTS);
    for (const [name, ip] of [
      ['web', '10.244.0.2'],
      ['proxy', '10.244.0.3'],
    ] as const)
      await cluster.ok(`patch pod ${name} -n shop --subresource=status --type=merge -p ${STATUS(ip)}`.split(' '));
    const kubeconfig = join(cluster.directory, 'kubeconfig');
    const why = (...args: readonly string[]) => runCli('why', '--kubeconfig', kubeconfig, ...args);
    const followed = await why('203.0.113.10', 'shop/ingress/web');
    expect(followed).toMatchObject({ code: 0, err: '' });
    expect(followed.out).toContain('web.example.test, all paths → shop/service/web port 80, as the client itself');
    expect(followed.out).toContain('allowed: 203.0.113.10 → shop/web, TCP 8080');
    const denied = await why('198.51.100.1', 'http://web.example.test/x', '-o', 'json');
    expect(denied).toMatchObject({ code: 1, err: '' });
    expect(JSON.parse(denied.out)).toMatchObject({ ingress: 'shop/ingress/web', verdict: 'deny' });
    const service = await why('outside', 'shop/service/web', '--port', '80');
    expect(service).toMatchObject({ code: 1, err: '' });
    expect(service.out).toContain('by Ingress shop/web (web.example.test, all paths): denied');
    const chinese = await why('outside', 'shop/service/web', '--port', '80', '--lang', 'zh-TW');
    expect(chinese.out).toContain('經由 Ingress shop/web（web.example.test，所有路徑）：拒絕；');
    const wrong = await why('outside', 'shop/ingress/wbe');
    expect(wrong).toMatchObject({ code: 2, out: '' });
    expect(wrong.err).toContain('did you mean shop/web?');
  });
});
