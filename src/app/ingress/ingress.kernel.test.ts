import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { certificateFor, enterNetwork, ingress, SOON, startRig } from './rig.test-support.ts';
import type { IngressRig } from './rig.test-support.ts';

const allowed = enterNetwork();

describe.runIf(allowed)('Ingress through HAProxy', () => {
  let rig: IngressRig;

  beforeAll(async () => {
    rig = await startRig();
    await rig.service('web', ['10.61.0.1']);
    await rig.service('api', ['10.61.0.2']);
  }, 60_000);
  afterAll(() => rig?.[Symbol.asyncDispose]());

  it('leads a host and a prefix to the server behind a Service, and tells it who asks', async () => {
    await rig.apply('Ingress', ingress('first', [['apiserver.example.test', '/v1', 'Prefix', 'api']]));
    const answer = await rig.until('apiserver.example.test', '/v1/pods', '10.61.0.2');
    expect(answer.path).toBe('/v1/pods');
    const told = {
      'x-forwarded-for': '10.60.0.1',
      'x-real-ip': '10.60.0.1',
      'x-forwarded-proto': 'http',
      'x-forwarded-host': 'apiserver.example.test',
      'x-forwarded-port': '80',
    };
    expect(answer.seen).toMatchObject(told);
    const lies = Object.fromEntries(Object.keys(told).map((name) => [name, ['192.0.2.1', '192.0.2.2']]));
    expect((await rig.ask('apiserver.example.test', '/v1', { headers: lies })).seen).toMatchObject(told);
    expect((await rig.ask('apiserver.example.test', '/v2')).status).toBe(404);
    expect((await rig.ask('elsewhere.example.test', '/v1')).status).toBe(404);
    await expect.poll(() => rig.status('first'), SOON).toEqual({ loadBalancer: { ingress: [{ ip: '203.0.113.7' }] } });
  });

  it('shows the certificate of the host that is asked for, sends plain requests to TLS, and renews without a reload', async () => {
    await rig.apply('Secret', { metadata: { name: 'shop' }, data: await certificateFor('shop.example.test') });
    const tls = [{ hosts: ['shop.example.test'], secretName: 'shop' }];
    await rig.apply('Ingress', ingress('shop', [['shop.example.test', '/', 'Prefix', 'web']], { tls }));
    const answer = await rig.until('shop.example.test', '/cart', '10.61.0.1', { tls: true });
    expect(answer).toMatchObject({ certificate: 'shop.example.test', seen: { 'x-forwarded-proto': 'https' } });
    expect((await rig.ask('shop.example.test', '/cart?a=b')).headers.location).toBe(
      'https://shop.example.test/cart?a=b',
    );
    const worker = await rig.worker();
    await rig.apply('Secret', { metadata: { name: 'shop' }, data: await certificateFor('new.example.test') });
    await expect
      .poll(async () => (await rig.ask('shop.example.test', '/', { tls: true })).certificate, SOON)
      .toBe('new.example.test');
    expect(await rig.worker()).toBe(worker);
  });
});
