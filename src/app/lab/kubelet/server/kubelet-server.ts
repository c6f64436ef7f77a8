import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { mkdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';
import { messageOf } from '../../../../base/errors.ts';
import { http } from '../../../../host/http.ts';
import type { ContainerRunner } from '../pod/container-runner.ts';
import type { PodWorker } from '../pod/pod-worker.ts';
import { serveLogs } from './container-logs.ts';
import type { RemoteCommand } from './remote-command.ts';
import { serveAttach, serveExec } from './remote-command.ts';
import { offersSpdyChannels, upgradeToSpdy } from './spdy-channels.ts';
import { CHANNEL_PROTOCOLS, webSocketChannels } from './websocket-channels.ts';

/** What the server tells of. */
export interface KubeletServerDependencies {
  readonly pod: (namespace: string, name: string) => PodWorker | undefined;
  /** What the lab asks for beside the kubelet's own interface: pods and their places. */
  readonly places: () => unknown;
}

interface Target {
  readonly verb: string;
  readonly runner: ContainerRunner;
  readonly query: URLSearchParams;
}

/** Serves the kubelet's HTTP interface (containerLogs, exec, attach) on the unix socket `path`. */
export function startKubeletServer(path: string, dependencies: KubeletServerDependencies): Promise<Server> {
  mkdirSync(dirname(path), { recursive: true });
  rmSync(path, { force: true });
  const server = http.createServer((request, response) => answer(request, response, dependencies));
  const sockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    handleProtocols: (offered) => CHANNEL_PROTOCOLS.find((protocol) => offered.has(protocol)) ?? false,
  });
  server.on('upgrade', (request, socket, head) => upgrade({ request, socket, head }, sockets, dependencies));
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => resolve(server));
  });
}

function answer(request: IncomingMessage, response: ServerResponse, dependencies: KubeletServerDependencies): void {
  const url = new URL(request.url ?? '/', 'http://kubelet');
  if (url.pathname === '/healthz') return void response.end('ok');
  if (url.pathname === '/lab/pods') return void response.end(JSON.stringify(dependencies.places()));
  const target = locate(url, dependencies);
  if (typeof target === 'string') return void response.writeHead(404).end(target);
  if (target.verb === 'containerLogs') return serveLogs(target.runner, logOptions(target.query), response);
  response.writeHead(400).end(SPOKEN);
}

function upgrade(
  { request, socket, head }: { readonly request: IncomingMessage; readonly socket: Duplex; readonly head: Buffer },
  sockets: WebSocketServer,
  dependencies: KubeletServerDependencies,
): void {
  const refuse = (status: string, text: string): void =>
    void socket.end(
      `HTTP/1.1 ${status}\r\ncontent-type: text/plain\r\ncontent-length: ${Buffer.byteLength(text)}\r\nconnection: close\r\n\r\n${text}`,
    );
  socket.on('error', () => undefined);
  const protocol = request.headers.upgrade?.toLowerCase();
  const isSpdy = protocol === 'spdy/3.1' && offersSpdyChannels(request);
  if (protocol !== 'websocket' && !isSpdy) return refuse('400 Bad Request', SPOKEN);
  const target = locate(new URL(request.url ?? '/', 'http://kubelet'), dependencies);
  if (typeof target === 'string') return refuse('404 Not Found', target);
  const serve = target.verb === 'exec' ? serveExec : target.verb === 'attach' ? serveAttach : undefined;
  if (serve === undefined) return refuse('404 Not Found', `no such stream: ${target.verb}\n`);
  const wanted = remoteCommand(target.query);
  if (isSpdy) return void upgradeToSpdy({ socket, head }, wanted, (connect) => serve(target.runner, wanted, connect));
  sockets.handleUpgrade(request, socket, head, (webSocket: WebSocket) => {
    serve(target.runner, wanted, (listeners) => webSocketChannels(webSocket, listeners)).catch((error: unknown) =>
      webSocket.close(1011, messageOf(error).slice(0, 120)),
    );
  });
}

/** What a client hears that speaks something else. */
const SPOKEN =
  'this kubelet streams over WebSocket (v5.channel.k8s.io, v4.channel.k8s.io) and SPDY/3.1 (v4.channel.k8s.io)\n';

/** `/<verb>/<namespace>/<pod>/<container>`; a text says what is missing. */
function locate(url: URL, { pod }: KubeletServerDependencies): Target | string {
  const [, verb = '', namespace = '', name = '', container = ''] = url.pathname.split('/').map(decodeURIComponent);
  const worker = pod(namespace, name);
  if (worker === undefined) return `pod ${namespace}/${name} does not run on this node\n`;
  const runner =
    container === ''
      ? worker.runners.find(({ role }) => role === 'app')
      : worker.runners.find(({ spec }) => spec.name === container);
  if (runner === undefined)
    return `container ${container} of pod ${namespace}/${name} is waiting to start or unknown\n`;
  return { verb, runner, query: url.searchParams };
}

const isTrue = (query: URLSearchParams, key: string): boolean => ['true', '1'].includes(query.get(key) ?? '');

function remoteCommand(query: URLSearchParams): RemoteCommand {
  // The API's own names (stdin) and those of the kubelet's interface (input) are both in use.
  return {
    command: query.getAll('command'),
    stdin: isTrue(query, 'stdin') || isTrue(query, 'input'),
    stdout: isTrue(query, 'stdout') || isTrue(query, 'output'),
    stderr: isTrue(query, 'stderr') || isTrue(query, 'error'),
    tty: isTrue(query, 'tty'),
  };
}

function logOptions(query: URLSearchParams): Parameters<typeof serveLogs>[1] {
  const number = (key: string): number | undefined => (query.has(key) ? Number(query.get(key)) : undefined);
  const [tailLines, sinceSeconds, limitBytes] = [number('tailLines'), number('sinceSeconds'), number('limitBytes')];
  const sinceTime = query.get('sinceTime');
  return {
    follow: isTrue(query, 'follow'),
    previous: isTrue(query, 'previous'),
    timestamps: isTrue(query, 'timestamps'),
    ...(tailLines === undefined ? {} : { tailLines }),
    ...(sinceSeconds === undefined ? {} : { sinceSeconds }),
    ...(sinceTime === null ? {} : { sinceTime }),
    ...(limitBytes === undefined ? {} : { limitBytes }),
  };
}
