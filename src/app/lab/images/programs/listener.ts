import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import { keepCompileCache } from '../../../../host/exec/keep-compile-cache.ts';

/**
 * Stands for a server of any kind: `listener.ts NAME tcp:6379 udp:53 …`. Whoever speaks HTTP gets a page, everyone else
 * an echo with the name in front; with no port it only waits.
 */
const [name = 'listener', ...specs] = process.argv.slice(2);

const IS_HTTP = /^[A-Z]+ \S+ HTTP\/1/;

function listenTcp(port: number): void {
  const server = createServer((socket) => {
    // A client that resets is none of our business.
    socket.on('error', () => undefined);
    socket.on('data', (data) => {
      const text = data.toString('latin1');
      if (!IS_HTTP.test(text)) return void socket.write(`${name}: ${text}`, 'latin1');
      const body = `${name} port ${port}, client ${socket.remoteAddress ?? '?'}\n`;
      socket.end(
        `HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
      );
      process.stdout.write(`tcp ${port} ${socket.remoteAddress ?? '?'} ${text.split('\r\n', 1)[0] ?? ''}\n`);
    });
  });
  server.on('error', (error) => fail(`tcp ${port}: ${error.message}`));
  server.listen(port, '::', () => process.stdout.write(`listening on tcp ${port}\n`));
}

function listenUdp(port: number): void {
  const socket = createSocket('udp6');
  socket.on('message', (message, { address, port: from }) =>
    socket.send(`${name}: ${message.toString()}`, from, address),
  );
  socket.on('error', (error) => fail(`udp ${port}: ${error.message}`));
  socket.bind(port, '::', () => process.stdout.write(`listening on udp ${port}\n`));
}

function fail(message: string): void {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

keepCompileCache();
for (const spec of specs) {
  const [protocol, port] = spec.split(':');
  if (protocol === 'udp') listenUdp(Number(port));
  else if (protocol === 'tcp') listenTcp(Number(port));
}
setInterval(() => undefined, 2 ** 30);
process.on('SIGTERM', () => process.exit(0));
