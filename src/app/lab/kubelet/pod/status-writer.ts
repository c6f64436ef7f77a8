import type { PodStatus } from 'kubernetes-types/core/v1.d.ts';
import type { Logger } from '../../../../base/log.ts';
import { isConflict, isNotFound } from '../../../../host/kube-client/errors.ts';
import { pause } from '../../../../host/kube-client/pause.ts';
import { PODS } from '../../../../host/kube-client/resources.ts';
import type { KubeClient } from '../../../../host/kube-client/types.ts';

/** Writes one pod's status: always the latest, one write at a time, again until it has arrived. */
export class StatusWriter {
  readonly #client: KubeClient;
  readonly #name: { readonly namespace: string; readonly name: string };
  readonly #uid: string;
  readonly #build: () => PodStatus;
  readonly #log: Logger;
  #dirty = false;
  #writing: Promise<void> | undefined;
  #last = '';
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
    this.#writing ??= Promise.resolve()
      .then(() => this.#drain())
      .finally(() => (this.#writing = undefined));
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
    while (this.#dirty && !this.#gone.signal.aborted) {
      this.#dirty = false;
      const status = this.#build();
      const text = JSON.stringify(status);
      if (text === this.#last) continue;
      try {
        // The uid makes sure that it is still the same pod and not a new one of the same name.
        const body = { metadata: { uid: this.#uid }, status };
        await this.#client.patch(PODS, this.#name, 'merge', body, { subresource: 'status' });
        this.#last = text;
        wait = 100;
      } catch (error) {
        if (isNotFound(error) || isConflict(error)) return this.stop();
        this.#log.warn('pod status not written', { ...this.#name, error: String(error) });
        this.#dirty = true;
        await pause(wait, this.#gone.signal);
        wait = Math.min(wait * 2, 5000);
      }
    }
  }
}
