import type { ReadonlyCache } from './cache.ts';
import type { KindName, Kinds, KubeObject, Stored } from './objects.ts';

/** Everything the controllers know of the cluster, one cache for each kind. Read only. */
export type ClusterView = { readonly [K in KindName]: ReadonlyCache<Kinds[K]> };

/** An event to record about an object. */
export interface EventAction {
  readonly do: 'event';
  readonly kind: KindName;
  readonly about: Stored<KubeObject>;
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
  readonly component: string;
}

/**
 * One write that a controller wants. They are carried out in order; the first that fails ends the round, and the key is
 * tried again. `announce` records an event once the object exists, its message followed by `: NAME`.
 */
export type Action =
  | {
      [K in KindName]: {
        readonly do: 'create';
        readonly kind: K;
        readonly object: Kinds[K];
        readonly announce?: EventAction;
      };
    }[KindName]
  | { [K in KindName]: { readonly do: 'update'; readonly kind: K; readonly object: Stored<Kinds[K]> } }[KindName]
  | { [K in KindName]: { readonly do: 'update-status'; readonly kind: K; readonly object: Stored<Kinds[K]> } }[KindName]
  | {
      readonly do: 'delete';
      readonly kind: KindName;
      readonly object: Stored<KubeObject>;
      /** 0 forces a pod out without waiting for its kubelet. */
      readonly gracePeriodSeconds?: number;
    }
  | { readonly do: 'bind'; readonly pod: Stored<Kinds['pods']>; readonly node: string }
  | EventAction;

/** What a reconciliation wants done, and when at the latest it must look again although nothing changed. */
export interface Outcome {
  readonly actions: readonly Action[];
  readonly againInMs?: number;
}

/** Which keys of a controller a change of an object concerns. `object` is the newest version known, `previous` the one before. */
export type Trigger<T extends KubeObject> = (
  object: Stored<T>,
  previous: Stored<T> | undefined,
  view: ClusterView,
) => readonly string[];

/**
 * A controller as data: what wakes it and a pure function from what the cluster is to what should be written.
 * `now` is in milliseconds since the epoch. `reconcile` never keeps state of its own.
 */
export interface Controller {
  readonly name: string;
  readonly triggers: { readonly [K in KindName]?: Trigger<Kinds[K]> };
  readonly reconcile: (view: ClusterView, key: string, now: number) => Outcome;
}

/** An outcome that wants nothing. */
export const NOTHING: Outcome = { actions: [] };

/** An RFC 3339 timestamp of whole seconds, as Kubernetes writes `metav1.Time`. */
export function timestamp(now: number): string {
  return `${new Date(now).toISOString().slice(0, 19)}Z`;
}
