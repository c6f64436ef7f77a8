import type { Server } from 'node:http';
import { http } from '../../host/http.ts';
import { listenUnix } from './cni-server.ts';

/** One answer of the agent's own HTTP interface. */
export interface StatusAnswer {
  readonly code: number;
  readonly type: 'application/json' | 'text/plain';
  readonly body: string;
}

/** What answers each path. */
export type StatusRoutes = Readonly<Record<string, () => StatusAnswer>>;

/** Serves `GET` requests on a unix socket. */
export async function listenStatus(path: string, routes: StatusRoutes): Promise<AsyncDisposable> {
  const server = serverOf(routes);
  await listenUnix(server, path);
  return closing(server);
}

/** Serves `GET` requests on a TCP port of the loopback interface, for probes that need no process of their own. */
export async function listenLoopback(port: number, routes: StatusRoutes): Promise<AsyncDisposable> {
  const server = serverOf(routes);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen({ port, host: '127.0.0.1' }, () => resolve());
  await promise;
  return closing(server);
}

function serverOf(routes: StatusRoutes): Server {
  return http.createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://agent');
    const route = Object.hasOwn(routes, pathname) ? routes[pathname] : undefined;
    const answer: StatusAnswer = route?.() ?? { code: 404, type: 'text/plain', body: `no such path: ${pathname}\n` };
    response.writeHead(answer.code, { 'content-type': answer.type }).end(answer.body);
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
