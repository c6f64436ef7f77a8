import type { Server } from 'node:http';
import { messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { http } from '../../host/http.ts';
import type { BgpSpeaker } from './bgp-speaker.ts';
import { listenUnix } from './cni-server.ts';
import type { Readiness } from './readiness.ts';
import type { AgentStatus } from './status.ts';

/** One answer of the agent's own HTTP interface. */
export interface StatusAnswer {
  readonly code: number;
  readonly type: 'application/json' | 'text/plain';
  readonly body: string;
}

/** What answers each path. */
export type StatusRoutes = Readonly<Record<string, () => StatusAnswer | Promise<StatusAnswer>>>;

/** Serves `GET` requests on a unix socket. */
export async function listenStatus(path: string, routes: StatusRoutes): Promise<AsyncDisposable> {
  const server = serverOf(routes);
  await listenUnix(server, path);
  return closing(server);
}

/**
 * Serves `/healthz` and `/livez` on a TCP port of the loopback interface, for probes that cost no process; 0: nowhere. A port
 * that somebody else has is a failing probe, not the end of the agent.
 */
export async function listenHealth(
  port: number,
  routes: StatusRoutes,
  log: Logger,
): Promise<AsyncDisposable | undefined> {
  if (port === 0) return undefined;
  const probes = Object.entries(routes).filter(([path]) => path === '/healthz' || path === '/livez');
  const server = serverOf(Object.fromEntries(probes));
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen({ port, host: '127.0.0.1' }, () => resolve());
  try {
    await promise;
    return closing(server);
  } catch (error) {
    log.error('cannot serve health probes', { port, error: messageOf(error) });
    return undefined;
  }
}

/** What of the agent's BGP its own HTTP interface tells. */
export type BgpAnswers = Pick<BgpSpeaker, 'status' | 'notReady'>;

/**
 * `/status`: everything; `/bgp`: sessions and routes, where there are any; `/healthz`: 200 or 503, and why, of the node as a
 * whole; `/livez`: the same of the agent alone, which no restart of it could make better where peers are away.
 */
export function statusRoutes(readiness: Readiness, status: () => AgentStatus, bgp?: BgpAnswers): StatusRoutes {
  const whole = async (): Promise<Readied> => {
    const reason = readiness.reason || ((await bgp?.notReady()) ?? '');
    return { ready: reason === '', reason };
  };
  return {
    '/status': async () => json(200, { ...status(), ...(await whole()) }),
    ...(bgp === undefined ? {} : { '/bgp': async () => json(200, await bgp.status()) }),
    '/healthz': async () => probe(await whole()),
    '/livez': () => probe({ ready: readiness.isReady, reason: readiness.reason }),
  };
}

interface Readied {
  readonly ready: boolean;
  readonly reason: string;
}

function probe(answer: Readied): StatusAnswer {
  return json(answer.ready ? 200 : 503, answer);
}

function json(code: number, value: unknown): StatusAnswer {
  return { code, type: 'application/json', body: `${JSON.stringify(value, undefined, 2)}\n` };
}

function serverOf(routes: StatusRoutes): Server {
  return http.createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://agent');
    const route = Object.hasOwn(routes, pathname) ? routes[pathname] : undefined;
    void Promise.resolve(route?.()).then((found) => {
      const answer = found ?? { code: 404, type: 'text/plain', body: `no such path: ${pathname}\n` };
      response.writeHead(answer.code, { 'content-type': answer.type }).end(answer.body);
    });
  });
}

function closing(server: Server): AsyncDisposable {
  return {
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
