import { ObjectCache } from './cache.ts';
import type { Action, ClusterView, Controller, EventAction } from './controller.ts';
import { KINDS, keyOf, type KindName, type Kinds, type KubeObject, type Stored } from './objects.ts';

/** A cluster in memory that carries out the actions of controllers at once, for tests of what they come to together. */
export class SimulatedCluster {
  readonly view: ClusterView;
  readonly events: EventAction[] = [];
  now = Date.parse('2024-01-01T00:00:00Z');
  readonly #caches = new Map<KindName, ObjectCache<KubeObject>>();
  readonly #controllers: readonly Controller[];
  readonly #queue = new Set<string>();
  #counter = 0;

  constructor(controllers: readonly Controller[]) {
    this.#controllers = controllers;
    for (const kind of Object.keys(KINDS) as KindName[]) this.#caches.set(kind, new ObjectCache());
    this.view = Object.fromEntries(this.#caches) as unknown as ClusterView;
  }

  /** Stores a new object, completed as the API server does it. */
  create<K extends KindName>(kind: K, object: Kinds[K]): Stored<Kinds[K]> {
    const id = ++this.#counter;
    const { generateName, name = `${generateName}${id}` } = object.metadata ?? {};
    const metadata = {
      generation: 1,
      creationTimestamp: new Date(this.now).toISOString(),
      ...object.metadata,
      name,
      uid: `uid-${id}`,
      resourceVersion: String(id),
    };
    const stored = { ...object, metadata } as Stored<Kinds[K]>;
    this.#put(kind, stored);
    return stored;
  }

  /** Replaces an object by what `change` makes of it. */
  update<K extends KindName>(kind: K, key: string, change: (object: Stored<Kinds[K]>) => Kinds[K]): void {
    const held = this.#caches.get(kind)!.get(key) as Stored<Kinds[K]> | undefined;
    if (held === undefined) throw new Error(`no ${kind} ${key}`);
    const object = change(held);
    this.#put(kind, {
      ...object,
      metadata: { ...object.metadata, resourceVersion: String(++this.#counter) },
    } as Stored<Kinds[K]>);
  }

  remove(kind: KindName, key: string): void {
    const held = this.#caches.get(kind)!.get(key);
    if (held === undefined) return;
    this.#caches.get(kind)!.remove(key, held.metadata.uid);
    this.#trigger(kind, held, held);
  }

  list<K extends KindName>(kind: K): Stored<Kinds[K]>[] {
    return [...this.#caches.get(kind)!.values()] as Stored<Kinds[K]>[];
  }

  /** Works until no controller wants anything more; throws when that does not happen. `kubelet` plays after each round. */
  settle(kubelet?: (cluster: SimulatedCluster) => void): void {
    for (let round = 0; round < 500; round++) {
      kubelet?.(this);
      const [next] = this.#queue;
      if (next === undefined) return;
      this.#queue.delete(next);
      const [index = '', key = ''] = next.split('|');
      const { actions } = this.#controllers[Number(index)]!.reconcile(this.view, key, this.now);
      for (const action of actions) this.#perform(action);
    }
    throw new Error('the controllers never come to rest');
  }

  #perform(action: Action): void {
    switch (action.do) {
      case 'create':
        this.create(action.kind, action.object);
        return;
      case 'update':
      case 'update-status': {
        const field =
          action.do === 'update' ? ['metadata', 'spec', 'subsets', 'endpoints', 'ports', 'data'] : ['status'];
        const wanted = action.object as unknown as Record<string, unknown>;
        const chosen = Object.fromEntries(field.flatMap((name) => (name in wanted ? [[name, wanted[name]]] : [])));
        this.update(action.kind, keyOf(action.object), (held) => ({ ...held, ...chosen }) as typeof held);
        return;
      }
      case 'delete':
        this.remove(action.kind, keyOf(action.object));
        return;
      case 'bind':
        this.update('pods', keyOf(action.pod), (pod) => ({ ...pod, spec: { ...pod.spec!, nodeName: action.node } }));
        return;
      case 'event':
        this.events.push(action);
    }
  }

  #put(kind: KindName, object: Stored<KubeObject>): void {
    const previous = this.#caches.get(kind)!.apply(object);
    if (previous !== 'stale') this.#trigger(kind, object, previous);
  }

  #trigger(kind: KindName, object: Stored<KubeObject>, previous: Stored<KubeObject> | undefined): void {
    for (const [index, controller] of this.#controllers.entries()) {
      const trigger = controller.triggers[kind] as
        ((object: unknown, previous: unknown, view: ClusterView) => readonly string[]) | undefined;
      for (const key of trigger?.(object, previous, this.view) ?? []) this.#queue.add(`${index}|${key}`);
    }
  }
}

/** Runs every bound pod at once: assigns an address, makes it ready. */
export function readyKubelet(cluster: SimulatedCluster): void {
  for (const pod of cluster.list('pods')) {
    if (!pod.spec?.nodeName || pod.status?.phase !== undefined) continue;
    const at = new Date(cluster.now).toISOString();
    cluster.update('pods', keyOf(pod), (held) => ({
      ...held,
      status: {
        phase: 'Running',
        podIP: `10.244.0.${held.metadata.uid.slice(4)}`,
        conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: at }],
      },
    }));
  }
}

/** A node that takes pods. */
export function readyNode(name: string, labels: Readonly<Record<string, string>> = {}): Kinds['nodes'] {
  return {
    metadata: { name, labels: { 'kubernetes.io/hostname': name, ...labels } },
    status: { conditions: [{ type: 'Ready', status: 'True' }], allocatable: { pods: '110' } },
  };
}
