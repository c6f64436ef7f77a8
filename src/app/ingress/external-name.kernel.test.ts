import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NameAnswer } from '../../host/dns/lookup.ts';
import { enterNetwork, ingress, SOON, startRig, startServer } from './rig.test-support.ts';
import type { IngressRig } from './rig.test-support.ts';

const allowed = enterNetwork();

describe.runIf(allowed)('an ExternalName behind an Ingress', () => {
  const names = new Map<string, NameAnswer>();
  const asked = new Set<string>();
  const servers = new AsyncDisposableStack();
  let rig: IngressRig;

  beforeAll(async () => {
    rig = await startRig({ SLUICE_INGRESS_DNS: '10.96.0.10' }, (name, nameServers) => {
      asked.add(`${name} at ${nameServers.join()}`);
      return Promise.resolve(names.get(name) ?? { kind: 'absent' });
    });
    for (const address of ['10.67.0.1', '10.67.0.2']) servers.use(await startServer(address));
  }, 120_000);
  afterAll(async () => {
    await rig?.[Symbol.asyncDispose]();
    await servers.disposeAsync();
  });

  const alias = (externalName: string) =>
    rig.apply('Service', {
      metadata: { name: 'alias' },
      spec: { type: 'ExternalName', externalName, ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
    });

  it('is answered 503 with an event until the name is known, then by the servers of the name, without a reload when they change', async () => {
    await alias('shop.example.test');
    await rig.apply('Ingress', ingress('alias', [['alias.test', '/', 'Prefix', 'alias']]));
    await expect.poll(() => rig.reasons('alias'), SOON).toContain('BackendMissing');
    expect((await rig.ask('alias.test', '/')).status).toBe(503);
    expect(asked).toContain('shop.example.test at 10.96.0.10');
    const worker = await rig.worker();
    names.set('shop.example.test', { kind: 'found', addresses: ['10.67.0.1'], ttl: 1 });
    await rig.until('alias.test', '/', '10.67.0.1');
    names.set('shop.example.test', { kind: 'found', addresses: ['10.67.0.2'], ttl: 1 });
    await rig.until('alias.test', '/', '10.67.0.2');
    expect(await rig.worker()).toBe(worker);
  });

  it('is not served when its name leads to the proxy’s own machine', async () => {
    names.set('trap.example.test', { kind: 'found', addresses: ['127.0.0.1'], ttl: 1 });
    await alias('trap.example.test');
    await rig.until('alias.test', '/', 503);
    await alias('shop.example.test');
    await rig.until('alias.test', '/', '10.67.0.2');
  });
});
