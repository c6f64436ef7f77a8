import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import { http } from '../../../host/http.ts';
import { keepCompileCache } from '../../../host/exec/keep-compile-cache.ts';

/**
 * The host outside the cluster, standing for the rest of the world: HTTP on 80 and 8080 answers with the client's
 * address, TCP 7 and 9000 echo after a line with the client's address, UDP 7, 53 and 9000 echo.
 */
keepCompileCache();
for (const port of [80, 8080]) {
  http
    .createServer((request, response) => {
      response.setHeader('content-type', 'text/plain');
      response.end(
        `outside.example\nclient ${request.socket.remoteAddress ?? '?'} port ${request.socket.remotePort ?? '?'}\n`,
      );
    })
    .listen(port, '::');
}
for (const port of [7, 9000]) {
  createServer((socket) => {
    // A client that resets is none of our business.
    socket.on('error', () => undefined);
    socket.write(`client ${socket.remoteAddress ?? '?'}\n`);
    socket.pipe(socket);
  }).listen(port, '::');
}
for (const port of [7, 53, 9000]) {
  const socket = createSocket({ type: 'udp6' });
  socket.on('message', (message, from) => socket.send(message, from.port, from.address));
  socket.bind(port, '::');
}
