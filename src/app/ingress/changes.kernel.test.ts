import { Agent } from 'node:http';
import { connect } from 'node:http2';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { certificateFor, enterNetwork, ingress, PROXY, SOON, startRig } from './rig.test-support.ts';
import type { IngressRig } from './rig.test-support.ts';

const allowed = enterNetwork();
const NGINX = 'nginx.ingress.kubernetes.io';

describe.runIf(allowed)('changes while requests flow', () => {
  let rig: IngressRig;

  beforeAll(async () => {
    rig = await startRig();
    await rig.service('web', ['10.61.0.1', '10.61.0.2']);
    await rig.service('api', ['10.61.0.9']);
    await rig.apply('Ingress', ingress('web', [['web.test', '/', 'Prefix', 'web']]));
  }, 60_000);
  afterAll(() => rig?.[Symbol.asyncDispose]());

  /** Asks on and on, over kept connections and over new ones, while `change` runs; returns what was not answered well. */
  async function failuresWhile(change: () => Promise<void>): Promise<readonly string[]> {
    await rig.until('web.test', '/', 200);
    const failures: string[] = [];
    const done = new AbortController();
    const agent = new Agent({ keepAlive: true, maxSockets: 2 });
    const client = async (kept: boolean): Promise<number> => {
      let asked = 0;
      while (!done.signal.aborted) {
        const answer = await rig.ask('web.test', '/', kept ? { agent } : {}).catch((error: unknown) => String(error));
        if (typeof answer === 'string') failures.push(answer);
        else if (answer.status !== 200) failures.push(`${answer.status}`);
        asked++;
      }
      return asked;
    };
    const clients = [client(true), client(true), client(false)];
    await change();
    done.abort();
    const counts = await Promise.all(clients);
    agent.destroy();
    expect(Math.min(...counts)).toBeGreaterThan(5);
    return failures;
  }

  it('moves requests from server to server without a reload and without losing one', async () => {
    await rig.until('web.test', '/', 200);
    const worker = await rig.worker();
    const failures = await failuresWhile(async () => {
      for (let round = 0; round < 10; round++) {
        const only = `10.61.0.${(round % 3) + 1}`;
        await rig.service('web', [only]);
        await rig.until('web.test', '/', only);
      }
    });
    expect(failures).toEqual([]);
    expect(await rig.worker()).toBe(worker);
  });

  it('reloads for new hosts without losing a request', async () => {
    const failures = await failuresWhile(async () => {
      for (let round = 0; round < 5; round++) {
        await rig.apply('Ingress', ingress(`more-${round}`, [[`more-${round}.test`, '/', 'Prefix', 'api']]));
        await rig.until(`more-${round}.test`, '/', '10.61.0.9');
      }
    });
    expect(failures).toEqual([]);
  });

  it('speaks HTTP/2 to those who ask for it', async () => {
    const session = connect(`https://${PROXY}`, { rejectUnauthorized: false, servername: 'web.test' });
    const stream = session.request({ ':path': '/', ':authority': 'web.test' });
    const status = await new Promise((resolve, reject) => {
      session.once('error', reject);
      stream.once('error', reject).once('response', (headers) => resolve(headers[':status']));
    });
    session.destroy();
    expect(status).toBe(200);
  });

  it('sends a canary what its header says', async () => {
    const annotations = { [`${NGINX}/canary`]: 'true', [`${NGINX}/canary-by-header`]: 'x-canary' };
    await rig.apply('Ingress', ingress('canary', [['web.test', '/', 'Prefix', 'api']], { annotations }));
    await rig.until('web.test', '/', '10.61.0.9', { headers: { 'x-canary': 'always' } });
    expect((await rig.ask('web.test', '/')).server).not.toBe('10.61.0.9');
    await rig.remove('Ingress', 'canary');
  });

  it('rewrites paths by the groups of an expression', async () => {
    const annotations = { [`${NGINX}/rewrite-target`]: '/$2' };
    const rules = [['rw.test', '/some(/|$)(.*)', 'ImplementationSpecific', 'api']] as const;
    await rig.apply('Ingress', ingress('rewrite', rules, { annotations }));
    expect((await rig.until('rw.test', '/some/new/path?q=1', '10.61.0.9')).path).toBe('/new/path?q=1');
    expect((await rig.ask('rw.test', '/something')).status).toBe(404);
  });

  it('asks for a password, lets in only some, limits bodies and rates, and answers other sites', async () => {
    // Of open-sesame.
    const hash = '$5$saltsalt$NWbjf9l/JYa5lKZwUXbDrYs.7gmSTsn9pl1o0TRnjc6';
    await rig.apply('Secret', {
      metadata: { name: 'users' },
      data: { auth: Buffer.from(`joe:${hash}\n`).toString('base64') },
    });
    const each: Readonly<Record<string, Readonly<Record<string, string>>>> = {
      auth: { 'auth-type': 'basic', 'auth-secret': 'users' },
      allow: { 'whitelist-source-range': '192.0.2.0/24' },
      body: { 'proxy-body-size': '1k' },
      rate: { 'limit-rps': '1', 'limit-burst-multiplier': '2' },
      cors: { 'enable-cors': 'true', 'cors-allow-origin': 'https://*.shop.test' },
      sticky: { affinity: 'cookie', 'session-cookie-name': 'route' },
    };
    for (const [name, own] of Object.entries(each)) {
      const annotations = Object.fromEntries(Object.entries(own).map(([key, value]) => [`${NGINX}/${key}`, value]));
      await rig.apply('Ingress', ingress(name, [[`${name}.test`, '/', 'Prefix', 'api']], { annotations }));
    }
    await rig.until('auth.test', '/', 401);
    const authorization = `Basic ${Buffer.from('joe:open-sesame').toString('base64')}`;
    expect((await rig.ask('auth.test', '/', { headers: { authorization } })).status).toBe(200);
    await rig.until('allow.test', '/', 403);
    await rig.until('body.test', '/', '10.61.0.9');
    expect((await rig.ask('body.test', '/', { method: 'POST', body: 'x'.repeat(1025) })).status).toBe(413);
    expect((await rig.ask('body.test', '/', { method: 'POST', body: 'x'.repeat(1024) })).status).toBe(200);
    await rig.until('rate.test', '/', 429);
    const origin = { origin: 'https://a.shop.test', 'access-control-request-method': 'PUT' };
    const preflight = await rig.until('cors.test', '/', 204, { method: 'OPTIONS', headers: origin });
    expect(preflight.headers).toMatchObject({ 'access-control-allow-origin': 'https://a.shop.test' });
    const foreign = await rig.ask('cors.test', '/', { headers: { origin: 'https://evil.test' } });
    expect(foreign.headers).not.toHaveProperty('access-control-allow-origin');
    expect((await rig.until('sticky.test', '/', '10.61.0.9')).headers['set-cookie']?.[0]).toMatch(/^route=/);
  });
});

describe.runIf(allowed)('bad input', () => {
  it('leaves out what is wrong alone, says so in event and status, and serves the rest', async () => {
    await using rig = await startRig();
    await rig.service('web', ['10.62.0.1']);
    await rig.apply('Secret', { metadata: { name: 'broken' }, data: { 'tls.crt': 'bm9uZQ==', 'tls.key': 'bm9uZQ==' } });
    await rig.apply('Secret', { metadata: { name: 'weak' }, data: await certificateFor('weak.test', true) });
    const tls = (secretName: string): object => ({ tls: [{ hosts: [`${secretName}.test`], secretName }] });
    const rules = (name: string, path = '/'): readonly (readonly [string, string, string, string])[] => [
      [`${name}.test`, path, 'ImplementationSpecific', name === 'gone' ? 'gone' : 'web'],
    ];
    await rig.apply('Ingress', ingress('broken', rules('broken'), tls('broken')));
    await rig.apply('Ingress', ingress('weak', rules('weak'), tls('weak')));
    await rig.apply('Ingress', ingress('gone', rules('gone')));
    const useRegex = { [`${NGINX}/use-regex`]: 'true' };
    await rig.apply('Ingress', ingress('bomb', rules('bomb', '/(a+)+$'), { annotations: useRegex }));
    const lines = { [`${NGINX}/upstream-vhost`]: 'x\r\n  http-request deny' };
    await rig.apply('Ingress', ingress('lines', rules('lines'), { annotations: lines }));
    await rig.apply('Ingress', ingress('young', rules('good'), { created: '2026-02-01T00:00:00Z' }));
    await rig.apply('Ingress', ingress('good', rules('good')));
    await rig.until('good.test', '/', '10.62.0.1');
    for (const name of ['broken', 'weak', 'gone', 'lines']) await rig.until(`${name}.test`, '/', 503);
    // No rule for any host takes what the expression may have been for.
    await rig.apply('Ingress', ingress('any', [['', '/', 'Prefix', 'web']]));
    await rig.until('any.test', '/', '10.62.0.1');
    await rig.until('bomb.test', '/aaaa', 503);
    const said = {
      broken: 'TlsSecretInvalid',
      weak: 'TlsSecretInvalid',
      gone: 'BackendMissing',
      bomb: 'InvalidPath',
      lines: 'InvalidAnnotation',
      young: 'PathClaimed',
    };
    for (const [name, reason] of Object.entries(said))
      await expect.poll(() => rig.reasons(name), SOON).toContain(reason);
    expect(await rig.reasons('good')).toEqual([]);
    const ports = [{ port: 80, protocol: 'TCP', error: 'sluice.dev/TlsSecretInvalid' }];
    await expect
      .poll(() => rig.status('broken'), SOON)
      .toEqual({ loadBalancer: { ingress: [{ ip: '203.0.113.7', ports }] } });
    await rig.apply('Secret', { metadata: { name: 'broken' }, data: await certificateFor('broken.test') });
    await rig.until('broken.test', '/', '10.62.0.1', { tls: true });
  });
});
