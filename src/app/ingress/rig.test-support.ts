import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, request } from 'node:http';
import type { Agent, IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { request as secureRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { jsonLogger } from '../../base/log.ts';
import { CONTROLLER } from '../../core/ingress/index.ts';
import { hostCidr, parseIp } from '../../base/ip/index.ts';
import { askMaster, readProcesses } from '../../host/haproxy/master-socket.ts';
import type { Lookup } from '../../host/dns/lookup.ts';
import { openHaproxy } from '../../host/haproxy/haproxy.ts';
import {
  ENDPOINT_SLICES,
  EVENTS,
  INGRESSES,
  INGRESS_CLASSES,
  SECRETS,
  SERVICES,
} from '../../host/kube-client/resources.ts';
import { MemoryKubeClient } from '../../host/kube-client/memory-client.ts';
import type { KubeClient, KubeObject, Resource } from '../../host/kube-client/types.ts';
import { openNetlink } from '../../host/netlink/kernel.ts';
import { enterPrivateNetwork } from '../../host/netns/testing.ts';
import { selfSignedCertificate } from './certificate.ts';
import { ingressOptions } from './options.ts';
import { runIngress } from './run-ingress.ts';

/** What a request came to. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  /** What the server that answered says of itself and of the request; empty when it was the proxy. */
  readonly server: string;
  /** Whom the server sees. */
  readonly client: string;
  readonly method: string;
  readonly path: string;
  /** Of HTTP, between proxy and server. */
  readonly version: string;
  readonly seen: IncomingMessage['headers'];
  readonly body: string;
  /** Common name of the certificate that was shown. */
  readonly certificate: string | undefined;
}

export interface Asking {
  readonly method?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly tls?: boolean;
  /** 80, or 443 with TLS. */
  readonly port?: number;
  readonly agent?: Agent;
  readonly body?: string;
  /** Instead of {@link PROXY}. */
  readonly proxy?: string;
}

/** A cluster without nodes, real servers on addresses of their own, and the ingress controller with a real HAProxy. */
export interface IngressRig extends AsyncDisposable {
  readonly client: KubeClient;
  readonly folder: string;
  /** Lines that the controller logged. */
  readonly log: readonly string[];
  /** Creates or replaces an object, in namespace `default` unless it says otherwise. */
  apply(kind: keyof typeof KINDS, object: KubeObject & Readonly<Record<string, unknown>>): Promise<void>;
  remove(kind: keyof typeof KINDS, name: string): Promise<void>;
  /** A Service, port 80 named `http`, whose servers listen on the addresses; each answers with its own. */
  service(name: string, addresses: readonly string[], namespace?: string): Promise<void>;
  /** The same without servers: whoever listens on port 8080 of the addresses. */
  expose(name: string, addresses: readonly string[], namespace?: string): Promise<void>;
  ask(host: string, path: string, asking?: Asking): Promise<Answer>;
  /** Waits until a request comes to `expected`, a status or the address of a server. */
  until(host: string, path: string, expected: number | string, asking?: Asking): Promise<Answer>;
  /** The reasons of all events of an Ingress. */
  reasons(ingress: string): Promise<readonly string[]>;
  status(ingress: string): Promise<unknown>;
  /** Process id of HAProxy's worker that takes connections. */
  worker(): Promise<number | undefined>;
}

const KINDS = {
  Ingress: INGRESSES,
  IngressClass: INGRESS_CLASSES,
  Service: SERVICES,
  EndpointSlice: ENDPOINT_SLICES,
  Secret: SECRETS,
} as const satisfies Readonly<Record<string, Resource>>;

/** Patience for everything that must happen at some time. */
export const SOON = { timeout: 180_000, interval: 20 };

/** Address and ports of the proxy. */
export const PROXY = '10.60.0.1';

/** Moves the process into a network of its own; false where that is not allowed. */
export function enterNetwork(): boolean {
  if (enterPrivateNetwork() === undefined) return false;
  addAddress(PROXY);
  return true;
}

/** Gives this network an address, if it has not got it yet. */
export function addAddress(text: string): void {
  using netlink = openNetlink();
  netlink.apply([{ kind: 'replace-address', address: { link: 'lo', address: hostCidr(parseIp(text)!) } }]);
}

/** Starts everything; class `sluice` is ours and the default. */
export async function startRig(
  env: Readonly<Record<string, string>> = {},
  lookup: Lookup = () => Promise.resolve({ kind: 'absent' }),
): Promise<IngressRig> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-ingress-'));
  const client = new MemoryKubeClient();
  const servers = new Map<string, AsyncDisposable>();
  const lines: string[] = [];
  const log = jsonLogger({ level: 'info' }, { write: (line) => lines.push(line), now: () => '' });
  const stop = new AbortController();
  let ended = new AbortController();
  const haproxy = openHaproxy({ folder, onEnd: () => ended.abort(), onLine: (line) => lines.push(line) });
  const options = ingressOptions({
    SLUICE_INGRESS_LISTEN: PROXY,
    SLUICE_INGRESS_PUBLISH_ADDRESSES: '203.0.113.7',
    SLUICE_INGRESS_RELOAD_MS: '0',
    ...env,
  });
  const standard = await selfSignedCertificate('default.sluice.invalid', Date.now());
  const done = runIngress(options, {
    client,
    haproxy,
    lookup,
    log,
    now: Date.now,
    defaultCertificate: `${standard.certificate}\n${standard.key}`,
    ended: () => (ended = new AbortController()).signal,
    signal: stop.signal,
  });
  const apply: IngressRig['apply'] = async (kind, object) => {
    const resource = KINDS[kind];
    const metadata = { ...(resource.namespaced ? { namespace: 'default' } : {}), ...object.metadata };
    const named = metadata as { readonly name: string; readonly namespace?: string };
    const known = await client.get(resource, named).catch(() => undefined);
    const whole = { ...object, metadata };
    await (known === undefined ? client.create(resource, whole) : client.update(resource, whole));
  };
  const rig: IngressRig = {
    client,
    folder,
    log: lines,
    apply,
    remove: (kind, name) =>
      client.delete(KINDS[kind], { name, ...(KINDS[kind].namespaced ? { namespace: 'default' } : {}) }),
    service: async (name, addresses, namespace) => {
      for (const address of addresses) if (!servers.has(address)) servers.set(address, await startServer(address));
      await rig.expose(name, addresses, namespace);
    },
    expose: async (name, addresses, namespace = 'default') => {
      await apply('EndpointSlice', {
        metadata: { name, namespace, labels: { 'kubernetes.io/service-name': name } },
        addressType: 'IPv4',
        ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
        endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
      });
      const known = await client.get(SERVICES, { name, namespace }).catch(() => undefined);
      if (known === undefined)
        await apply('Service', {
          metadata: { name, namespace },
          spec: {
            clusterIP: '10.96.0.10',
            clusterIPs: ['10.96.0.10'],
            ports: [{ name: 'http', port: 80, protocol: 'TCP' }],
          },
        });
    },
    ask,
    until: async (host, path, expected, asking) => {
      let answer: Answer | undefined;
      await expect
        .poll(async () => {
          answer = await ask(host, path, asking).catch(() => undefined);
          return typeof expected === 'number' ? answer?.status : answer?.server;
        }, SOON)
        .toBe(expected);
      return answer!;
    },
    reasons: async (ingress) => {
      const { items } = await client.list<KubeObject & { reason?: string; involvedObject?: { name?: string } }>(EVENTS);
      return items.filter(({ involvedObject }) => involvedObject?.name === ingress).map(({ reason }) => reason ?? '');
    },
    status: async (name) => {
      const found = await client.get<KubeObject & { status?: unknown }>(INGRESSES, { name, namespace: 'default' });
      return found.status;
    },
    worker: async () => {
      let worker: number | undefined;
      // While it reloads, the master does not answer.
      await expect
        .poll(
          async () => (worker = await askMaster(join(folder, 'master.sock'), 'show proc').then(workerOf, absent)),
          SOON,
        )
        .toBeDefined();
      return worker;
    },
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await done;
      for (const server of servers.values()) await server[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  await apply('IngressClass', {
    metadata: { name: 'sluice', annotations: { 'ingressclass.kubernetes.io/is-default-class': 'true' } },
    spec: { controller: CONTROLLER },
  });
  return rig;
}

function workerOf(answer: string): number | undefined {
  return readProcesses(answer).worker;
}

function absent(): undefined {
  return undefined;
}

/** An Ingress of class sluice: rules are `[host, path, pathType, service]`, port 80. */
export function ingress(
  name: string,
  rules: readonly (readonly [host: string, path: string, pathType: string, service: string])[],
  more: {
    readonly annotations?: Readonly<Record<string, string>>;
    readonly tls?: readonly object[];
    readonly namespace?: string;
    readonly created?: string;
  } = {},
): KubeObject & Readonly<Record<string, unknown>> {
  const { annotations = {}, tls, namespace, created = '2026-01-01T00:00:00Z' } = more;
  return {
    metadata: { name, annotations, creationTimestamp: created, ...(namespace === undefined ? {} : { namespace }) },
    spec: {
      ingressClassName: 'sluice',
      ...(tls === undefined ? {} : { tls }),
      rules: rules.map(([host, path, pathType, service]) => ({
        ...(host === '' ? {} : { host }),
        http: { paths: [{ path, pathType, backend: { service: { name: service, port: { number: 80 } } } }] },
      })),
    },
  };
}

/** The data of a Secret with a certificate for a name; a weak key is one that OpenSSL does not take by default. */
export async function certificateFor(name: string, weak = false): Promise<Readonly<Record<string, string>>> {
  const rsa = {
    name: 'RSASSA-PKCS1-v1_5',
    modulusLength: 1024,
    publicExponent: new Uint8Array([1, 0, 1]),
    hash: 'SHA-256',
  };
  const { certificate, key } = await selfSignedCertificate(name, Date.now(), ...(weak ? [rsa] : []));
  const encode = (text: string): string => Buffer.from(text).toString('base64');
  return { 'tls.crt': encode(certificate), 'tls.key': encode(key) };
}

/** A server at port 8080 of an address of its own, which tells what it was asked. */
export async function startServer(address: string): Promise<AsyncDisposable> {
  addAddress(address);
  const server = createServer((incoming, outgoing) => {
    incoming.resume().once('end', () => {
      outgoing.setHeader('content-type', 'application/json');
      const { method, url, httpVersion, headers } = incoming;
      const client = incoming.socket.remoteAddress;
      outgoing.end(JSON.stringify({ server: address, client, method, path: url, version: httpVersion, seen: headers }));
    });
  });
  await new Promise<void>((resolve) => server.listen(8080, address, resolve));
  return {
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** One request to the proxy; the body of our own servers is understood. */
export function ask(host: string, path: string, asking: Asking = {}): Promise<Answer> {
  const { tls = false, port = tls ? 443 : 80, method = 'GET', headers = {}, agent, body, proxy = PROXY } = asking;
  const options = {
    host: proxy,
    port,
    path,
    method,
    headers: { host, ...headers },
    agent: agent ?? false,
    ...(tls ? { servername: host, rejectUnauthorized: false } : {}),
  } as const;
  return new Promise((resolve, reject) => {
    const outgoing = (tls ? secureRequest : request)(options, (incoming) => {
      const socket = incoming.socket as typeof incoming.socket & {
        getPeerCertificate?: () => { subject?: { CN?: string | string[] } };
      };
      const certificate = socket.getPeerCertificate?.().subject?.CN;
      let text = '';
      incoming
        .setEncoding('utf8')
        .on('data', (piece: string) => (text += piece))
        .once('error', reject)
        .once('end', () => {
          const own = incoming.headers['content-type'] === 'application/json' ? (JSON.parse(text) as object) : {};
          resolve({
            server: '',
            client: '',
            method: '',
            path: '',
            version: '',
            seen: {},
            ...own,
            status: incoming.statusCode ?? 0,
            headers: incoming.headers,
            body: text,
            certificate: certificate?.toString(),
          });
        });
    });
    outgoing.once('error', reject);
    outgoing.end(body);
  });
}
