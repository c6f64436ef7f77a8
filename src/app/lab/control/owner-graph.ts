import type { OwnerReference, Resource } from '../../../host/kube-client/types.ts';

/** What garbage collection needs to know of one object. */
export interface GraphNode {
  readonly resource: Resource;
  readonly namespace?: string;
  readonly name: string;
  readonly uid: string;
  readonly owners: readonly OwnerReference[];
  readonly finalizers: readonly string[];
  readonly deleting: boolean;
}

/** Finalizers by which the API server says what is to become of an object's dependents. */
export const FOREGROUND = 'foregroundDeletion';
export const ORPHAN = 'orphan';

/** What garbage collection wants done about one object. `missing` owners are only believed to be: ask before acting. */
export type GraphStep =
  | { readonly do: 'nothing' }
  | { readonly do: 'delete'; readonly policy: 'Background' | 'Foreground'; readonly missing: readonly OwnerReference[] }
  | { readonly do: 'release'; readonly dependents: readonly GraphNode[]; readonly finalizer: string };

/** Who owns whom, by uid. */
export class OwnerGraph {
  readonly #nodes = new Map<string, GraphNode>();
  readonly #dependents = new Map<string, Set<string>>();

  get(uid: string): GraphNode | undefined {
    return this.#nodes.get(uid);
  }

  dependentsOf(uid: string): GraphNode[] {
    return [...(this.#dependents.get(uid) ?? [])].flatMap((dependent) => this.#nodes.get(dependent) ?? []);
  }

  set(node: GraphNode): void {
    this.remove(node.uid);
    this.#nodes.set(node.uid, node);
    for (const { uid } of node.owners) {
      const dependents = this.#dependents.get(uid) ?? new Set<string>();
      this.#dependents.set(uid, dependents.add(node.uid));
    }
  }

  remove(uid: string): void {
    for (const owner of this.#nodes.get(uid)?.owners ?? []) {
      const dependents = this.#dependents.get(owner.uid);
      dependents?.delete(uid);
      if (dependents?.size === 0) this.#dependents.delete(owner.uid);
    }
    this.#nodes.delete(uid);
  }

  /** The objects whose {@link nextStep} may have changed because of `uid`: itself, its dependents and its owners. */
  neighbours(uid: string, owners: readonly OwnerReference[] = this.get(uid)?.owners ?? []): string[] {
    return [uid, ...(this.#dependents.get(uid) ?? []), ...owners.map((owner) => owner.uid)];
  }
}

/**
 * What to do about one object. It goes when each of its owners is missing or is being deleted in the foreground; while it is
 * being deleted itself, its dependents are orphaned or waited for, as its finalizers say.
 */
export function nextStep(graph: OwnerGraph, uid: string): GraphStep {
  const node = graph.get(uid);
  if (node === undefined) return { do: 'nothing' };
  if (node.deleting) return finish(graph, node);
  if (node.owners.length === 0) return { do: 'nothing' };
  const missing = node.owners.filter((owner) => graph.get(owner.uid) === undefined);
  const waiting = node.owners.filter((owner) => {
    const found = graph.get(owner.uid);
    return found?.deleting === true && found.finalizers.includes(FOREGROUND);
  });
  if (missing.length + waiting.length < node.owners.length) return { do: 'nothing' };
  return { do: 'delete', policy: waiting.length > 0 ? 'Foreground' : 'Background', missing };
}

function finish(graph: OwnerGraph, node: GraphNode): GraphStep {
  const dependents = graph.dependentsOf(node.uid);
  if (node.finalizers.includes(ORPHAN)) return { do: 'release', dependents, finalizer: ORPHAN };
  if (!node.finalizers.includes(FOREGROUND)) return { do: 'nothing' };
  const blocking = dependents.some(({ owners }) =>
    owners.some((each) => each.uid === node.uid && each.blockOwnerDeletion),
  );
  return blocking ? { do: 'nothing' } : { do: 'release', dependents: [], finalizer: FOREGROUND };
}
