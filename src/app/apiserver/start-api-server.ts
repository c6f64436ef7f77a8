import { randomUUID } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  BUILTIN_RESOURCES,
  Registry,
  schemaSource,
  VersionedStore,
  type ApiContext,
  type SchemaSource,
} from '../../core/objectstore/index.ts';
import { validateObject } from '../../core/kube/validate/validate-object.ts';
import type { KubeClient, Resource } from '../../host/kube-client/types.ts';
import { bootstrap, firstServiceAddresses } from './bootstrap.ts';
import { loadPki, type Pki, type ServingNames } from './certificates.ts';
import { loadDefinitions } from './definitions.ts';
import { expireEvents } from './expire-events.ts';
import { inProcessClient } from './in-process-client.ts';
import { kubeconfig } from './kubeconfig.ts';
import { listen } from './listen.ts';
import type { ApiServerDependencies, ApiServerOptions } from './options.ts';
import type { ServerContext } from './server-context.ts';
import { ISSUER, tokenSigner } from './tokens.ts';

/** A resource as discovery shows it. */
export interface ServedResource extends Resource {
  readonly verbs: readonly string[];
}

/** An API server that answers requests until it is disposed of. */
export interface ApiServer extends AsyncDisposable {
  /** `https://127.0.0.1:<port>`. */
  readonly url: string;
  readonly port: number;
  /** The cluster's CA, PEM. */
  readonly ca: string;
  /** The same API without HTTP, with all rights. */
  readonly client: KubeClient;
  /** A kubeconfig with the admin's client certificate; `server` defaults to {@link url}. */
  adminKubeconfig(server?: string): string;
  /** A bearer token for any user, such as `system:node:node-1` in `system:nodes`; group `system:masters` may do everything. */
  tokenFor(user: string, groups: readonly string[]): string;
  /** Everything that is served now, custom resources included. */
  resources(): readonly ServedResource[];
}

/** Ten years: tokens from {@link ApiServer.tokenFor} live as long as the cluster. */
const TOKEN_LIFETIME = 10 * 365 * 24 * 3600;

/** Events kept per resource for watches that resume. */
const WATCH_LOG = 5000;

/**
 * Starts the API server: certificates (made on the first start), the stored objects, what every cluster begins with, a
 * TCP listener on 127.0.0.1 and a unix socket, and writes the admin's kubeconfig. Closing it also closes the store.
 */
export async function startApiServer(
  options: ApiServerOptions,
  dependencies: ApiServerDependencies,
): Promise<ApiServer> {
  const { store, log, kubeletSocket, now = () => new Date() } = dependencies;
  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(() => store.close());
  const pki = await loadPki(join(options.stateDir, 'pki'), servingNames(options));
  const server: ServerContext = {
    api: apiContext(options, dependencies, now),
    log,
    signer: tokenSigner(pki.tokenKey),
    kubeletSocket,
    nowMs: () => now().getTime(),
  };
  bootstrap(server.api, options.advertise);
  cleanup.defer(expireEvents(server.api, server.nowMs));
  const tcp = cleanup.use(await listen(server, pki, { host: '127.0.0.1', port: options.port }));
  if (options.socketPath !== undefined) {
    mkdirSync(dirname(options.socketPath), { recursive: true });
    cleanup.use(await listen(server, pki, { path: options.socketPath }));
  }
  const url = `https://127.0.0.1:${tcp.port}`;
  const adminKubeconfig = adminConfig(options.clusterName, url, pki);
  writeFileSync(options.kubeconfigPath ?? join(options.stateDir, 'kubeconfig'), adminKubeconfig(), { mode: 0o600 });
  const running = cleanup.move();
  return {
    url,
    port: tcp.port!,
    ca: pki.ca,
    client: inProcessClient(server),
    adminKubeconfig,
    tokenFor: (user, groups) => {
      const iat = Math.floor(server.nowMs() / 1000);
      return server.signer.sign({ iss: ISSUER, sub: user, aud: [ISSUER], iat, exp: iat + TOKEN_LIFETIME, groups });
    },
    resources: () => servedResources(server.api.registry),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** First port and last of Kubernetes' default node port range. */
const NODE_PORTS = { from: 30_000, to: 32_767 } as const;

function apiContext(options: ApiServerOptions, dependencies: ApiServerDependencies, now: () => Date): ApiContext {
  let schemas: SchemaSource | undefined;
  return {
    store: new VersionedStore({ logSize: WATCH_LOG }, dependencies.store),
    registry: new Registry(dependencies.builtin ?? BUILTIN_RESOURCES),
    schemas: () => (schemas ??= schemaSource(loadDefinitions())),
    surroundings: {
      now: (offset = 0) => new Date(now().getTime() + offset * 1000).toISOString().replace(/\.\d+Z$/, 'Z'),
      uuid: randomUUID,
      random: Math.random,
    },
    settings: { serviceCidrs: options.serviceCidrs, nodePortRange: options.nodePortRange ?? NODE_PORTS },
    validateObject: dependencies.validateObject ?? validateObject,
  };
}

function servingNames(options: ApiServerOptions): ServingNames {
  const inside = ['kubernetes', 'kubernetes.default', 'kubernetes.default.svc', 'kubernetes.default.svc.cluster.local'];
  const addresses = [
    '127.0.0.1',
    '::1',
    ...options.advertise.addresses,
    ...firstServiceAddresses(options.serviceCidrs),
  ];
  return { dns: ['localhost', ...inside], addresses: [...new Set(addresses)] };
}

function adminConfig(clusterName: string, url: string, pki: Pki): (server?: string) => string {
  return (server = url) =>
    kubeconfig({ clusterName, server, ca: pki.ca, user: { name: `${clusterName}-admin`, client: pki.admin } });
}

function servedResources(registry: Registry): ServedResource[] {
  return registry.all().map(({ group, version, plural, kind, namespaced, verbs }) => ({
    group,
    version,
    plural,
    kind,
    namespaced,
    verbs,
  }));
}
