import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import type { EtcdServer } from '../etcd/etcd.test-support.ts';
import { lendEtcd } from '../etcd/lend-etcd.test-support.ts';
import type { Etcd } from '../etcd/types.ts';
import { followLeases } from './follow-leases.ts';
import type { KnownLeases } from './follow-leases.ts';
import { LeaseStore } from './lease-store.ts';
import type { LeaseChanges } from './lease-store.ts';

const PREFIX = '/coreos.com/network';

let server: EtcdServer;
let etcd: Etcd;

lendEtcd((lent) => ({ server, etcd } = lent));
beforeEach(() => void server.ctl('del', '--prefix', '/'));

const open = (): LeaseStore => new LeaseStore(etcd, PREFIX, 600);
const key = (name: string): string => `${PREFIX}/subnets/${name}`;

describe('leases in etcd', () => {
  it("are where flannel looks for them, with flannel's configuration beside them", async () => {
    const store = open();
    expect(await store.config()).toBeUndefined();
    server.ctl('put', `${PREFIX}/config`, '{"Network":"10.244.0.0/16"}');
    expect(await store.config()).toBe('{"Network":"10.244.0.0/16"}');
    const entry = (await store.create('10.244.1.0-24', '{}'))!;
    expect(server.ctl('get', '--print-value-only', key('10.244.1.0-24'))).toBe('{}\n');
    const lease = server.ctl('lease', 'timetolive', '--keys', entry.lease.toString(16));
    expect(lease).toContain('granted with TTL(600s)');
    expect(lease).toContain(key('10.244.1.0-24'));
    expect((await store.list()).entries).toEqual([entry]);
  });

  it('are created once, and changed by whoever knows how they are', async () => {
    const store = open();
    const entry = (await store.create('10.244.1.0-24', 'one'))!;
    const leases = server.ctl('lease', 'list');
    expect(await store.create('10.244.1.0-24', 'two')).toBeUndefined();
    const changed = (await store.replace(entry, 'three', entry.lease))!;
    expect(changed).toMatchObject({ value: 'three', lease: entry.lease });
    expect(await store.replace(entry, 'four', 0)).toBeUndefined();
    await store.remove(entry);
    expect((await store.list()).entries).toEqual([changed]);
    // Nothing is left of those that came to nothing.
    expect(server.ctl('lease', 'list')).toBe(leases);
    const anew = (await store.replace(changed, 'five', 0))!;
    expect(anew.lease).not.toBe(entry.lease);
    await store.remove(anew);
    expect((await store.list()).entries).toEqual([]);
  });

  it('are renewed while there are any, and reservations stay what they are', async () => {
    const store = open();
    const entry = (await store.create('10.244.1.0-24', 'one'))!;
    expect(await store.renew(entry.lease)).toBe(true);
    server.ctl('lease', 'revoke', entry.lease.toString(16));
    expect(await store.renew(entry.lease)).toBe(false);
    server.ctl('put', key('10.244.2.0-24'), 'reserved');
    const [reserved] = (await store.list()).entries;
    expect(reserved).toMatchObject({ key: '10.244.2.0-24', lease: 0 });
    expect(await store.replace(reserved!, 'ours', 5)).toMatchObject({ value: 'ours', lease: 0 });
  });
});

/** Another node's writes and a compaction come between the reading of the leases and the watch for what follows. */
class ForgetfulStore extends LeaseStore {
  compactions = 0;

  override async *watch(revision: number, signal: AbortSignal): AsyncGenerator<LeaseChanges> {
    if (this.compactions++ === 0) {
      await etcd.delete({ key: key('10.244.1.0-24') });
      const written = await etcd.put(key('10.244.2.0-24'), 'new');
      await etcd.compact(written);
    }
    yield* super.watch(revision, signal);
  }
}

describe('a node that follows leases', () => {
  const stops: AbortController[] = [];
  const running: Promise<void>[] = [];

  function follow(store: LeaseStore): { readonly now: () => KnownLeases | undefined; readonly errors: unknown[] } {
    const stop = new AbortController();
    stops.push(stop);
    let known: KnownLeases | undefined;
    const errors: unknown[] = [];
    const listener = {
      onLeases: (each: KnownLeases) => (known = each),
      onError: (error: unknown) => errors.push(error),
    };
    running.push(followLeases(store, listener, stop.signal));
    return { now: () => known, errors };
  }
  const valuesOf = (known: KnownLeases | undefined): object =>
    Object.fromEntries([...(known?.entries ?? [])].map(([name, { value }]) => [name, value]));

  afterAll(async () => {
    for (const stop of stops) stop.abort();
    await Promise.all(running);
  });

  it('hears of each change, and keeps what was not written as it is', async () => {
    server.ctl('put', key('10.244.1.0-24'), 'one');
    const { now } = follow(open());
    await expect.poll(() => valuesOf(now())).toEqual({ '10.244.1.0-24': 'one' });
    const first = now()!.entries.get('10.244.1.0-24');
    server.ctl('put', key('10.244.2.0-24'), 'two');
    await expect.poll(() => valuesOf(now())).toEqual({ '10.244.1.0-24': 'one', '10.244.2.0-24': 'two' });
    expect(now()!.entries.get('10.244.1.0-24')).toBe(first);
    server.ctl('del', key('10.244.1.0-24'));
    await expect.poll(() => valuesOf(now())).toEqual({ '10.244.2.0-24': 'two' });
  });

  it('reads them anew when etcd has forgotten what it missed', async () => {
    server.ctl('put', key('10.244.1.0-24'), 'one');
    const store = new ForgetfulStore(etcd, PREFIX, 600);
    const { now, errors } = follow(store);
    await expect.poll(() => valuesOf(now())).toEqual({ '10.244.2.0-24': 'new' });
    expect(errors).toMatchObject([{ code: 'compacted' }]);
    server.ctl('put', key('10.244.3.0-24'), 'later');
    await expect.poll(() => Object.keys(valuesOf(now()))).toEqual(['10.244.2.0-24', '10.244.3.0-24']);
  });

  it('keeps what it knows while etcd is dead, and goes on when it is back', async () => {
    server.ctl('put', key('10.244.1.0-24'), 'one');
    const { now, errors } = follow(open());
    await expect.poll(() => valuesOf(now())).toEqual({ '10.244.1.0-24': 'one' });
    const first = now()!.entries.get('10.244.1.0-24');
    await server.kill();
    await expect.poll(() => errors.length).toBeGreaterThan(0);
    expect(valuesOf(now())).toEqual({ '10.244.1.0-24': 'one' });
    await server.start();
    server.ctl('put', key('10.244.2.0-24'), 'two');
    await expect.poll(() => valuesOf(now())).toEqual({ '10.244.1.0-24': 'one', '10.244.2.0-24': 'two' });
    expect(now()!.entries.get('10.244.1.0-24')).toBe(first);
  });
});
