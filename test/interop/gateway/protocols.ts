import { createServer, request } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import type { ServerHttp2Stream } from 'node:http2';
import { expect } from 'vitest';
import { ask, PROXY } from '../../../src/app/ingress/rig.test-support.ts';
import { gateway, http, prefix, route, to, V1 } from './cases.ts';
import type { Cases } from './cases.ts';
import type { GatewayRig } from './gateway-rig.ts';

const HOST = 'any.example.test';

/** The example of RFC 6455, section 1.3. */
const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
const ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=';

/** A server that listens at a port of its own while the test goes on. */
interface Listening {
  listen(port: number, host: string, ready: () => void): unknown;
  address(): unknown;
  close(): unknown;
}

/** A Service `own` with this server, which is spoken to as the Service says. */
async function serve(rig: GatewayRig, server: Listening, appProtocol: string): Promise<AsyncDisposable> {
  await new Promise<void>((resolve) => server.listen(0, PROXY, resolve));
  await rig.expose('own', (server.address() as { readonly port: number }).port);
  const ports = [{ name: 'http', protocol: 'TCP', port: 8080, appProtocol }];
  await rig.apply({ kind: 'Service', metadata: { name: 'own' }, spec: { ports } });
  return {
    [Symbol.asyncDispose]: async () => {
      await rig.remove('Service', 'own');
      server.close();
    },
  };
}

/** Waits until it is this server that answers. */
async function answers(body: string): Promise<void> {
  await expect.poll(async () => (await ask(HOST, '/').catch(() => undefined))?.body).toBe(body);
}

/** What servers are spoken to with, and what is only said in passing. */
export const PROTOCOLS: Cases = {
  HTTPRouteBackendProtocolH2C: async (rig) => {
    const server = createHttp2Server();
    server.on('stream', (stream: ServerHttp2Stream) => {
      stream.respond({ ':status': 200 });
      stream.end('by HTTP/2');
    });
    await using _served = await serve(rig, server, 'kubernetes.io/h2c');
    await rig.apply(gateway(), route('r', [to('own')]));
    await answers('by HTTP/2');
    await rig.expectCondition('HTTPRoute', 'r', 'ResolvedRefs', 'True');
    // What only TLS can be is not spoken to without.
    const ports = [{ name: 'http', protocol: 'TCP', port: 8080, appProtocol: 'kubernetes.io/wss' }];
    await rig.apply({ kind: 'Service', metadata: { name: 'own' }, spec: { ports } });
    await rig.expectCondition('HTTPRoute', 'r', 'ResolvedRefs', 'UnsupportedProtocol');
    await rig.expect([HOST, '/', 500]);
  },

  HTTPRouteBackendProtocolWebSocket: async (rig) => {
    const server = createServer((_, answer) => answer.end('by HTTP/1.1'));
    server.on('upgrade', (_, socket) => {
      const headers = ['upgrade: websocket', 'connection: upgrade', `sec-websocket-accept: ${ACCEPT}`];
      socket.write(`HTTP/1.1 101 Switching Protocols\r\n${headers.join('\r\n')}\r\n\r\n`);
      socket.pipe(socket);
    });
    await using _served = await serve(rig, server, 'kubernetes.io/ws');
    await rig.apply(gateway(), route('r', [to('own')]));
    await answers('by HTTP/1.1');
    const headers = { host: HOST, connection: 'upgrade', upgrade: 'websocket', 'sec-websocket-version': '13' };
    const echoed = await new Promise<string>((resolve, reject) => {
      request({ host: PROXY, path: '/', headers: { ...headers, 'sec-websocket-key': KEY } })
        .once('error', reject)
        .once('response', ({ statusCode }) => reject(new Error(`answered ${statusCode}`)))
        .once('upgrade', (_, socket) => {
          socket.once('data', (piece: Buffer) => resolve(piece.toString()));
          socket.once('data', () => socket.destroy());
          socket.write('hello');
        })
        .end();
    });
    expect(echoed).toBe('hello');
  },

  HTTPRouteNamedRule: async (rig) => {
    await rig.apply(gateway(), route('r', [to('v1', [prefix('/named')], { name: 'named-rule' })]));
    await rig.expect([HOST, '/named', V1]);
    await rig.expectCondition('HTTPRoute', 'r', 'Accepted', 'True');
  },

  GatewayOptionalAddressValue: async (rig) => {
    const edge = gateway([http()]);
    await rig.apply({ ...edge, spec: { ...(edge['spec'] as object), addresses: [{ type: 'IPAddress' }] } });
    await rig.expectCondition('Gateway', 'edge', 'Accepted', 'True');
    await rig.expectCondition('Gateway', 'edge', 'Programmed', 'True');
    expect((await rig.get('Gateway', 'edge')).status?.addresses).not.toEqual([]);
  },
};
