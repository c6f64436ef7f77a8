import { createServer } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { enterNetwork, PROXY } from '../../../src/app/ingress/rig.test-support.ts';
import { addServices, gateway, http, https, prefix, route, to, V1, V2 } from './cases.ts';
import type { Fields } from './cases.ts';
import { startGatewayRig } from './gateway-rig.ts';
import type { GatewayRig } from './gateway-rig.ts';

const allowed = enterNetwork();
const HOST = 'any.example.test';

const regex = (value: string): Fields => ({ path: { type: 'RegularExpression', value } });

describe.runIf(allowed)('Gateways at the limits of the proxy', () => {
  let rig: GatewayRig;

  beforeAll(async () => {
    rig = await startGatewayRig();
    await addServices(rig);
  });
  afterEach(() => rig.clear());
  afterAll(() => rig?.[Symbol.asyncDispose]());

  it('leaves out the route with an expression that HAProxy would refuse, says where, and the certificate that HAProxy alone finds wrong', async () => {
    const hostnames = ['refused.test'];
    await rig.apply(
      gateway([http(), https('garbage')]),
      { kind: 'Secret', metadata: { name: 'garbage' }, data: { 'tls.crt': 'AAECAw==', 'tls.key': 'AAECAw==' } },
      route('refused', [to('v1', [regex('/[:alpha:]')]), to('v1', [prefix('/right')])], { hostnames }),
      route('good', [to('v2')]),
    );
    await rig.expect([HOST, '/', V2], ['refused.test', '/right', 500]);
    const { message } = await rig.expectCondition('HTTPRoute', 'refused', 'Accepted', 'UnsupportedValue');
    expect(message).toContain("/[:alpha:] has [:alpha:], and POSIX's classes are not supported");
    expect(message).toContain('(character 2)');
    await rig.expectCondition('HTTPRoute', 'good', 'Accepted', 'True');
    await rig.expectListener('edge', 'https', 'ResolvedRefs', 'InvalidCertificateRef');
    await rig.expectListener('edge', 'http', 'Programmed', 'True');
    // It is there as soon as it is right, and good ones may come and go meanwhile.
    await rig.apply(route('refused', [to('v1', [regex('/[[:alpha:]]')])], { hostnames }));
    await rig.expectCondition('HTTPRoute', 'refused', 'Accepted', 'UnsupportedValue');
    await rig.apply(route('refused', [to('v1', [regex('/[a-z]+')])], { hostnames }));
    await rig.expect(['refused.test', '/x', V1]);
    await rig.expectCondition('HTTPRoute', 'refused', 'Accepted', 'True');
  });

  it('takes as many conditions in one match as the API does', async () => {
    const some = (type: string): Fields[] =>
      Array.from({ length: 16 }, (_, at) => ({ type, name: `x${at}`, value: `v${at}` }));
    const match = {
      ...regex('/many(/.*)?'),
      method: 'GET',
      headers: some('RegularExpression'),
      queryParams: some('RegularExpression'),
    };
    const plain = { ...prefix('/plain'), headers: some('Exact') };
    await rig.apply(
      gateway(),
      route('many', [to('v1', [match, plain]), to('v2', [prefix('/')])], { hostnames: [HOST] }),
    );
    const headers = Object.fromEntries(some('').map(({ name, value }) => [name, value])) as Record<string, string>;
    const query = new URLSearchParams(headers).toString();
    await rig.expect(
      [HOST, `/many/x?${query}`, V1, { headers }],
      [HOST, '/plain', V1, { headers }],
      [HOST, '/plain', V2],
      [HOST, `/many?${query}`, V2],
      [HOST, `/many?${query.replace('v15', 'other')}`, V2, { headers }],
      [HOST, `/many?${query}`, V2, { headers: { ...headers, x0: 'other' } }],
      [HOST, `/many?${query}`, V2, { headers, method: 'POST' }],
    );
    await rig.expectCondition('HTTPRoute', 'many', 'Accepted', 'True');
  });

  it('passes no answer on whose beginning comes later than the timeout, however busy its server is', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      let lines = 0;
      const timer = setInterval(() => {
        // A line now and then keeps every wait for the next one short.
        if (++lines < 12) socket.write(lines === 1 ? 'HTTP/1.1 200 OK\r\n' : `X-Line: ${lines}\r\n`);
        else socket.end('content-length: 0\r\nconnection: close\r\n\r\n');
      }, 100);
      socket.on('close', () => clearInterval(timer));
    });
    await new Promise<void>((resolve) => server.listen(8093, PROXY, resolve));
    await rig.expose('dripping', 8093);
    await rig.apply(gateway(), route('r', [to('dripping', undefined, { timeouts: { request: '600ms' } })]));
    await rig.expect([HOST, '/', 504]);
    await rig.apply(route('r', [to('dripping', undefined, { timeouts: { request: '10m' } })]));
    await rig.expect([HOST, '/', 200]);
    await new Promise((resolve) => server.close(resolve));
  });

  it('does not accept timeouts that contradict each other, nor what it cannot do', async () => {
    const timeouts = { request: '1s', backendRequest: '2s' };
    const requestMirror = { backendRef: { name: 'v2', port: 8080 } };
    const mirror = to('v1', undefined, { filters: [{ type: 'RequestMirror', requestMirror }] });
    await rig.apply(
      gateway(),
      route('longer', [to('v1', undefined, { timeouts })], { hostnames: ['longer.test'] }),
      route('mirror', [mirror], { hostnames: ['mirror.test'] }),
    );
    const { message } = await rig.expectCondition('HTTPRoute', 'longer', 'Accepted', 'UnsupportedValue');
    expect(message).toContain('longer than request');
    const refused = await rig.expectCondition('HTTPRoute', 'mirror', 'Accepted', 'UnsupportedValue');
    expect(refused.message).toBe('filter RequestMirror is not supported');
    await rig.expect(['longer.test', '/', 500], ['mirror.test', '/', 500]);
    const { status } = await rig.get('GatewayClass', 'sluice');
    const features = status?.supportedFeatures?.map(({ name }) => name) ?? [];
    expect(features).toContain('HTTPRouteRequestTimeout');
    expect(features.filter((name) => name.includes('Mirror'))).toEqual([]);
    expect(features).toEqual(features.toSorted());
  });
});
