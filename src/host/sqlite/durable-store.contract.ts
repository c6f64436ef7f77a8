import { describe, expect, it } from 'vitest';
import type { DurableStore, StoredRecord, StoredWrite } from '../../core/objectstore/index.ts';

/** Opens the same storage again and again, as restarts of one server do. */
export interface StoreUnderTest {
  open(): DurableStore;
  close(): void;
}

/** What the API server relies on, whatever keeps its objects. */
export function describeDurableStore(name: string, create: () => StoreUnderTest): void {
  const put = (objectName: string, revision: number, json = `{"n":${revision}}`): StoredWrite => ({
    kind: 'put',
    record: { resource: '/pods', namespace: 'default', name: objectName, revision, json },
  });
  const del = (objectName: string, revision: number): StoredWrite => ({
    kind: 'delete',
    resource: '/pods',
    namespace: 'default',
    name: objectName,
    revision,
  });
  const reopened = (
    under: StoreUnderTest,
    writes: readonly (readonly StoredWrite[])[],
  ): { revision: number; records: StoredRecord[] } => {
    const store = under.open();
    for (const batch of writes) store.write(batch);
    store.close();
    const again = under.open();
    const { revision, records } = again.load();
    const all = [...records].sort((a, b) => (a.name < b.name ? -1 : 1));
    again.close();
    return { revision, records: all };
  };
  const using = <R>(test: (under: StoreUnderTest) => R): R => {
    const under = create();
    try {
      return test(under);
    } finally {
      under.close();
    }
  };

  describe(`${name} as a durable store`, () => {
    it('is empty at revision 0 when new', () => {
      using((under) => expect(reopened(under, [])).toEqual({ revision: 0, records: [] }));
    });

    it('gives back the latest form of every object after a restart', () => {
      using((under) => {
        const { records, revision } = reopened(under, [[put('a', 1)], [put('b', 2)], [put('a', 3)]]);
        expect(records.map((each) => [each.name, each.revision, each.json])).toEqual([
          ['a', 3, '{"n":3}'],
          ['b', 2, '{"n":2}'],
        ]);
        expect(revision).toBe(3);
      });
    });

    it('never counts back: a deletion’s revision survives although its object is gone', () => {
      using((under) => expect(reopened(under, [[put('a', 1)], [del('a', 2)]])).toEqual({ revision: 2, records: [] }));
    });

    it('tells objects of one name in different namespaces and resources apart', () => {
      using((under) => {
        const elsewhere = (resource: string, namespace: string, revision: number): StoredWrite => ({
          kind: 'put',
          record: { resource, namespace, name: 'a', revision, json: '{}' },
        });
        const { records } = reopened(under, [
          [elsewhere('/pods', 'x', 1), elsewhere('/pods', 'y', 2), elsewhere('apps/pods', 'x', 3)],
        ]);
        expect(records).toHaveLength(3);
      });
    });

    it('keeps any text as it is', () => {
      using((under) => {
        const json = JSON.stringify({ text: 'Größe 策略 \u0000 "quoted" 🚀' });
        expect(reopened(under, [[put('a', 1, json)]]).records[0]?.json).toBe(json);
      });
    });
  });
}
