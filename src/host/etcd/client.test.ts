import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SluiceError } from '../../base/errors.ts';
import { createTestCertificates } from './certificates.test-support.ts';
import type { TestCertificates } from './certificates.test-support.ts';
import { etcdClient } from './client.ts';
import type { EtcdConfig } from './client.ts';
import { parseEndpoints } from './endpoint.ts';
import { isCompacted } from './errors.ts';
import { EtcdServer } from './etcd.test-support.ts';
import { lendEtcd } from './lend-etcd.test-support.ts';
import { GrpcChannel } from './grpc-channel.ts';
import { encodeRange } from './messages.ts';
import type { Etcd, WatchBatch, WatchEvent } from './types.ts';

let server: EtcdServer;
let etcd: Etcd;

lendEtcd((lent) => ({ server, etcd } = lent));

/** Does not abort. */
const NEVER = new AbortController().signal;

async function failureOf(promise: Promise<unknown>): Promise<SluiceError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(SluiceError);
  return error as SluiceError;
}

/** The first `count` events of a watch. */
async function firstEvents(watch: AsyncIterable<WatchBatch>, count: number): Promise<readonly WatchEvent[]> {
  const events: WatchEvent[] = [];
  for await (const batch of watch) {
    events.push(...batch.events);
    if (events.length >= count) break;
  }
  return events;
}

describe('an etcd client', () => {
  it('writes what etcdctl reads, and the reverse', async () => {
    await etcd.put('/x/text', 'Grüße, 世界');
    expect(server.ctl('get', '/x/text', '--print-value-only')).toBe('Grüße, 世界\n');
    server.ctl('put', '/x/theirs', 'theirs');
    const { items } = await etcd.range({ key: '/x/theirs' });
    expect(items).toMatchObject([{ key: '/x/theirs', value: 'theirs', version: 1 }]);
  });

  it('reads a prefix page by page and as it was', async () => {
    for (let i = 0; i < 5; i++) await etcd.put(`/pages/${i}`, `${i}`);
    await etcd.put('/pages-not', 'no');
    const first = await etcd.range({ prefix: '/pages/', limit: 2 });
    expect([first.items.map(({ key }) => key), first.more]).toEqual([['/pages/0', '/pages/1'], true]);
    await etcd.delete({ prefix: '/pages/' });
    const then = await etcd.range({ prefix: '/pages/', from: '/pages/1\0', revision: first.revision });
    expect([then.items.map(({ value }) => value), then.more]).toEqual([['2', '3', '4'], false]);
    expect((await etcd.range({ prefix: '/pages/' })).items).toEqual([]);
  });

  it('lets exactly one of many writers of the same revision win', async () => {
    const revision = await etcd.put('/race', 'start');
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        etcd.txn({
          when: [{ key: '/race', target: 'mod', value: revision }],
          success: [{ kind: 'put', key: '/race', value: `${i}` }],
          failure: [{ kind: 'range', range: { key: '/race' } }],
        }),
      ),
    );
    expect(outcomes.filter(({ succeeded }) => succeeded)).toHaveLength(1);
    const winner = outcomes.findIndex(({ succeeded }) => succeeded);
    const seen = outcomes.filter(({ succeeded }) => !succeeded).map(({ ranges }) => ranges[0]![0]!.value);
    expect(new Set(seen)).toEqual(new Set([`${winner}`]));
  });

  it('watches changes in order, with what was there before, and ends when told to', async () => {
    const revision = await etcd.put('/seen/a', '1');
    const stop = new AbortController();
    const told = firstEvents(etcd.watch({ prefix: '/seen/' }, revision, stop.signal), 3);
    await etcd.put('/seen/a', '2');
    await etcd.delete({ key: '/seen/a' });
    expect((await told).map(({ kind, item, previous }) => [kind, item.value, previous?.value])).toEqual([
      ['put', '1', undefined],
      ['put', '2', '1'],
      ['delete', '', '2'],
    ]);
    const quiet = firstEvents(etcd.watch({ prefix: '/quiet/' }, revision, stop.signal), 1);
    stop.abort();
    expect(await quiet).toEqual([]);
    expect(await firstEvents(etcd.watch({ prefix: '/quiet/' }, revision, stop.signal), 1)).toEqual([]);
  });

  it('says which revision is compacted, to a reader and to a watcher', async () => {
    const old = await etcd.put('/old', '1');
    const now = await etcd.put('/old', '2');
    await etcd.compact(now);
    const [read, watched] = await Promise.all([
      failureOf(etcd.range({ key: '/old', revision: old })),
      failureOf(firstEvents(etcd.watch({ key: '/old' }, old, NEVER), 1)),
    ]);
    expect([isCompacted(read), isCompacted(watched)]).toEqual([true, true]);
    expect(watched.message).toBe(`etcd no longer has revision ${old}, only from ${now} on`);
  });

  it('keeps a lease and takes its keys with it when it is revoked', async () => {
    const lease = await etcd.grantLease(60);
    await etcd.put('/leased', 'x', lease);
    expect((await etcd.range({ key: '/leased' })).items).toMatchObject([{ lease }]);
    await etcd.put('/not-leased', 'x');
    expect((await etcd.range({ key: '/not-leased' })).items).toMatchObject([{ lease: 0 }]);
    expect(await etcd.keepLeaseAlive(lease)).toBe(60);
    await etcd.revokeLease(lease);
    expect((await etcd.range({ key: '/leased' })).items).toEqual([]);
    expect(await etcd.keepLeaseAlive(lease)).toBe(0);
  });

  it('ends a call that is cancelled', async () => {
    expect((await failureOf(etcd.range({ key: 'x' }, { signal: AbortSignal.abort() }))).code).toBe('aborted');
  });

  it('takes a value as large as etcd does, and tells of a larger one', async () => {
    await etcd.put('/large', 'x'.repeat(1_400_000));
    expect((await etcd.range({ key: '/large' })).items[0]?.value).toHaveLength(1_400_000);
    expect((await failureOf(etcd.put('/large', 'x'.repeat(1_600_000)))).code).toBe('invalid');
  });
});

describe('with several endpoints, an etcd client', () => {
  it('goes past those that do not answer, and says why each did not when none does', async () => {
    const dead = 'unix:///nowhere/localhost:1';
    const one = etcdClient({ endpoints: parseEndpoints(`${dead},${server.endpoint}`) });
    await one.put('/past', 'yes');
    expect((await one.range({ key: '/past' })).items).toHaveLength(1);
    one.close();
    const none = etcdClient({ endpoints: parseEndpoints(`${dead},http://127.0.0.1:1`), timeout: 2000 });
    const failure = await failureOf(none.range({ key: 'x' }));
    expect(failure.code).toBe('unavailable');
    expect(failure.message).toContain('etcd at unix:///nowhere/localhost:1: connect ENOENT');
    expect(failure.message).toContain('etcd at http://127.0.0.1:1: connect ECONNREFUSED');
    none.close();
  });

  it('goes on with the members that are left when the one that it uses dies', async () => {
    const members = await EtcdServer.startThree();
    const client = members[0]!.client({ endpoints: members.flatMap((each) => each.config().endpoints) });
    const revision = await client.put('/shared', '1');
    const watching = failureOf(firstEvents(client.watch({ key: '/shared' }, revision + 1, NEVER), 1));
    await members[0]!.kill();
    expect((await watching).code).toBe('unavailable');
    expect((await client.range({ key: '/shared' })).items[0]?.value).toBe('1');
    await client.put('/shared', '2');
    const [event] = await firstEvents(client.watch({ key: '/shared' }, revision + 1, NEVER), 1);
    expect([event?.item.value, event?.previous?.value]).toEqual(['2', '1']);
    client.close();
    for (const member of members) await member[Symbol.asyncDispose]();
  });

  it('takes a time that is over by the clock of the server for what it is', async () => {
    const members = await EtcdServer.startThree();
    // One alone answers nothing that all must agree on.
    for (const member of members.slice(1)) await member.kill();
    const [endpoint] = members[0]!.config().endpoints;
    const channel = new GrpcChannel(endpoint!, {});
    await channel.connect(60_000);
    const call = { metadata: { 'grpc-timeout': '500m' }, timeout: 0 };
    const asked = channel.unary('/etcdserverpb.KV/Range', encodeRange({ key: '/shared' }).finish(), call);
    expect(await failureOf(asked)).toMatchObject({ code: 'timeout', message: expect.stringContaining('deadline') });
    channel.close();
    for (const member of members) await member[Symbol.asyncDispose]();
  });

  it('reads on when a server dies and comes back', async () => {
    await using mortal = await EtcdServer.start();
    const client = mortal.client();
    await client.put('/kept', 'x');
    const watching = failureOf(firstEvents(client.watch({ key: '/kept' }, 1e6, NEVER), 1));
    await mortal.kill();
    expect((await watching).code).toBe('unavailable');
    const reading = client.range({ key: '/kept' });
    await mortal.start();
    expect((await reading).items[0]?.value).toBe('x');
    client.close();
  });
});

describe('with TLS, an etcd client', () => {
  let certificates: TestCertificates;
  let secure: EtcdServer;

  beforeAll(async () => {
    certificates = await createTestCertificates();
    secure = await EtcdServer.start({ certificates });
  });
  afterAll(() => secure[Symbol.asyncDispose]());

  it('is let in by its certificate, and tells what is wrong without it', async () => {
    const client = secure.client();
    await client.put('/secret', 'x');
    expect((await client.range({ key: '/secret' })).items).toHaveLength(1);
    client.close();
    // A client tries until its time is over, which may be too short for a handshake on a busy machine.
    const complaint = async (config: Partial<EtcdConfig>): Promise<string> => {
      const refused = etcdClient({ endpoints: secure.config().endpoints, timeout: 2000, ...config });
      const { code, message } = await failureOf(refused.range({ key: '/secret' }));
      refused.close();
      return `${code}: ${message}`;
    };
    await expect.poll(() => complaint({ ca: certificates.ca })).toMatch(/^unavailable: (?!.*no connection within)/u);
    await expect.poll(() => complaint({})).toContain('unable to verify');
  });
});

describe('with users, an etcd client', () => {
  it('proves who it is, and again when etcd has forgotten or changed its users', async () => {
    await using guarded = await EtcdServer.start({ arguments: ['--auth-token', 'simple'] });
    const admin = guarded.client({ username: 'root', password: 'pass' });
    guarded.ctl('user', 'add', 'root:pass');
    guarded.ctl('user', 'grant-role', 'root', 'root');
    guarded.ctl('auth', 'enable');
    await admin.put('/guarded', '1');
    await guarded.kill();
    await guarded.start();
    await admin.put('/guarded', '2');
    guarded.ctl('--user', 'root:pass', 'user', 'add', 'other:word');
    await admin.put('/guarded', '3');
    expect((await admin.range({ key: '/guarded' })).items[0]?.value).toBe('3');
    const watch = admin.watch({ key: '/guarded' }, 2, NEVER);
    expect((await firstEvents(watch, 3)).map(({ item }) => item.value)).toEqual(['1', '2', '3']);
    admin.close();

    const [wrong, other, unknown] = [
      guarded.client({ username: 'root', password: 'wrong' }),
      guarded.client({ username: 'other', password: 'word' }),
      guarded.client(),
    ];
    const refused = await failureOf(wrong.range({ key: '/guarded' }));
    expect([refused.code, refused.message]).toEqual([
      'unauthenticated',
      expect.stringContaining("etcd does not accept user 'root'"),
    ]);
    expect((await failureOf(other.range({ key: '/guarded' }))).code).toBe('forbidden');
    expect((await failureOf(unknown.range({ key: '/guarded' }))).code).toBe('invalid');
    for (const client of [wrong, other, unknown]) client.close();
  });
});

describe('an endpoint', () => {
  it.each([
    ['http://127.0.0.1', { secure: false, address: { host: '127.0.0.1', port: 2379 } }],
    ['https://etcd.example:4001', { secure: true, address: { host: 'etcd.example', port: 4001 } }],
    ['https://[fd00::1]:443', { secure: true, address: { host: 'fd00::1', port: 443 } }],
    ['unixs:///run/etcd/localhost:1', { secure: true, address: { path: '/run/etcd/localhost:1' } }],
  ])('%s is understood', (text, expected) => {
    expect(parseEndpoints(text)).toMatchObject([expected]);
  });

  it.each(['', ' , ', 'etcd:2379', '127.0.0.1:2379', 'ftp://x', 'http://x/path', 'http://user@x'])(
    "'%s' is refused",
    (text) => {
      expect(() => parseEndpoints(text)).toThrow(SluiceError);
    },
  );
});
