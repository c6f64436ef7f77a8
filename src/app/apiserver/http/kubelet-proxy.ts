import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Pod } from 'kubernetes-types/core/v1.d.ts';
import { ApiError, badRequest, existing } from '../../../core/objectstore/index.ts';
import { http } from '../../../host/http.ts';
import { targetOf, type Call } from './call.ts';

/** Streams `pods/NAME/log` from the kubelet of the pod's node. */
export function proxyToKubelet(call: Call): void {
  const { response, query } = call;
  const pod = podOf(call);
  if (pod.spec?.nodeName === undefined) {
    // A pod that nobody runs yet has said nothing.
    response.writeHead(200, { 'Content-Type': 'text/plain' });
    response.end();
    return;
  }
  const path = kubeletPath(call, pod, 'containerLogs', query);
  const outgoing = http.request({ socketPath: socketOf(call, pod), path, method: 'GET', headers: { Host: 'kubelet' } });
  outgoing.on('response', (incoming) => {
    response.writeHead(incoming.statusCode ?? 502, {
      'Content-Type': incoming.headers['content-type'] ?? 'text/plain',
    });
    response.flushHeaders();
    incoming.pipe(response);
  });
  outgoing.on('error', (error) => {
    if (response.headersSent) response.destroy();
    else fail(response, unreachable(pod, error));
  });
  response.on('close', () => outgoing.destroy());
  outgoing.end();
}

function fail(response: ServerResponse, error: ApiError): void {
  const body = JSON.stringify(error.status);
  response.writeHead(error.status.code ?? 500, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(body),
  });
  response.end(body);
}

/** Kubelet handler of each streaming subresource. */
const STREAMS: Readonly<Record<string, string>> = { exec: 'exec', attach: 'attach', portforward: 'portForward' };

/**
 * Hands an upgraded connection (exec, attach, port-forward) to the kubelet of the pod's node: the request goes on with
 * its own headers, then bytes flow both ways untouched. Failures before that are thrown as ApiErrors.
 */
export function proxyUpgrade(call: Call, socket: Duplex, head: Buffer): void {
  const { info, query, request } = call;
  const stream = STREAMS[info.subresource];
  if (stream === undefined) throw badRequest(`${info.subresource} cannot be upgraded`);
  const pod = podOf(call);
  if (pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed') {
    throw badRequest(`cannot exec into a container in a completed pod; current phase is ${pod.status.phase}`);
  }
  if (pod.spec?.nodeName === undefined) throw badRequest(`pod ${info.name} does not have a host assigned`);
  const path = kubeletPath(call, pod, stream, query);
  const upstream = connect(socketOf(call, pod));
  upstream.on('connect', () => {
    upstream.write(requestHead(request as IncomingMessage, path));
    if (head.length > 0) upstream.write(head);
    upstream.pipe(socket);
    socket.pipe(upstream);
  });
  upstream.on('error', (error) => {
    if (upstream.bytesWritten === 0) writeFailure(socket, unreachable(pod, error));
    else socket.destroy();
  });
  socket.on('error', () => upstream.destroy());
  socket.on('close', () => upstream.destroy());
  upstream.on('close', () => socket.end());
}

/** Answers an upgrade request that fails, on the bare connection. */
export function writeFailure(socket: Duplex, error: ApiError): void {
  const body = JSON.stringify(error.status);
  const code = error.status.code ?? 500;
  socket.end(
    `HTTP/1.1 ${code} ${error.code}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}

function podOf(call: Call): Pod {
  return existing(call.server.api, targetOf(call)).object as unknown as Pod;
}

function socketOf({ server }: Call, pod: Pod): string {
  const node = pod.spec!.nodeName!;
  const socket = server.kubeletSocket(node);
  if (socket === undefined) throw new ApiError('ServiceUnavailable', `node ${node} has no kubelet to talk to`);
  return socket;
}

function unreachable(pod: Pod, error: Error): ApiError {
  return new ApiError(
    'ServiceUnavailable',
    `error dialing the kubelet of node ${pod.spec?.nodeName}: ${error.message}`,
  );
}

function kubeletPath({ info }: Call, pod: Pod, handler: string, query: URLSearchParams): string {
  const forwarded = new URLSearchParams(query);
  forwarded.delete('container');
  const parts = [handler, info.namespace, info.name];
  if (handler !== 'portForward') parts.push(containerOf(pod, query.get('container') ?? ''));
  const text = forwarded.toString();
  return `/${parts.map(encodeURIComponent).join('/')}${text === '' ? '' : `?${text}`}`;
}

const DEFAULT_CONTAINER = 'kubectl.kubernetes.io/default-container';

function containerOf(pod: Pod, asked: string): string {
  const { containers = [], initContainers = [], ephemeralContainers = [] } = pod.spec ?? {};
  const name = pod.metadata?.name;
  if (asked !== '') {
    if ([...containers, ...initContainers, ...ephemeralContainers].some((each) => each.name === asked)) return asked;
    throw badRequest(`container ${asked} is not valid for pod ${name}`);
  }
  const annotated = pod.metadata?.annotations?.[DEFAULT_CONTAINER];
  if (annotated !== undefined) return annotated;
  if (containers.length === 1) return containers[0]!.name;
  const names = containers.map((each) => each.name).join(' ');
  throw badRequest(`a container name must be specified for pod ${name}, choose one of: [${names}]`);
}

/** Headers that are between client and API server only. */
const OWN_HEADERS = new Set(['authorization', 'host']);

function requestHead(request: IncomingMessage, path: string): string {
  const lines = [`${request.method} ${path} HTTP/1.1`, 'Host: kubelet'];
  for (let i = 0; i < request.rawHeaders.length; i += 2) {
    const name = request.rawHeaders[i]!;
    if (!OWN_HEADERS.has(name.toLowerCase())) lines.push(`${name}: ${request.rawHeaders[i + 1]}`);
  }
  return `${lines.join('\r\n')}\r\n\r\n`;
}
