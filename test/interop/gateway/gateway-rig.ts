import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { startTestApiServer } from '../../../src/app/apiserver/api-server.test-support.ts';
import { runIngressProgram } from '../../../src/app/ingress/program.ts';
import { ask, PROXY, startServer } from '../../../src/app/ingress/rig.test-support.ts';
import type { Answer, Asking } from '../../../src/app/ingress/rig.test-support.ts';
import { askMaster, readProcesses } from '../../../src/host/haproxy/master-socket.ts';
import {
  GATEWAYS,
  HTTP_ROUTES,
  INGRESSES,
  REFERENCE_GRANTS,
  SECRETS,
} from '../../../src/host/kube-client/resources.ts';
import type { KubeClient, KubeObject } from '../../../src/host/kube-client/types.ts';
import { applyOne, gatewayApis, resourceOf, where } from './objects.ts';
import type { Written } from './objects.ts';

/** What tests leave behind in a rig that several of them use. */
const TEMPORARY = [HTTP_ROUTES, GATEWAYS, REFERENCE_GRANTS, SECRETS, INGRESSES];

export interface Stored extends KubeObject {
  readonly metadata: { readonly name: string; readonly generation?: number };
  readonly status?: Status;
}

interface Status {
  readonly conditions?: readonly Condition[];
  readonly addresses?: readonly object[];
  readonly supportedFeatures?: readonly { readonly name: string }[];
  readonly listeners?: readonly {
    readonly name: string;
    readonly attachedRoutes: number;
    readonly supportedKinds: readonly { readonly kind: string }[];
    readonly conditions: readonly Condition[];
  }[];
  readonly parents?: readonly { readonly controllerName: string; readonly conditions: readonly Condition[] }[];
}

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
  readonly observedGeneration?: number;
}

/** A request and what answers it: the address of a server, or a status. */
export type Expectation = readonly [host: string, path: string, expected: string | number, asking?: Asking];

/** The embedded API server with the definitions of the Gateway API, real servers, and the ingress program. */
export interface GatewayRig extends AsyncDisposable {
  readonly client: KubeClient;
  /** Creates or replaces. */
  apply(...objects: readonly Written[]): Promise<void>;
  remove(kind: string, name: string, namespace?: string): Promise<void>;
  get(kind: string, name: string, namespace?: string): Promise<Stored>;
  /** A Service with port 8080 and a server for each address; each server answers with its address. */
  service(name: string, addresses: readonly string[], namespace?: string): Promise<void>;
  /** A Service whose server takes requests and never answers. */
  slow(name: string): Promise<void>;
  /** A Service of the servers that listen at a port of the proxy's address already. */
  expose(name: string, port: number): Promise<void>;
  /** How often each server answers to a number of requests. */
  count(host: string, requests: number): Promise<ReadonlyMap<string, number>>;
  /** Waits until each request comes to what is expected of it; returns the last answer. */
  expect(...all: readonly Expectation[]): Promise<Answer>;
  /** Waits until the condition is so, for the object as it is now: `True`, or the reason why not. */
  expectCondition(kind: string, name: string, type: string, expected: string, namespace?: string): Promise<Condition>;
  /** The same for a listener of a Gateway. */
  expectListener(gateway: string, listener: string, type: string, expected: string): Promise<Condition>;
  /** Writes a status as another controller would. */
  status(kind: string, name: string, status: object): Promise<void>;
  /** Process id of HAProxy's worker that takes connections. */
  worker(): Promise<number | undefined>;
  /** Deletes what a test made of the Gateway API. */
  clear(): Promise<void>;
}

export async function startGatewayRig(
  before: readonly Written[] = gatewayApis(),
  settings: Readonly<Record<string, string>> = {},
): Promise<GatewayRig> {
  const stack = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), 'sluice-gateway-'));
  stack.defer(() => rmSync(folder, { recursive: true, force: true }));
  const kubeconfig = join(folder, 'kubeconfig');
  const api = stack.use(await startTestApiServer(folder, { kubeconfigPath: kubeconfig }));
  const { client } = api;
  const rig = rigFor(client, folder, stack);
  for (const name of ['infra', 'web', 'app'])
    await rig.apply({ kind: 'Namespace', metadata: { name, labels: { 'kubernetes.io/metadata.name': name } } });
  await rig.apply(...before);
  const stop = new AbortController();
  const env = {
    KUBECONFIG: kubeconfig,
    SLUICE_INGRESS_FOLDER: join(folder, 'haproxy'),
    SLUICE_INGRESS_LISTEN: PROXY,
    SLUICE_INGRESS_PUBLISH_ADDRESSES: '203.0.113.7',
    SLUICE_INGRESS_RELOAD_MS: '0',
    SLUICE_LOG_LEVEL: 'error',
    ...settings,
  };
  const done = runIngressProgram(env, stop.signal);
  stack.defer(async () => {
    stop.abort();
    await done;
  });
  return rig;
}

function rigFor(client: KubeClient, folder: string, stack: AsyncDisposableStack): GatewayRig {
  const servers = new Set<string>();
  const rig: GatewayRig = {
    client,
    apply: async (...objects) => {
      for (const object of objects) await applyOne(client, object);
    },
    remove: (kind, name, namespace = 'infra') =>
      client.delete(resourceOf(kind), where(resourceOf(kind), name, namespace)),
    get: (kind, name, namespace = 'infra') =>
      client.get<Stored>(resourceOf(kind), where(resourceOf(kind), name, namespace)),
    service: async (name, addresses, namespace = 'infra') => {
      for (const address of addresses)
        if (!servers.has(address)) {
          servers.add(address);
          stack.use(await startServer(address));
        }
      await applyService(rig, name, namespace, addresses, 8080);
    },
    slow: async (name) => {
      const sockets = new Set<Socket>();
      const server = createServer((socket) => void sockets.add(socket.on('error', () => undefined)));
      await new Promise<void>((resolve) => server.listen(0, PROXY, resolve));
      stack.defer(() => {
        for (const socket of sockets) socket.destroy();
        server.close();
      });
      await rig.expose(name, (server.address() as AddressInfo).port);
    },
    expose: (name, port) => applyService(rig, name, 'infra', [PROXY], port),
    count: async (host, requests) => {
      const counts = new Map<string, number>();
      for (let asked = 0; asked < requests; asked++) {
        const { server } = await ask(host, '/');
        counts.set(server, (counts.get(server) ?? 0) + 1);
      }
      return counts;
    },
    expect: async (...all) => {
      let answer: Answer | undefined;
      for (const [host, path, expected, asking] of all)
        await expect
          .poll(async () => {
            answer = await ask(host, path, asking).catch(() => undefined);
            return [host, path, typeof expected === 'number' ? answer?.status : answer?.server];
          })
          .toEqual([host, path, expected]);
      return answer!;
    },
    expectCondition: (kind, name, type, expected, namespace) =>
      until(type, expected, async () => {
        const { metadata, status } = await rig.get(kind, name, namespace);
        const conditions = kind === 'HTTPRoute' ? status?.parents?.[0]?.conditions : status?.conditions;
        return { generation: metadata.generation, conditions };
      }),
    expectListener: (gateway, listener, type, expected) =>
      until(type, expected, async () => {
        const { metadata, status } = await rig.get('Gateway', gateway);
        const conditions = status?.listeners?.find(({ name }) => name === listener)?.conditions;
        return { generation: metadata.generation, conditions };
      }),
    status: async (kind, name, status) => {
      await client.patch(
        resourceOf(kind),
        { name, namespace: 'infra' },
        'merge',
        { status },
        { subresource: 'status' },
      );
    },
    worker: async () => readProcesses(await askMaster(join(folder, 'haproxy', 'master.sock'), 'show proc')).worker,
    clear: async () => {
      for (const resource of TEMPORARY)
        for (const { metadata } of (await client.list<Stored>(resource)).items) {
          const { name, namespace } = metadata as { readonly name: string; readonly namespace?: string };
          await client.delete(resource, where(resource, name, namespace));
        }
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
  return rig;
}

async function applyService(
  rig: GatewayRig,
  name: string,
  namespace: string,
  addresses: readonly string[],
  target: number,
): Promise<void> {
  const port = { name: 'http', protocol: 'TCP' };
  await rig.apply(
    { kind: 'Service', metadata: { name, namespace }, spec: { ports: [{ ...port, port: 8080 }] } },
    {
      kind: 'EndpointSlice',
      metadata: { name, namespace, labels: { 'kubernetes.io/service-name': name } },
      addressType: 'IPv4',
      ports: [{ ...port, port: target }],
      endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
    },
  );
}

async function until(
  type: string,
  expected: string,
  read: () => Promise<{
    readonly generation: number | undefined;
    readonly conditions: readonly Condition[] | undefined;
  }>,
): Promise<Condition> {
  let found: Condition | undefined;
  await expect
    .poll(async () => {
      const { generation, conditions } = await read();
      found = conditions?.find((each) => each.type === type);
      if (found === undefined || found.observedGeneration !== generation) return 'not told yet';
      return found.status === 'True' ? 'True' : found.reason;
    })
    .toBe(expected);
  return found!;
}
