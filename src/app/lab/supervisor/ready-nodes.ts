import type { Node } from 'kubernetes-types/core/v1.d.ts';
import { informer } from '../../../host/kube-client/informer.ts';
import { NODES } from '../../../host/kube-client/resources.ts';
import type { KubeClient } from '../../../host/kube-client/types.ts';

/** Follows which nodes are Ready. Reports from before `since` (milliseconds) are those of an earlier life. */
export class ReadyNodes {
  readonly #ready = new Set<string>();
  readonly #since: number;
  /** Nodes that have ended, and when: what they reported until then no longer holds. */
  readonly #ended = new Map<string, number>();
  readonly #waiting = new Set<() => void>();

  constructor(since: number) {
    // Reports carry whole seconds.
    this.#since = Math.floor(since / 1000) * 1000;
  }

  get names(): ReadonlySet<string> {
    return this.#ready;
  }

  start(client: KubeClient, signal: AbortSignal): void {
    informer<Node, Node>(
      client,
      NODES,
      {
        project: (node) => node,
        onDelta: ({ kind, key, ...delta }) => {
          const since = this.#ended.get(key) ?? this.#since;
          if (kind === 'set' && isReady((delta as { object: Node }).object, since)) this.#ready.add(key);
          else this.#ready.delete(key);
          for (const check of this.#waiting) check();
        },
      },
      signal,
    );
  }

  /** The node has ended at `now` (milliseconds). */
  forget(name: string, now: number): void {
    this.#ready.delete(name);
    this.#ended.set(name, Math.ceil(now / 1000) * 1000);
  }

  /** Resolves when `count` nodes are Ready. */
  all(count: number): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (this.#ready.size < count) return;
        this.#waiting.delete(check);
        resolve();
      };
      this.#waiting.add(check);
      check();
    });
  }
}

function isReady(node: Node, since: number): boolean {
  const condition = node.status?.conditions?.find(({ type }) => type === 'Ready');
  return condition?.status === 'True' && Date.parse(condition.lastHeartbeatTime ?? '') >= since;
}
