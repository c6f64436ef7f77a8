import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { selfSignedCertificate } from '../../src/app/ingress/certificate.ts';
import { ingressOptions } from '../../src/app/ingress/options.ts';
import { runIngress } from '../../src/app/ingress/run-ingress.ts';
import { silentLogger } from '../../src/base/log.ts';
import { openHaproxy } from '../../src/host/haproxy/haproxy.ts';
import { askMaster, readProcesses } from '../../src/host/haproxy/master-socket.ts';
import { isNotFound } from '../../src/host/kube-client/errors.ts';
import { MemoryKubeClient } from '../../src/host/kube-client/memory-client.ts';
import { ENDPOINT_SLICES, INGRESSES, SECRETS, SERVICES } from '../../src/host/kube-client/resources.ts';
import type { KubeObject, Resource } from '../../src/host/kube-client/types.ts';

/** The host name that the Ingress is for. */
export const HOST = 'bench.example.test';
/** Where the proxy listens, on its usual ports. */
export const PROXY = '127.0.0.1';

/** An ingress controller with its HAProxy, and a cluster of one Ingress that can be changed. */
export interface BenchCluster extends AsyncDisposable {
  /** The servers behind the Ingress from now on: addresses, port 8080. */
  setServers(addresses: readonly string[]): Promise<void>;
  /** A new certificate for the Ingress's host. */
  renew(): Promise<void>;
  /** Process id of HAProxy's worker. */
  worker(): Promise<number>;
}

/** Starts it; `servers` are there already. */
export async function startCluster(servers: readonly string[]): Promise<BenchCluster> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
  const client = new MemoryKubeClient();
  const stop = new AbortController();
  const put = async (resource: Resource, object: object): Promise<void> => {
    const metadata = { name: 'bench', namespace: 'default' };
    const whole = { ...object, metadata: { ...metadata, ...(object as KubeObject).metadata } };
    const known = await client.get(resource, metadata).catch((error: unknown) => {
      if (!isNotFound(error)) throw error;
    });
    await (known === undefined ? client.create(resource, whole) : client.update(resource, whole));
  };
  const cluster: BenchCluster = {
    setServers: (addresses) =>
      put(ENDPOINT_SLICES, {
        metadata: { labels: { 'kubernetes.io/service-name': 'bench' } },
        addressType: 'IPv4',
        ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
        endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
      }),
    renew: async () => {
      const { certificate, key } = await selfSignedCertificate(HOST, Date.now());
      const encode = (text: string): string => Buffer.from(text).toString('base64');
      await put(SECRETS, { data: { 'tls.crt': encode(certificate), 'tls.key': encode(key) } });
    },
    worker: async () => {
      for (;;) {
        // While it starts or reloads, it does not answer.
        const answer = await askMaster(join(folder, 'master.sock'), 'show proc').catch(() => '');
        const { worker } = readProcesses(answer);
        if (worker !== undefined) return worker;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await done;
      rmSync(folder, { recursive: true, force: true });
    },
  };
  await put(SERVICES, {
    spec: { clusterIP: '10.96.0.10', clusterIPs: ['10.96.0.10'], ports: [{ name: 'http', port: 80, protocol: 'TCP' }] },
  });
  await cluster.setServers(servers);
  await cluster.renew();
  const backend = { service: { name: 'bench', port: { number: 80 } } };
  await put(INGRESSES, {
    metadata: { annotations: { 'nginx.ingress.kubernetes.io/ssl-redirect': 'false' } },
    spec: {
      tls: [{ hosts: [HOST], secretName: 'bench' }],
      rules: [{ host: HOST, http: { paths: [{ path: '/', pathType: 'Prefix', backend }] } }],
    },
  });
  const { certificate, key } = await selfSignedCertificate('default.invalid', Date.now());
  const env = { SLUICE_INGRESS_LISTEN: PROXY, SLUICE_INGRESS_WITHOUT_CLASS: 'true' };
  const done = runIngress(ingressOptions(env), {
    lookup: () => Promise.resolve({ kind: 'absent' }),
    client,
    haproxy: openHaproxy({ folder }),
    log: silentLogger,
    now: Date.now,
    defaultCertificate: `${certificate}\n${key}`,
    ended: () => new AbortController().signal,
    signal: stop.signal,
  });
  return cluster;
}
