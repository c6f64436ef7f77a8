import type { Ip } from '../../base/ip/index.ts';

/** Answers neighbours' questions (ARP, neighbour discovery) for addresses that the kernel does not have. */
export interface SegmentAnswers extends Disposable {
  /**
   * From now on answers on each interface, by name, for exactly these addresses, and tells its segment of those that are new
   * there. Nothing of it outlives the process. Returns what cannot be done, by interface; a later call tries that again.
   */
  answer(wanted: ReadonlyMap<string, readonly Ip[]>): ReadonlyMap<string, string>;
  /** Tells segments again of addresses that were told of less than three times: a frame may have been lost. */
  repeat(): void;
}
