import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { connect, createServer as createHttp2Server } from 'node:http2';
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { request } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { connect as connectTcp } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { selfSignedCertificate } from './certificate.ts';
import { addAddress, enterNetwork, ingress, PROXY, startRig } from './rig.test-support.ts';
import type { IngressRig } from './rig.test-support.ts';

const allowed = enterNetwork();
/** RFC 6455, section 1.3. */
const WEBSOCKET_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const NGINX = 'nginx.ingress.kubernetes.io';

/** A server that is closed with all its connections at the end of the tests. */
interface Listening {
  listen(port: number, host: string, ready: () => void): unknown;
  close(): unknown;
}

describe.runIf(allowed)('what is more than plain requests', () => {
  let rig: IngressRig;
  const opened: Listening[] = [];

  beforeAll(async () => {
    rig = await startRig();
  }, 120_000);
  afterAll(async () => {
    for (const server of opened) server.close();
    await rig?.[Symbol.asyncDispose]();
  });

  /** Serves `host` by a server of the test's own, at an address of its own. */
  async function serve(name: string, server: Listening, annotations: Readonly<Record<string, string>>): Promise<void> {
    const address = `10.63.0.${opened.length + 1}`;
    opened.push(server);
    addAddress(address);
    await new Promise<void>((resolve) => server.listen(8080, address, resolve));
    await rig.expose(name, [address]);
    const own = Object.fromEntries(Object.entries(annotations).map(([key, value]) => [`${NGINX}/${key}`, value]));
    await rig.apply('Ingress', ingress(name, [[`${name}.test`, '/', 'Prefix', name]], { annotations: own }));
  }

  it('passes a WebSocket on, and then whatever either side says', async () => {
    const server = createServer((_, outgoing) => outgoing.end());
    server.on('upgrade', ({ headers }, socket) => {
      const accept = createHash('sha1').update(`${headers['sec-websocket-key']}${WEBSOCKET_GUID}`).digest('base64');
      const answer = ['Upgrade: websocket', 'Connection: Upgrade', `Sec-WebSocket-Accept: ${accept}`];
      socket.write(`HTTP/1.1 101 Switching Protocols\r\n${answer.join('\r\n')}\r\n\r\n`);
      socket.pipe(socket);
    });
    await serve('socket', server, {});
    await rig.until('socket.test', '/', 200);
    const headers = { host: 'socket.test', connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13' };
    const said = await new Promise<string>((resolve, reject) => {
      request({ host: PROXY, path: '/chat', headers: { ...headers, 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==' } })
        .once('error', reject)
        .once('response', ({ statusCode }) => reject(new Error(`answered ${statusCode}`)))
        .once('upgrade', (_, socket) => {
          socket.once('data', (piece: Buffer) => {
            socket.destroy();
            resolve(piece.toString());
          });
          socket.write('\x81\x05hello');
        })
        .end();
    });
    expect(said).toBe('\x81\x05hello');
  });

  it('speaks HTTP/2 to the servers of gRPC, and hands their trailers on', async () => {
    const server = createHttp2Server();
    server.on('stream', (stream: ServerHttp2Stream, { ':path': path }) => {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0', 'grpc-message': String(path) }));
      stream.pipe(stream);
    });
    await serve('grpc', server, { 'backend-protocol': 'GRPC' });
    await rig.until('grpc.test', '/', 200);
    const session = connect(`https://${PROXY}`, { rejectUnauthorized: false, servername: 'grpc.test' });
    const stream = session.request({
      ':method': 'POST',
      ':path': '/shop.Orders/Place',
      ':authority': 'grpc.test',
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    const message = Buffer.from([0, 0, 0, 0, 3, 1, 2, 3]);
    const [echo, trailers] = await new Promise<[Buffer, IncomingHttpHeaders]>((resolve, reject) => {
      const pieces: Buffer[] = [];
      let last: IncomingHttpHeaders = {};
      session.once('error', reject);
      stream
        .once('error', reject)
        .once('trailers', (found: IncomingHttpHeaders) => (last = found))
        .on('data', (piece: Buffer) => pieces.push(piece))
        .once('end', () => resolve([Buffer.concat(pieces), last]))
        .end(message);
    });
    session.destroy();
    expect(echo).toEqual(message);
    expect(trailers).toMatchObject({ 'grpc-status': '0', 'grpc-message': '/shop.Orders/Place' });
  });

  it('speaks TLS to servers that want it', async () => {
    const { certificate, key } = await selfSignedCertificate('inside.test', Date.now());
    const server = createSecureServer({ cert: certificate, key }, (incoming, outgoing) => {
      outgoing.setHeader('x-encrypted', String('encrypted' in incoming.socket));
      outgoing.end();
    });
    await serve('secure', server, { 'backend-protocol': 'HTTPS' });
    expect((await rig.until('secure.test', '/', 200)).headers['x-encrypted']).toBe('true');
  });

  it('says what may be the reason when no server takes the connection', async () => {
    addAddress('10.63.0.99');
    await rig.expose('dead', ['10.63.0.99']);
    await rig.apply('Ingress', ingress('dead', [['dead.test', '/', 'Prefix', 'dead']]));
    const { body } = await rig.until('dead.test', '/', 503);
    expect(body).toContain('a policy of its pods does not let this client in\n');
  });

  it('waits for a slow server as long as it is told', async () => {
    await serve(
      'slow',
      createServer((incoming, outgoing) => void (incoming.url === '/' && outgoing.end())),
      {
        'proxy-read-timeout': '1',
      },
    );
    await rig.until('slow.test', '/', 200);
    expect((await rig.ask('slow.test', '/never')).status).toBe(504);
  });
});

describe.runIf(allowed)('how clients come to the proxy', () => {
  it('believes a load balancer that sends the PROXY protocol', async () => {
    await using rig = await startRig({ SLUICE_INGRESS_ACCEPT_PROXY: 'true' });
    await rig.service('web', ['10.64.0.1']);
    await rig.apply('Ingress', ingress('web', [['web.test', '/', 'Prefix', 'web']]));
    const ask = (): Promise<string> =>
      new Promise((resolve) => {
        let text = '';
        const socket = connectTcp(80, PROXY);
        socket
          .setEncoding('utf8')
          .on('data', (piece: string) => (text += piece))
          .on('error', () => undefined)
          .once('close', () => resolve(text));
        const line = `PROXY TCP4 198.51.100.7 ${PROXY} 4321 80\r\n`;
        socket.write(`${line}GET / HTTP/1.1\r\nHost: web.test\r\nConnection: close\r\n\r\n`);
      });
    await expect.poll(ask, { timeout: 180_000 }).toContain('"x-forwarded-for":"198.51.100.7"');
  });

  it('listens on IPv6 as on IPv4', async () => {
    addAddress('fd00:60::1');
    await using rig = await startRig({ SLUICE_INGRESS_LISTEN: `${PROXY},fd00:60::1` });
    await rig.service('web', ['10.64.0.1']);
    await rig.apply('Ingress', ingress('web', [['web.test', '/', 'Prefix', 'web']]));
    const six = await rig.until('web.test', '/', '10.64.0.1', { proxy: 'fd00:60::1' });
    expect(six.seen).toMatchObject({ 'x-forwarded-for': 'fd00:60::1' });
    expect((await rig.ask('web.test', '/', { tls: true, proxy: 'fd00:60::1' })).status).toBe(200);
    expect((await rig.ask('web.test', '/')).seen).toMatchObject({ 'x-forwarded-for': PROXY });
  });

  it('serves on when HAProxy has crashed', async () => {
    await using rig = await startRig();
    await rig.service('web', ['10.64.0.1']);
    await rig.apply('Ingress', ingress('web', [['web.test', '/', 'Prefix', 'web']]));
    await rig.until('web.test', '/', '10.64.0.1');
    const before = (await rig.worker())!;
    process.kill(before, 'SIGKILL');
    await expect.poll(() => rig.worker(), { timeout: 180_000 }).not.toBe(before);
    await rig.until('web.test', '/', '10.64.0.1');
    // And it still is told of changes.
    await rig.service('web', ['10.64.0.2']);
    await rig.until('web.test', '/', '10.64.0.2');
  });
});
