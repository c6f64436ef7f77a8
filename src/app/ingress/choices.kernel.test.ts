import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { enterNetwork, ingress, startRig } from './rig.test-support.ts';
import type { Asking, IngressRig } from './rig.test-support.ts';

const allowed = enterNetwork();
const NGINX = 'nginx.ingress.kubernetes.io';
const MAIN = '10.65.0.1';
const CANARY = '10.65.0.9';

describe.runIf(allowed)('which server a request comes to', () => {
  let rig: IngressRig;

  beforeAll(async () => {
    rig = await startRig();
    await rig.service('web', [MAIN]);
    await rig.service('new', [CANARY]);
    await rig.service('many', ['10.65.0.2', '10.65.0.3', '10.65.0.4']);
    await rig.apply('Ingress', ingress('web', [['web.test', '/', 'Prefix', 'web']]));
  }, 120_000);
  afterAll(() => rig?.[Symbol.asyncDispose]());

  async function canary(own: Readonly<Record<string, string>>): Promise<void> {
    const entries = Object.entries({ canary: 'true', ...own }).map(([key, value]) => [`${NGINX}/${key}`, value]);
    const annotations = Object.fromEntries(entries) as Readonly<Record<string, string>>;
    await rig.apply('Ingress', ingress('canary', [['web.test', '/', 'Prefix', 'new']], { annotations }));
  }
  const serverOf = async (asking?: Asking): Promise<string> => (await rig.ask('web.test', '/', asking)).server;
  const header = (value: string): Asking => ({ headers: { 'x-new': value } });
  const cookie = (value: string): Asking => ({ headers: { cookie: `other=1; new=${value}` } });

  it('by the header of a canary: always, never, and otherwise by weight', async () => {
    await canary({ 'canary-by-header': 'X-New', 'canary-weight': '100' });
    await rig.until('web.test', '/', CANARY);
    expect(await serverOf(header('never'))).toBe(MAIN);
    expect(await serverOf(header('anything'))).toBe(CANARY);
    await canary({ 'canary-by-header': 'X-New', 'canary-weight': '0' });
    await rig.until('web.test', '/', MAIN);
    expect(await serverOf(header('always'))).toBe(CANARY);
    expect(await serverOf(header('anything'))).toBe(MAIN);
  });

  it('by a value of that header', async () => {
    await canary({ 'canary-by-header': 'X-New', 'canary-by-header-value': 'of Berlin' });
    await rig.until('web.test', '/', CANARY, header('of Berlin'));
    expect(await serverOf(header('always'))).toBe(MAIN);
    expect(await serverOf()).toBe(MAIN);
  });

  it('by the cookie of a canary', async () => {
    await canary({ 'canary-by-cookie': 'new' });
    await rig.until('web.test', '/', CANARY, cookie('always'));
    expect(await serverOf(cookie('never'))).toBe(MAIN);
    expect(await serverOf(cookie('alway'))).toBe(MAIN);
  });

  it('by the weight of a canary, of a hundred or of another whole', async () => {
    await canary({ 'canary-weight': '500', 'canary-weight-total': '1000' });
    await rig.until('web.test', '/', CANARY);
    const seen = new Map<string, number>();
    for (let count = 0; count < 200; count++) {
      const server = await serverOf();
      seen.set(server, (seen.get(server) ?? 0) + 1);
    }
    // Seven standard deviations.
    expect(seen.get(CANARY)).toBeGreaterThan(50);
    expect(seen.get(MAIN)).toBeGreaterThan(50);
    await rig.remove('Ingress', 'canary');
    await expect
      .poll(async () => new Set(await Promise.all(Array.from({ length: 10 }, () => serverOf()))), { timeout: 180_000 })
      .toEqual(new Set([MAIN]));
  });

  it('by the cookie of a session, while its server is there', async () => {
    const annotations = { [`${NGINX}/affinity`]: 'cookie', [`${NGINX}/session-cookie-name`]: 'route' };
    await rig.apply('Ingress', ingress('many', [['many.test', '/', 'Prefix', 'many']], { annotations }));
    const first = await rig.until('many.test', '/', 200);
    const [given = ''] = first.headers['set-cookie'] ?? [];
    const headers = { cookie: given.split(';')[0]! };
    for (let count = 0; count < 12; count++)
      expect((await rig.ask('many.test', '/', { headers })).server).toBe(first.server);
    await rig.service('many', [first.server, '10.65.0.5']);
    await rig.until('many.test', '/', '10.65.0.5');
    for (let count = 0; count < 12; count++)
      expect((await rig.ask('many.test', '/', { headers })).server).toBe(first.server);
    await rig.service('many', ['10.65.0.5']);
    const moved = await rig.until('many.test', '/', '10.65.0.5', { headers });
    expect(moved.headers['set-cookie']?.[0]).toMatch(/^route=/);
  });
});
