import { rmSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { createSecureServer, type Http2SecureServer } from 'node:http2';
import type { Socket } from 'node:net';
import { connect } from 'node:net';
import { SluiceError } from '../../base/errors.ts';
import type { Pki } from './certificates.ts';
import { serve, serveUpgrade } from './http/serve.ts';
import type { ServerContext } from './server-context.ts';

/** A listening endpoint; closing it cuts its connections. */
export interface Listener extends AsyncDisposable {
  /** The TCP port, undefined on a unix socket. */
  readonly port: number | undefined;
}

/** Where to listen: a TCP port on one address, or a unix socket. */
export type ListenAt = { readonly host: string; readonly port: number } | { readonly path: string };

/** Serves HTTP/2 and HTTP/1.1 (upgrades included) over TLS; client certificates are asked for but not required. */
export async function listen(server: ServerContext, pki: Pki, at: ListenAt): Promise<Listener> {
  if ('path' in at) await removeStaleSocket(at.path);
  const listener = createSecureServer({
    key: pki.server.key,
    cert: pki.server.certificate,
    ca: pki.ca,
    requestCert: true,
    rejectUnauthorized: false,
    allowHTTP1: true,
    // As kube-apiserver's: with Node's 5 s a client often sends its next request on a connection that is just being closed.
    http1Options: { keepAliveTimeout: 180_000 },
    // Megabytes per connection; the default of 10 refuses streams while a large list is in flight.
    maxSessionMemory: 1024,
  });
  const connections = trackConnections(listener);
  listener.on('request', (request, response) => void serve(server, request, response as unknown as ServerResponse));
  listener.on('upgrade', (request, socket, head) => serveUpgrade(server, request, socket, head));
  listener.on('sessionError', (error) => server.log.debug('session failed', { error: String(error) }));
  await opened(listener, at);
  const address = listener.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : undefined,
    [Symbol.asyncDispose]: async () => {
      const closed = new Promise<void>((resolve) => listener.close(() => resolve()));
      for (const socket of connections) socket.destroy();
      await closed;
    },
  };
}

function trackConnections(listener: Http2SecureServer): ReadonlySet<Socket> {
  const connections = new Set<Socket>();
  const track = (socket: Socket): void => {
    connections.add(socket);
    // A watch event is a small write: Nagle would hold it back until the client's delayed acknowledgement.
    socket.setNoDelay(true);
    socket.on('close', () => connections.delete(socket));
    socket.on('error', () => socket.destroy());
  };
  listener.on('connection', track);
  listener.on('secureConnection', track);
  return connections;
}

function opened(listener: Http2SecureServer, at: ListenAt): Promise<void> {
  return new Promise((resolve, reject) => {
    listener.once('error', (error: NodeJS.ErrnoException) => {
      const where = 'path' in at ? at.path : `${at.host}:${at.port}`;
      reject(
        error.code === 'EADDRINUSE'
          ? new SluiceError(
              'port-taken',
              `${where} is in use by another program; choose another port`,
              { where },
              error,
            )
          : new SluiceError('listen-failed', `cannot listen on ${where}: ${error.message}`, { where }, error),
      );
    });
    listener.listen('path' in at ? { path: at.path } : { host: at.host, port: at.port }, resolve);
  });
}

/** A socket file that nobody answers on is left over from a crash. One that answers is somebody's server. */
async function removeStaleSocket(path: string): Promise<void> {
  const alive = await new Promise<boolean>((resolve) => {
    const probe = connect(path);
    probe.on('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.on('error', () => resolve(false));
  });
  if (alive) throw new SluiceError('port-taken', `${path} is served by another process`, { path });
  rmSync(path, { force: true });
}
