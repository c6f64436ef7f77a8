import { createServer } from 'node:http';
import { listenUnix } from './cni-server.ts';

/** One answer of the agent's own HTTP interface. */
export interface StatusAnswer {
  readonly code: number;
  readonly type: 'application/json' | 'text/plain';
  readonly body: string;
}

/** Serves `GET` requests on a unix socket: `routes` maps a path to what answers it. */
export async function listenStatus(
  path: string,
  routes: Readonly<Record<string, () => StatusAnswer>>,
): Promise<AsyncDisposable> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://agent');
    const route = Object.hasOwn(routes, pathname) ? routes[pathname] : undefined;
    const answer: StatusAnswer = route?.() ?? { code: 404, type: 'text/plain', body: `no such path: ${pathname}\n` };
    response.writeHead(answer.code, { 'content-type': answer.type }).end(answer.body);
  });
  await listenUnix(server, path);
  return {
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
