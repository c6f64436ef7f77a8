import type { Node } from 'kubernetes-types/core/v1.d.ts';
import { informer } from '../../../host/kube-client/informer.ts';
import { NODES } from '../../../host/kube-client/resources.ts';
import type { KubeClient } from '../../../host/kube-client/types.ts';

/** Follows which nodes are Ready; what they reported in an earlier life does not count. */
export class ReadyNodes {
  /** Node → boot id that its Ready report carries. */
  readonly #reported = new Map<string, string>();
  /** Node → boot id of its present life. */
  readonly #alive = new Map<string, string>();
  readonly #waiting = new Set<() => void>();

  isReady(name: string): boolean {
    const boot = this.#alive.get(name);
    return boot !== undefined && boot === this.#reported.get(name);
  }

  /** The node is being started as `bootId`. */
  started(name: string, bootId: string): void {
    this.#alive.set(name, bootId);
  }

  ended(name: string): void {
    this.#alive.delete(name);
  }

  start(client: KubeClient, signal: AbortSignal): void {
    informer<Node, string | undefined>(
      client,
      NODES,
      {
        project: readyBoot,
        onDelta: (delta) => {
          const boot = delta.kind === 'set' ? delta.object : undefined;
          if (boot === undefined) this.#reported.delete(delta.key);
          else this.#reported.set(delta.key, boot);
          for (const check of this.#waiting) check();
        },
      },
      signal,
    );
  }

  /** Resolves when all of `names` are Ready. */
  all(names: readonly string[]): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (!names.every((name) => this.isReady(name))) return;
        this.#waiting.delete(check);
        resolve();
      };
      this.#waiting.add(check);
      check();
    });
  }
}

/** The boot id of a node that says it is Ready. */
function readyBoot({ status }: Node): string | undefined {
  const isReady = status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True');
  return isReady ? status?.nodeInfo?.bootID : undefined;
}
