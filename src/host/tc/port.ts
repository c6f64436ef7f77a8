/** How fast a link may send: a token bucket (tc-tbf(8)). */
export interface TokenBucket {
  /** Bytes per second. */
  readonly rate: number;
  /** Bytes at once after a pause. At least what the largest packet of the link takes, or that one never passes. */
  readonly burst: number;
  /** Bytes that may wait; more is dropped. */
  readonly limit: number;
}

/**
 * Queues of one network namespace. Links are meant by interface index. Every call is synchronous and takes the kernel's own
 * time; errors are `SluiceError<ErrnoCode>`, and `not-found` where the kernel lacks the discipline or there is no such link.
 */
export interface TrafficControl extends Disposable {
  /** Makes the bucket the link's only queue, whatever it had. */
  shape(link: number, bucket: TokenBucket): void;
  /** The bucket that {@link TrafficControl.shape} gave the link, as the kernel has it; undefined where it has none. */
  bucketOf(link: number): TokenBucket | undefined;
  /** Links that have a queue or a place for filters, whoever made it. */
  queued(): ReadonlySet<number>;
  /** Whatever comes in by the link, which must have no ingress queue yet, passes the queue of `to` first. */
  divert(link: number, to: number): void;
  /** Where {@link TrafficControl.divert} leads what comes in by the link. */
  divertedTo(link: number): number | undefined;
}
