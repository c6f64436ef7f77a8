import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { dirname } from 'node:path';
import { answerCni } from '../../core/cni/index.ts';
import type { CniService } from '../../core/cni/index.ts';

/** A request is a network configuration and a previous result: kilobytes. */
const MAX_REQUEST = 4 << 20;

/** Serves the CNI plugin: one request line and one reply line per connection. Only root can connect. */
export async function listenCni(path: string, service: CniService): Promise<AsyncDisposable> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    serve(socket, service);
  });
  await listenUnix(server, path);
  return {
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** Listens on a unix socket that only root may use, in the place of one that a dead process left. */
export async function listenUnix(server: Server, path: string): Promise<void> {
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  rmSync(path, { force: true });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen(path, () => resolve());
  await promise;
  server.off('error', reject);
  chmodSync(path, 0o600);
}

function serve(socket: Socket, service: CniService): void {
  let text = '';
  let answered = false;
  socket.setEncoding('utf8');
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk: string) => {
    text += chunk;
    const end = text.indexOf('\n');
    if (end < 0 && text.length > MAX_REQUEST) socket.destroy();
    if (end < 0 || answered) return;
    answered = true;
    // The plugin may have been killed meanwhile; then nobody reads the answer, and the runtime will send a DEL.
    void answerCni(text.slice(0, end), service).then((reply) => socket.writable && socket.end(reply));
  });
  socket.on('end', () => {
    if (!answered) socket.destroy();
  });
}
