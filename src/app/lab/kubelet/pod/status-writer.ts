import { isDeepStrictEqual } from 'node:util';
import type { Pod, PodStatus } from 'kubernetes-types/core/v1.d.ts';
import type { Logger } from '../../../../base/log.ts';
import { isConflict, isNotFound } from '../../../../host/kube-client/errors.ts';
import { pause } from '../../../../host/kube-client/pause.ts';
import { PODS } from '../../../../host/kube-client/resources.ts';
import type { KubeClient } from '../../../../host/kube-client/types.ts';

/** Pause before what somebody else overwrote is written again, ms: two who disagree must not keep the API busy. */
const MEND_AFTER = 250;

/**
 * Writes one pod's status: always the latest, one write at a time, again until it has arrived, and once more when
 * somebody else has overwritten it, as the cluster does with the pods of a node that it has not heard of for a while.
 */
export class StatusWriter {
  readonly #client: KubeClient;
  readonly #name: { readonly namespace: string; readonly name: string };
  readonly #uid: string;
  readonly #build: () => PodStatus;
  readonly #log: Logger;
  #dirty = false;
  #writing: Promise<void> | undefined;
  #last = '';
  /** The pod as the API answered the last write, and as it was seen last. */
  #stored: Pod | undefined;
  #seen: Pod | undefined;
  #gone = new AbortController();

  constructor(
    pod: { readonly namespace: string; readonly name: string; readonly uid: string },
    build: () => PodStatus,
    { client, log }: { readonly client: KubeClient; readonly log: Logger },
  ) {
    this.#name = { namespace: pod.namespace, name: pod.name };
    this.#uid = pod.uid;
    this.#build = build;
    this.#client = client;
    this.#log = log;
  }

  /** Something has changed: write soon. */
  changed(): void {
    this.#dirty = true;
    // Several changes of one turn of the event loop become one write.
    this.#writing ??= Promise.resolve().then(() => this.#drain());
  }

  /** The API has this version of the pod. */
  saw(pod: Pod): void {
    this.#seen = pod;
    if (this.#isOverwritten()) this.changed();
  }

  /** Aborts when nothing more is to be written. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  /** Resolves when everything that has changed is written, or the pod is gone. */
  async flushed(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
  }

  /** The object has been deleted: nothing more is to be written. */
  stop(): void {
    this.#gone.abort();
  }

  async #drain(): Promise<void> {
    let wait = 100;
    try {
      while (this.#dirty && !this.#gone.signal.aborted) {
        if (this.#isOverwritten()) await pause(MEND_AFTER, this.#gone.signal);
        this.#dirty = false;
        const written = await this.#write();
        if (written) wait = 100;
        else {
          this.#dirty = true;
          await pause(wait, this.#gone.signal);
          wait = Math.min(wait * 2, 5000);
        }
      }
    } finally {
      // In the same breath as the last look at #dirty: a change after it starts anew.
      this.#writing = undefined;
    }
  }

  /** False when it has to be tried again. */
  async #write(): Promise<boolean> {
    const status = this.#build();
    const text = JSON.stringify(status);
    if (text === this.#last && !this.#isOverwritten()) return true;
    try {
      // The uid makes sure that it is still the same pod and not a new one of the same name.
      const body = { metadata: { uid: this.#uid }, status };
      this.#stored = await this.#client.patch<Pod>(PODS, this.#name, 'merge', body, { subresource: 'status' });
      this.#last = text;
      return true;
    } catch (error) {
      if (isNotFound(error) || (isConflict(error) && (await this.#isReplaced()))) {
        this.stop();
        return true;
      }
      this.#log.warn('pod status not written', { ...this.#name, error: String(error) });
      return false;
    }
  }

  /** Whether the API shows, later than our last write, something else than what that made of it. */
  #isOverwritten(): boolean {
    const [stored, seen] = [this.#stored, this.#seen];
    if (stored === undefined || seen === undefined || versionOf(seen) <= versionOf(stored)) return false;
    const ours = Object.entries(stored.status ?? {}) as [keyof PodStatus, unknown][];
    return ours.some(([field, value]) => !isDeepStrictEqual(seen.status?.[field], value));
  }

  /** Whether a conflict was for good: the name is another pod's. Any other passes. */
  async #isReplaced(): Promise<boolean> {
    try {
      const { metadata } = await this.#client.get<Pod>(PODS, this.#name);
      return metadata?.uid !== this.#uid;
    } catch (error) {
      return isNotFound(error);
    }
  }
}

function versionOf({ metadata }: Pod): number {
  return Number(metadata?.resourceVersion);
}
