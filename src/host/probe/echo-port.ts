import type { Ip } from '../../base/ip/index.ts';

/** What became of an echo request: answered, refused as too big (`limit`: what would pass, where that was said), or nothing. */
export type EchoOutcome = 'answered' | 'silence' | { readonly limit: number | undefined };

/** Sends echo requests of exact sizes that nobody may cut into fragments. */
export interface Echoes extends Disposable {
  /**
   * Resolves to what became of one request whose IP packet has `bytes`, after `patience` milliseconds at most. Never
   * rejects: a request that the kernel does not send meets silence, or its limit. Disposed, all are silent.
   */
  echo(to: Ip, bytes: number, patience: number): Promise<EchoOutcome>;
}
