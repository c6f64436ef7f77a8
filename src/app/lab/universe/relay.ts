import type { Server } from 'node:net';
import { connect, createServer } from 'node:net';
import { pipeline } from 'node:stream';

/** Listens on `address`:`port` and passes every connection on to the unix socket `target`. */
export function startRelay(address: string, port: number, target: string): Promise<Server> {
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (inbound) => {
    const outbound = connect({ path: target, allowHalfOpen: true });
    // Either side's failure tears down both; the client sees a reset and tries again.
    const done = (): void => undefined;
    pipeline(inbound, outbound, done);
    pipeline(outbound, inbound, done);
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: address, port, backlog: 1024 }, () => resolve(server));
  });
}
