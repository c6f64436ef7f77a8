import { describe, expect, it } from 'vitest';
import { hasCode } from '../../base/errors.ts';
import { memoryDisk, memoryStore } from '../../host/sqlite/memory-store.ts';
import { forgetful } from './api.test-support.ts';
import { seenThrough } from './select/selection.ts';
import { VersionedStore, type ChangeEvent } from './versioned-store.ts';

const object = (name: string, labels: Record<string, string> = {}): never =>
  ({ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'x', labels } }) as never;
const put = (store: VersionedStore, name: string, labels?: Record<string, string>): number =>
  store.put('/pods', 'x', name, object(name, labels)).revision;

describe('the versioned store', () => {
  it('stamps every write with a version of its own and lists by name', () => {
    const store = new VersionedStore({ logSize: 10 }, forgetful);
    const versions = ['b', 'a', 'b'].map((name) => put(store, name));
    expect(versions).toEqual([versions[0], versions[0]! + 1, versions[0]! + 2]);
    expect(store.list('/pods').map((each) => each.object.metadata.resourceVersion)).toEqual([
      String(versions[1]),
      String(versions[2]),
    ]);
  });

  it('replays what happened after a version, and says so when it has forgotten', () => {
    const store = new VersionedStore({ logSize: 4 }, forgetful);
    const first = put(store, 'a');
    put(store, 'b');
    store.delete('/pods', 'x', 'a');
    expect(store.since('/pods', first).map((each) => `${each.type} ${each.entry.name}`)).toEqual([
      'ADDED b',
      'DELETED a',
    ]);
    for (let i = 0; i < 10; i += 1) put(store, 'c');
    let failure: unknown;
    try {
      store.since('/pods', first);
    } catch (error) {
      failure = error;
    }
    expect(hasCode(failure, 'Expired')).toBe(true);
  });

  it('never forgets between a list and the watch that follows it', () => {
    const store = new VersionedStore({ logSize: 4 }, forgetful);
    for (let i = 0; i < 100; i += 1) {
      const { revision } = store;
      put(store, `p${i % 3}`);
      expect(store.since('/pods', revision)).toHaveLength(1);
    }
  });

  it('goes on counting after a restart and asks watchers of before to list again', () => {
    const disk = memoryDisk();
    const before = new VersionedStore({ logSize: 10 }, memoryStore(disk));
    put(before, 'a');
    put(before, 'b');
    before.delete('/pods', 'x', 'b');
    const after = new VersionedStore({ logSize: 10 }, memoryStore(disk));
    expect(after.revision).toBe(before.revision);
    expect(after.list('/pods').map((each) => each.name)).toEqual(['a']);
    expect(() => after.since('/pods', before.revision - 1)).toThrow(/too old resource version/);
    expect(after.since('/pods', before.revision)).toEqual([]);
  });

  it('shows a selection what enters and what leaves it', () => {
    const store = new VersionedStore({ logSize: 10 }, forgetful);
    const seen: string[] = [];
    const test = (each: { metadata: { labels?: Record<string, string> } }): boolean =>
      each.metadata.labels?.['in'] === 'y';
    store.subscribe('/pods', (event: ChangeEvent) => {
      const change = seenThrough(event, test);
      if (change !== undefined)
        seen.push(
          `${change.type} ${change.entry.object.metadata.labels?.['in']} ${change.entry.revision === event.revision}`,
        );
    });
    put(store, 'a');
    put(store, 'a', { in: 'y' });
    put(store, 'a', { in: 'y', more: '1' });
    put(store, 'a');
    put(store, 'b', { in: 'y' });
    store.delete('/pods', 'x', 'b');
    store.delete('/pods', 'x', 'a');
    expect(seen).toEqual(['ADDED y true', 'MODIFIED y true', 'DELETED y true', 'ADDED y true', 'DELETED y true']);
  });

  it('does not change an object that it has handed out', () => {
    const store = new VersionedStore({ logSize: 10 }, forgetful);
    put(store, 'a');
    const held = store.get('/pods', 'x', 'a')!;
    const text = held.json;
    put(store, 'a', { later: 'yes' });
    store.delete('/pods', 'x', 'a');
    expect(JSON.stringify(held.object)).toBe(text);
  });
});
