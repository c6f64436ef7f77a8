import type { IncomingMessage } from 'node:http';
import type { Http2ServerRequest } from 'node:http2';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { messageOf } from '../../../base/errors.ts';
import { ApiError, authorize } from '../../../core/objectstore/index.ts';
import { authenticate, type Connection } from '../authenticate.ts';
import type { ServerContext, User } from '../server-context.ts';
import { header, send, type Request, type Response } from './exchange.ts';
import { proxyUpgrade, writeFailure } from './kubelet-proxy.ts';
import { handlePlain, PUBLIC_PATHS } from './plain-request.ts';
import { requestInfo, type PlainRequest, type ResourceRequest } from './request-info.ts';
import { definitionFor, handleResource } from './resource-request.ts';

/** Answers one request completely; whatever goes wrong becomes a Status. */
export async function serve(server: ServerContext, request: Request, response: Response): Promise<void> {
  try {
    const { info, query } = read(request);
    if (info.kind === 'plain') {
      if (!PUBLIC_PATHS.has(info.path)) admitUser(server, request, info);
      return handlePlain(server, info.path, request, response);
    }
    const user = admitUser(server, request, info);
    const definition = definitionFor(server, info);
    await handleResource({ server, definition, info, query, user, request, response });
  } catch (error) {
    const failure = asApiError(server, request, error);
    const seconds = failure.status.details?.retryAfterSeconds;
    // With it kubectl tries again by itself, and without a word.
    if (seconds !== undefined) response.setHeader('Retry-After', String(seconds));
    send(response, failure.status.code ?? 500, JSON.stringify(failure.status));
  }
}

/** Takes over a connection that asks to be upgraded. */
export function serveUpgrade(server: ServerContext, request: IncomingMessage, socket: Duplex, head: Buffer): void {
  try {
    const { info, query } = read(request);
    if (info.kind === 'plain') throw new ApiError('NotFound', 'the server could not find the requested resource');
    const user = admitUser(server, request, info);
    const definition = definitionFor(server, info);
    // The proxy writes to the bare connection; there is no response object.
    const response = undefined as unknown as Response;
    proxyUpgrade({ server, definition, info, query, user, request, response }, socket, head);
  } catch (error) {
    writeFailure(socket, asApiError(server, request, error));
  }
}

function read(request: Request): { info: ResourceRequest | PlainRequest; query: URLSearchParams } {
  const url = request.url ?? '/';
  const mark = url.indexOf('?');
  const query = new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1));
  return { info: requestInfo(request.method ?? 'GET', mark < 0 ? url : url.slice(0, mark), query), query };
}

function asApiError(server: ServerContext, request: Request, error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  const stack = error instanceof Error ? error.stack : undefined;
  server.log.error('request failed', { method: request.method, url: request.url, error: messageOf(error), stack });
  return new ApiError('InternalError', `Internal error occurred: ${messageOf(error)}`);
}

/** Authenticates, impersonates if asked, and authorises; throws Unauthorized or Forbidden. */
function admitUser(server: ServerContext, request: Request, info: ResourceRequest | PlainRequest): User {
  const user = authenticate(server, header(request, 'authorization'), connectionOf(request));
  if (user === undefined) throw new ApiError('Unauthorized', 'Unauthorized');
  const acting = impersonated(server, request, user);
  const asked = attributesOf(info);
  if (authorize(server.api.store, acting, asked) !== undefined) return acting;
  throw refusal(acting, info);
}

/** HTTP/2 hands out a proxy of the socket; the session behind it is what stays the same. */
function connectionOf(request: Request): Connection {
  const session = (request as Http2ServerRequest).stream?.session;
  const socket = (session?.socket ?? request.socket) as TLSSocket;
  return { identity: session ?? socket, socket };
}

function impersonated(server: ServerContext, request: Request, user: User): User {
  const name = header(request, 'impersonate-user');
  if (name === '') return user;
  if (authorize(server.api.store, user, { verb: 'impersonate', resource: 'users', name }) === undefined) {
    throw new ApiError(
      'Forbidden',
      `users "${name}" is forbidden: User "${user.name}" cannot impersonate resource "users" in API group "" at the cluster scope`,
    );
  }
  const groups = header(request, 'impersonate-group')
    .split(',')
    .filter((each) => each !== '');
  const account = /^system:serviceaccount:([^:]+):/.exec(name)?.[1];
  const implied = account === undefined ? [] : ['system:serviceaccounts', `system:serviceaccounts:${account}`];
  return { name, groups: [...groups, ...implied, 'system:authenticated'] };
}

function attributesOf(info: ResourceRequest | PlainRequest): Parameters<typeof authorize>[2] {
  if (info.kind === 'plain') return { verb: 'get', path: info.path };
  const { verb, group, plural, subresource, namespace, name } = info;
  return {
    verb,
    group,
    resource: subresource === '' ? plural : `${plural}/${subresource}`,
    namespace: plural === 'namespaces' && group === '' ? name : namespace,
    name,
  };
}

function refusal(user: User, info: ResourceRequest | PlainRequest): ApiError {
  if (info.kind === 'plain') {
    return new ApiError('Forbidden', `forbidden: User "${user.name}" cannot get path "${info.path}"`);
  }
  const { verb, group, plural, subresource, namespace, name } = info;
  const resource = subresource === '' ? plural : `${plural}/${subresource}`;
  const qualified = group === '' ? plural : `${plural}.${group}`;
  const where = namespace === '' ? 'at the cluster scope' : `in the namespace "${namespace}"`;
  return new ApiError(
    'Forbidden',
    `${qualified}${name === '' ? '' : ` "${name}"`} is forbidden: User "${user.name}" cannot ${verb} resource "${resource}" in API group "${group}" ${where}`,
    { ...(name === '' ? {} : { name }), kind: plural, ...(group === '' ? {} : { group }) },
  );
}
