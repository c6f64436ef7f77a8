import type { ElementData, ElementKey, Ruleset, SetSpec, Transaction } from '../../core/nft/model.ts';

/** Sluice's table in the packet filter of one network namespace. Every call is synchronous. */
export interface Nftables extends Disposable {
  /**
   * Applies the transaction as one batch: all of it or nothing. Throws `SluiceError<ErrnoCode>` when the kernel refuses;
   * `data.op` is the step that failed and `data.element` the key, where an element was the cause. Only a process without
   * real root can meet a transaction that exceeds its send buffer (some thousand elements); that one is applied in
   * several batches, what nothing refers to yet going first.
   */
  apply(transaction: Transaction): void;
  /**
   * What the kernel holds, for adoption and for finding drift: undefined when the table is missing. A rule equal to one
   * of `expected`'s chain of the same name is that rule; any other, whoever wrote it, is {@link FOREIGN_RULE}, so that
   * `diff(actual, expected)` repairs exactly what differs.
   */
  actual(expected: Ruleset): Ruleset | undefined;
  /** Takes those elements out of a dynamic set that packets put there and that are stale; returns how many. No set: none. */
  forget(spec: SetSpec, isStale: (key: ElementKey, data: ElementData) => boolean): number;
}

/** Stands for a rule in the kernel that Sluice would not have written. */
export const FOREIGN_RULE = [] as const;
