import type { CalcEngine, CalcUpdate, Delta } from '../../core/calc/model.ts';
import type { Logger } from '../../base/log.ts';
import { SluiceError, messageOf } from '../../base/errors.ts';
import { diff, replaceAll } from '../../core/nft/diff.ts';
import type { Ruleset, Transaction } from '../../core/nft/model.ts';
import type { Nftables } from '../../host/nftables/port.ts';
import { forgetClients } from './forget-clients.ts';
import type { Balancer } from './balancer.ts';
import type { PodTables } from './pod-tables.ts';

export interface PacketFilterDependencies {
  /** A calculation that has been fed everything that is known now. */
  readonly createEngine: () => CalcEngine;
  readonly nftables: Pick<Nftables, 'apply' | 'actual' | 'forget'>;
  /** Tables elsewhere that follow from the node's. */
  readonly followers?: Pick<PodTables, 'follow' | 'check' | 'repair' | 'status'>;
  /** What the table leads Services' connections to beside itself. */
  readonly balancer?: Pick<Balancer, 'follow' | 'prepare' | 'retire'>;
  readonly log: Logger;
  /** After a transaction: what its update says beyond the table itself. */
  readonly onUpdate: (update: Told) => void;
  /** The kernel has taken a transaction. */
  readonly onCommit?: () => void;
}

/** What `sluice status` shows of the packet filter. */
export interface PacketFilterStatus {
  readonly programmed: boolean;
  readonly chains: number;
  readonly sets: number;
  readonly elements: number;
  readonly transactions: number;
  /** Pods that have a table of their own, and those of them whose table is not certain; absent where there are none. */
  readonly podTables?: { readonly pods: number; readonly uncertain: number };
  readonly error?: string;
}

type Told = Omit<CalcUpdate, 'transaction' | 'servers'>;

/** First wait after a refused transaction, milliseconds; doubles up to 64 times this. */
const RETRY = 500;

/**
 * Brings the calculation's table into the kernel. Before {@link PacketFilter.start} there is none, and the kernel keeps
 * whatever an earlier agent left; afterwards all deltas of one turn of the event loop become one transaction.
 * When the kernel refuses one, the whole table is replaced, and again until it is taken.
 */
export class PacketFilter {
  readonly #dependencies: PacketFilterDependencies;
  #engine: CalcEngine | undefined;
  /** Whether the engine's next flush tells of the whole table. */
  #unflushed = false;
  #scheduled: NodeJS.Immediate | undefined;
  #retry: NodeJS.Timeout | undefined;
  #failures = 0;
  /** What flushes said of changes that the kernel has not taken yet. */
  #untold: Told[] = [];
  #transactions = 0;
  /** Changes that the followers have not heard of. */
  #lost = false;
  #error: string | undefined;

  constructor(dependencies: PacketFilterDependencies) {
    this.#dependencies = dependencies;
  }

  /** Takes a delta in; it is in the kernel after this turn of the event loop, or after `flush`. */
  apply(delta: Delta): void {
    this.#engine?.apply(delta);
    if (this.#engine === undefined || this.#scheduled !== undefined) return;
    this.#scheduled = setImmediate(() => this.#flushQuietly());
  }

  /**
   * Calculates everything anew and makes the table that the kernel holds, if any, equal to it. Throws when that fails.
   * Called again, it starts over with a new calculation.
   */
  start(): void {
    this.#engine = this.#dependencies.createEngine();
    this.#unflushed = true;
    this.#replace(this.#engine, 'repair');
  }

  /** Brings everything that was applied into the kernel before it returns. Throws when that is not possible. */
  flush(): void {
    if (this.#scheduled !== undefined) clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
    const engine = this.#engine;
    if (engine === undefined) throw new SluiceError('not-ready', 'the packet filter is not programmed yet');
    if (this.#error !== undefined) return this.#replace(engine, 'rewrite');
    const transaction = this.#calculate(engine);
    try {
      if (transaction.length === 0) this.#balance();
      else {
        this.#commit(transaction);
        this.#dependencies.followers?.follow(transaction, engine.ruleset());
      }
    } catch (error) {
      this.#dependencies.log.error('the kernel refused a change of the packet filter; replacing the whole table', {
        error: messageOf(error),
        data: (error as { data?: unknown }).data,
      });
      this.#lost = true;
      return this.#replace(engine, 'rewrite');
    }
    this.#tell();
  }

  /** Takes a delta in, and into the kernel before it returns, where that is possible; else it is tried again. */
  applyNow(delta: Delta): void {
    this.apply(delta);
    if (this.#engine !== undefined) this.#flushQuietly();
  }

  /** As {@link PacketFilter.start}, for what has a filter already: what fails is tried again. */
  restart(): void {
    try {
      this.start();
    } catch {
      // Already recorded, logged and to be retried.
    }
  }

  /** Makes the kernel's table equal to the desired one, whatever it holds. */
  resync(): void {
    if (this.#engine === undefined) return;
    // What is on its way to the kernel is no difference that others made.
    if (this.#scheduled !== undefined) this.#flushQuietly();
    this.#replaceQuietly(this.#engine);
  }

  stop(): void {
    this.#engine = undefined;
    if (this.#scheduled !== undefined) clearImmediate(this.#scheduled);
    clearTimeout(this.#retry);
  }

  /** The desired table, which the kernel holds after `flush`; undefined before `start`. Do not keep it. */
  get ruleset(): Ruleset | undefined {
    return this.#engine?.ruleset();
  }

  status(): PacketFilterStatus {
    const ruleset = this.#engine?.ruleset();
    const podTables = this.#dependencies.followers?.status();
    let elements = 0;
    for (const set of ruleset?.sets.values() ?? []) elements += set.elements.size;
    return {
      programmed: this.#transactions > 0 && this.#error === undefined,
      chains: ruleset?.chains.size ?? 0,
      sets: ruleset?.sets.size ?? 0,
      elements,
      transactions: this.#transactions,
      ...(podTables === undefined || podTables.pods === 0 ? {} : { podTables }),
      ...(this.#error === undefined ? {} : { error: this.#error }),
    };
  }

  #flushQuietly(): void {
    this.#scheduled = undefined;
    try {
      this.flush();
    } catch {
      // Already recorded, logged and to be retried.
    }
  }

  #replaceQuietly(engine: CalcEngine): void {
    try {
      this.#replace(engine, 'repair');
    } catch {
      // Already recorded, logged and to be retried.
    }
  }

  /** `repair` changes only what differs from the kernel's table; `rewrite` trusts nothing. Both are one transaction. */
  #replace(engine: CalcEngine, how: 'repair' | 'rewrite'): void {
    clearTimeout(this.#retry);
    const { log, nftables } = this.#dependencies;
    const changes = this.#calculate(engine);
    const desired = engine.ruleset();
    const whole = this.#unflushed ? changes : undefined;
    this.#unflushed = false;
    try {
      const actual = how === 'repair' && this.#error === undefined ? nftables.actual(desired) : undefined;
      const transaction =
        actual !== undefined
          ? diff(actual, desired)
          : whole !== undefined
            ? ([{ op: 'destroy-table' }, { op: 'add-table' }, ...whole] satisfies Transaction)
            : replaceAll(desired);
      if (actual !== undefined && whole === undefined && transaction.length > 0)
        log.warn('the packet filter had been changed by someone else; repaired', { steps: transaction.length });
      this.#commit(transaction);
    } catch (error) {
      this.#lost = true;
      this.#error = messageOf(error);
      log.error('the kernel refused the packet filter; the one before stays in force', { error: this.#error });
      this.#retry = setTimeout(() => this.#replaceQuietly(engine), RETRY * 2 ** Math.min(this.#failures++, 6));
      throw error;
    }
    this.#lead(changes, desired, whole !== undefined);
    this.#tell();
  }

  /** Has the followers do the same; `anew`: the calculation began again. */
  #lead(changes: Transaction, desired: Ruleset, anew: boolean): void {
    const { followers } = this.#dependencies;
    if (anew || this.#lost) followers?.repair(desired);
    else {
      followers?.follow(changes, desired);
      followers?.check(desired);
    }
    this.#lost = false;
  }

  #calculate(engine: CalcEngine): Transaction {
    const { transaction, servers, ...told } = engine.flush();
    this.#dependencies.balancer?.follow(engine.virtualServers(), servers);
    const { shrunk, grown, conntrackFlush, affinityFlush } = told;
    if (shrunk.size + grown.size + conntrackFlush.length + affinityFlush.length > 0) this.#untold.push(told);
    return transaction;
  }

  /** After the kernel has taken everything, and not before: only then can live connections be judged by it. */
  #tell(): void {
    const updates = this.#untold;
    this.#untold = [];
    this.#forget(updates.flatMap(({ affinityFlush }) => affinityFlush));
    for (const update of updates) this.#dependencies.onUpdate(update);
  }

  /** The table is as it should be even where that fails: clients would come to an endpoint that is gone for a while. */
  #forget(flushes: CalcUpdate['affinityFlush']): void {
    const { nftables, log } = this.#dependencies;
    try {
      forgetClients(nftables, flushes);
    } catch (error) {
      log.error('cannot have the kernel forget clients of endpoints that are gone', { error: messageOf(error) });
    }
  }

  /** Servers are there before the table leads to them, and as long as it does. */
  #balance(commit: () => void = () => undefined): void {
    const { balancer } = this.#dependencies;
    balancer?.prepare();
    commit();
    balancer?.retire();
  }

  #commit(transaction: Transaction): void {
    const { nftables, onCommit } = this.#dependencies;
    this.#balance(() => nftables.apply(transaction));
    onCommit?.();
    this.#transactions++;
    this.#failures = 0;
    this.#error = undefined;
  }
}
