import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { enterNetwork, addAddress, ingress, PROXY, startRig, startServer } from './rig.test-support.ts';
import type { IngressRig } from './rig.test-support.ts';

const allowed = enterNetwork();
const PROXY6 = 'fd00:60::1';

describe.runIf(allowed)('clients of either family, where servers see the client itself', () => {
  const servers = new AsyncDisposableStack();
  let rig: IngressRig;

  beforeAll(async () => {
    addAddress(PROXY6);
    rig = await startRig({ SLUICE_INGRESS_LISTEN: `${PROXY},${PROXY6}`, SLUICE_INGRESS_KEEP_CLIENT: 'true' });
    for (const address of ['10.68.0.1', 'fd00:68::1']) servers.use(await startServer(address));
    await rig.expose('web', ['10.68.0.1']);
  }, 120_000);
  afterAll(async () => {
    await rig?.[Symbol.asyncDispose]();
    await servers.disposeAsync();
  });

  const addSix = () =>
    rig.apply('EndpointSlice', {
      metadata: { name: 'web-6', labels: { 'kubernetes.io/service-name': 'web' } },
      addressType: 'IPv6',
      ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
      endpoints: [{ addresses: ['fd00:68::1'], conditions: { ready: true } }],
    });

  it('come to the address of their own family when there is one, also by a canary, and otherwise to the other', async () => {
    await rig.apply('Ingress', ingress('web', [['web.test', '/', 'Prefix', 'web']]));
    expect((await rig.until('web.test', '/', '10.68.0.1')).client).toBe(PROXY);
    await rig.until('web.test', '/', '10.68.0.1', { proxy: PROXY6 });
    await addSix();
    expect((await rig.until('web.test', '/', 'fd00:68::1', { proxy: PROXY6 })).client).toBe(PROXY6);
    expect(await rig.ask('web.test', '/')).toMatchObject({ server: '10.68.0.1', client: PROXY });
    const annotations = {
      'nginx.ingress.kubernetes.io/canary': 'true',
      'nginx.ingress.kubernetes.io/canary-by-header': 'x-new',
      'nginx.ingress.kubernetes.io/upstream-vhost': 'new.test',
    };
    await rig.apply('Ingress', ingress('new', [['web.test', '/', 'Prefix', 'web']], { annotations }));
    const asking = { proxy: PROXY6, headers: { 'x-new': 'always' } };
    await expect.poll(async () => (await rig.ask('web.test', '/', asking)).seen.host).toBe('new.test');
    expect(await rig.ask('web.test', '/', asking)).toMatchObject({ server: 'fd00:68::1', client: PROXY6 });
  });
});
