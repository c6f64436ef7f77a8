import type { TLSSocket } from 'node:tls';
import type { ServerContext, User } from './server-context.ts';
import { userOfToken } from './service-account-token.ts';

/** A client's connection: the TLS socket, and what identifies it from request to request. */
export interface Connection {
  readonly identity: object;
  readonly socket: TLSSocket;
}

/** What the certificate of a connection says; asked once per connection. */
const certificateUsers = new WeakMap<object, User | undefined>();

/** Who sends a request: by bearer token, else by client certificate; undefined when by neither. */
export function authenticate(server: ServerContext, authorization: string, connection: Connection): User | undefined {
  const bearer = /^Bearer\s+(\S+)$/i.exec(authorization)?.[1];
  if (bearer !== undefined) return userOfToken(server, bearer);
  const { identity, socket } = connection;
  if (!certificateUsers.has(identity)) certificateUsers.set(identity, userOfCertificate(socket));
  return certificateUsers.get(identity);
}

/** The common name is the user, the organisations are the groups, as in Kubernetes. */
function userOfCertificate(socket: TLSSocket): User | undefined {
  if (!socket.authorized) return undefined;
  const { subject } = socket.getPeerCertificate();
  const name = subject?.CN as string | readonly string[] | undefined;
  const organisations = subject?.O as string | readonly string[] | undefined;
  if (name === undefined) return undefined;
  const groups = organisations === undefined ? [] : typeof organisations === 'string' ? [organisations] : organisations;
  return { name: typeof name === 'string' ? name : (name[0] ?? ''), groups: [...groups, 'system:authenticated'] };
}
