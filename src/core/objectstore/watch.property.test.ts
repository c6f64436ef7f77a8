import fc from 'fast-check';
import { expect, it } from 'vitest';
import { forgetful } from './api.test-support.ts';
import type { ApiObject } from './api-object.ts';
import { seenThrough } from './select/selection.ts';
import { VersionedStore, type ChangeEvent } from './versioned-store.ts';

type Step =
  | { readonly do: 'put'; readonly name: string; readonly inside: boolean; readonly n: number }
  | { readonly do: 'delete'; readonly name: string }
  | { readonly do: 'resume' };

const name = fc.constantFrom('a', 'b', 'c', 'd');
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('put' as const), name, inside: fc.boolean(), n: fc.nat(9) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('delete' as const), name }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('resume' as const) }) },
);

const inside = (object: ApiObject): boolean => object.metadata.labels?.['in'] === 'yes';

/** A client that lists once, then follows the changes, and now and then resumes from the last version it saw. */
class Follower {
  readonly seen = new Map<string, string>();
  readonly #store: VersionedStore;
  #version: number;
  #stop: () => void;

  constructor(store: VersionedStore) {
    this.#store = store;
    for (const { name: each, object, json } of store.list('/pods')) if (inside(object)) this.seen.set(each, json);
    this.#version = store.revision;
    this.#stop = store.subscribe('/pods', (event) => this.#apply(event));
  }

  resume(meanwhile: () => void): void {
    this.#stop();
    meanwhile();
    for (const event of this.#store.since('/pods', this.#version)) this.#apply(event);
    this.#stop = this.#store.subscribe('/pods', (event) => this.#apply(event));
  }

  #apply(event: ChangeEvent): void {
    this.#version = event.revision;
    const change = seenThrough(event, inside);
    if (change === undefined) return;
    const known = this.seen.has(change.entry.name);
    // The type must be what the follower's own state says, or an informer would go wrong.
    expect(change.type).toBe(known ? (change.type === 'DELETED' ? 'DELETED' : 'MODIFIED') : 'ADDED');
    expect(change.entry.revision).toBe(event.revision);
    if (change.type === 'DELETED') this.seen.delete(change.entry.name);
    else this.seen.set(change.entry.name, change.entry.json);
  }
}

it('shows whoever lists once and follows exactly what a fresh list would show, through any history', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), fc.array(step, { maxLength: 60 }), (before, after) => {
      const store = new VersionedStore({ logSize: 100 }, forgetful);
      const perform = (each: Step): void => {
        if (each.do === 'resume') return;
        if (each.do === 'delete') {
          store.delete('/pods', 'x', each.name);
          return;
        }
        const labels = each.inside ? { in: 'yes' } : {};
        const metadata = { name: each.name, namespace: 'x', labels };
        store.put('/pods', 'x', each.name, { apiVersion: 'v1', kind: 'Pod', metadata, n: each.n });
      };
      before.forEach(perform);
      const follower = new Follower(store);
      for (let i = 0; i < after.length; i += 1) {
        if (after[i]!.do !== 'resume') perform(after[i]!);
        else {
          const missed = after.slice(i + 1, i + 4);
          follower.resume(() => missed.forEach(perform));
          i += missed.length;
        }
      }
      const fresh = store.list('/pods').filter((each) => inside(each.object));
      expect(follower.seen).toEqual(new Map(fresh.map((each) => [each.name, each.json])));
    }),
  );
});
