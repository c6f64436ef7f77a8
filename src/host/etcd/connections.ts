import { messageOf } from '../../base/errors.ts';
import { pause } from '../kube-client/pause.ts';
import type { Endpoint, TlsIdentity } from './endpoint.ts';
import { EtcdError } from './errors.ts';
import { GrpcChannel } from './grpc-channel.ts';

/** How long one endpoint may take to accept a connection while there are others, milliseconds. */
const CONNECT_PATIENCE = 2000;
/** Pause after every endpoint has failed, milliseconds. */
const ROUND_PAUSE = 100;

/** One connection to whichever endpoint answers; the one that answered last is kept until it fails. */
export class Connections {
  readonly #endpoints: readonly Endpoint[];
  readonly #identity: TlsIdentity & { readonly keepalive?: number };
  #current = 0;
  #channel: GrpcChannel | undefined;
  #closed = false;
  /** Given up for new calls; open until the calls on them have ended. */
  #retired: GrpcChannel[] = [];

  constructor(endpoints: readonly Endpoint[], identity: TlsIdentity & { readonly keepalive?: number }) {
    this.#endpoints = endpoints;
    this.#identity = identity;
  }

  get several(): boolean {
    return this.#endpoints.length > 1;
  }

  /** A channel that is connected, trying one endpoint after the other until `deadline` (milliseconds of `Date.now`). */
  async get(deadline: number, signal: AbortSignal | undefined): Promise<GrpcChannel> {
    const failures = new Map<string, string>();
    for (;;) {
      if (this.#closed || signal?.aborted === true) throw new EtcdError('aborted', 'etcd: cancelled');
      const left = deadline - Date.now();
      if (left <= 0) throw unreachable(failures);
      const channel = this.#open();
      try {
        await channel.connect(this.several ? Math.min(left, CONNECT_PATIENCE) : left);
        return channel;
      } catch (error) {
        // The first says most: the last may be that there was no time left for it.
        const { text } = channel.endpoint;
        if (!failures.has(text)) failures.set(text, messageOf(error));
        this.failed(channel);
        if (failures.size === this.#endpoints.length)
          await pause(
            Math.min(ROUND_PAUSE, Math.max(0, deadline - Date.now())),
            signal ?? new AbortController().signal,
          );
      }
    }
  }

  /** The next call goes to another endpoint. Calls that are under way on this channel go on. */
  failed(channel: GrpcChannel): void {
    if (this.#channel !== channel) return;
    this.#channel = undefined;
    this.#retired.push(channel);
    this.#current = (this.#current + 1) % this.#endpoints.length;
  }

  close(): void {
    this.#closed = true;
    this.#channel?.close();
    for (const channel of this.#retired) channel.close();
  }

  #open(): GrpcChannel {
    if (this.#channel?.usable !== true)
      this.#channel = new GrpcChannel(this.#endpoints[this.#current]!, this.#identity, this.#identity.keepalive);
    for (const channel of this.#retired) if (channel.idle) channel.close();
    this.#retired = this.#retired.filter((each) => each.usable);
    return this.#channel;
  }
}

function unreachable(failures: ReadonlyMap<string, string>): EtcdError {
  const why = [...failures.values()].join('; ');
  return new EtcdError('unavailable', why === '' ? 'etcd: no endpoint answered in time' : why);
}
