import { createServer } from 'node:http';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { startTestApiServer } from '../../src/app/apiserver/api-server.test-support.ts';
import { ask, enterNetwork, PROXY, SOON } from '../../src/app/ingress/rig.test-support.ts';
import { runIngressProgram } from '../../src/app/ingress/program.ts';
import { CONTROLLER } from '../../src/core/ingress/index.ts';
import { BUILTIN_RESOURCES } from '../../src/core/objectstore/index.ts';
import { ENDPOINT_SLICES, EVENTS, INGRESSES, INGRESS_CLASSES, SERVICES } from '../../src/host/kube-client/resources.ts';
import type { KubeObject } from '../../src/host/kube-client/types.ts';

const allowed = enterNetwork();

/** What API servers have had of networking.k8s.io: up to date, those before 1.19, those before 1.14. */
const SERVERS = [
  { served: 'networking.k8s.io/v1', without: [] },
  { served: 'networking.k8s.io/v1beta1', without: ['networking.k8s.io/v1'] },
  { served: 'extensions/v1beta1', without: ['networking.k8s.io/v1', 'networking.k8s.io/v1beta1'] },
];

it.runIf(allowed).each(SERVERS)(
  'the program serves the Ingresses of an API server with $served, and writes their status and events there',
  async ({ served, without }) => {
    const [group = '', version = ''] = served.split('/');
    const ingresses = { ...INGRESSES, group, version };
    const classes = { ...INGRESS_CLASSES, version };
    const hasClasses = group === INGRESS_CLASSES.group;
    const builtin = BUILTIN_RESOURCES.filter((each) => !without.includes(`${each.group}/${each.version}`));
    const folder = mkdtempSync(join(tmpdir(), 'sluice-ingress-'));
    const kubeconfig = join(folder, 'kubeconfig');
    await using api = await startTestApiServer(folder, { kubeconfigPath: kubeconfig }, { builtin });
    expect(readFileSync(kubeconfig, 'utf8')).toContain(api.url);
    const server = createServer((_, outgoing) => outgoing.end('cbs')).listen(8000, PROXY);
    const stop = new AbortController();
    const env = {
      KUBECONFIG: kubeconfig,
      SLUICE_INGRESS_FOLDER: join(folder, 'haproxy'),
      SLUICE_INGRESS_LISTEN: PROXY,
      SLUICE_INGRESS_PUBLISH_SERVICE: 'default/cbs-apiserver',
      SLUICE_LOG_LEVEL: 'error',
    };
    const done = runIngressProgram(env, stop.signal);
    try {
      const { client } = api;
      const create = (resource: Parameters<typeof client.create>[0], object: object): Promise<KubeObject> =>
        client.create(resource, object);
      if (hasClasses) await create(classes, { metadata: { name: 'sluice' }, spec: { controller: CONTROLLER } });
      const metadata = { name: 'cbs-apiserver', namespace: 'default' };
      await create(SERVICES, {
        metadata,
        spec: { externalIPs: ['203.0.113.9'], ports: [{ name: 'http', port: 8000, targetPort: 8000 }] },
      });
      await create(ENDPOINT_SLICES, {
        metadata: { ...metadata, labels: { 'kubernetes.io/service-name': 'cbs-apiserver' } },
        addressType: 'IPv4',
        ports: [{ name: 'http', port: 8000, protocol: 'TCP' }],
        endpoints: [{ addresses: [PROXY], conditions: { ready: true } }],
      });
      const service = (serviceName: string): object =>
        version === 'v1'
          ? { service: { name: serviceName, port: { number: 8000 } } }
          : { serviceName, servicePort: 8000 };
      const rules = [
        {
          host: 'apiserver.example.test',
          http: {
            paths: [
              { path: '/', pathType: 'Prefix', backend: service('cbs-apiserver') },
              { path: '/gone', pathType: 'Prefix', backend: service('gone') },
            ],
          },
        },
      ];
      const chosen = hasClasses
        ? { metadata, spec: { ingressClassName: 'sluice', rules } }
        : { metadata: { ...metadata, annotations: { 'kubernetes.io/ingress.class': 'sluice' } }, spec: { rules } };
      await create(ingresses, chosen);
      await expect
        .poll(async () => (await ask('apiserver.example.test', '/').catch(() => undefined))?.body, SOON)
        .toBe('cbs');
      const loadBalancer = async (): Promise<unknown> =>
        (await client.get<KubeObject & { status?: { loadBalancer?: unknown } }>(ingresses, metadata)).status
          ?.loadBalancer;
      await expect.poll(loadBalancer, SOON).toEqual({ ingress: [{ ip: '203.0.113.9' }] });
      const events = async (): Promise<unknown[]> =>
        (await client.list<KubeObject & { reason?: string }>(EVENTS)).items.map(({ reason }) => reason);
      await expect.poll(events, SOON).toContain('BackendMissing');
    } finally {
      stop.abort();
      expect(await done).toBe(0);
      server.close();
      rmSync(folder, { recursive: true, force: true });
    }
  },
);
