import { SluiceError, messageOf } from '../../base/errors.ts';
import { formatCidr } from '../../base/ip/index.ts';
import type { Cidr } from '../../base/ip/index.ts';
import type { Logger } from '../../base/log.ts';
import { claimLease, isAt, renderStoredLease } from '../../core/flannel/index.ts';
import type { FlannelLease, SubnetCuts } from '../../core/flannel/index.ts';
import type { KnownLeases } from '../../host/flannel/follow-leases.ts';
import type { LeaseEntry, LeaseStore } from '../../host/flannel/lease-store.ts';
import { pause } from '../../host/kube-client/pause.ts';

export interface FlannelOwnLeaseDependencies {
  readonly store: LeaseStore;
  readonly cuts: SubnetCuts;
  /** What the node says in its lease, whatever its subnets; throws while it cannot say it. */
  readonly own: () => FlannelLease;
  /** What the node had in its last life. */
  readonly previous: readonly Cidr[];
  readonly log: Logger;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** From 0 up to 1. */
  readonly random: () => number;
  /** Hears that the subnets are others than they were. */
  readonly onSubnets: () => void;
}

/** How often a claim is made anew because somebody else was faster. */
const RACES = 10;
/** After a failure, milliseconds. */
const RETRY = 1000;
/** A lease is renewed when a third of its time is over. */
const RENEWALS = 3;

/** The lease of this node in etcd: taken, renewed, kept up to date, and taken again when it is lost. */
export class FlannelOwnLease {
  readonly #dependencies: FlannelOwnLeaseDependencies;
  #known: KnownLeases | undefined;
  #held: { readonly entry: LeaseEntry; readonly renewedAt: number } | undefined;
  #subnets: readonly Cidr[] | undefined;
  #problem: string | undefined;
  #wake = Promise.withResolvers<void>();

  constructor(dependencies: FlannelOwnLeaseDependencies) {
    this.#dependencies = dependencies;
  }

  /** What peers send here; stays while the lease is lost. Undefined until there was one. */
  get subnets(): readonly Cidr[] | undefined {
    return this.#subnets;
  }

  /** The last part of its key, while there is a lease. */
  get key(): string | undefined {
    return this.#held?.entry.key;
  }

  /** Why there is no lease, or none that could be renewed. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** etcd has told more. */
  told(known: KnownLeases): void {
    this.#known = known;
    this.#wake.resolve();
  }

  /** What the node says may have changed. */
  changed(): void {
    this.#wake.resolve();
  }

  /** Sees to the lease until `signal` aborts. It stays in etcd: the node's pods do, too. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#wake = Promise.withResolvers();
      const woken = this.#wake.promise;
      const wait = await this.#attempt(signal);
      const nap = new AbortController();
      void woken.then(() => nap.abort());
      await pause(wait, AbortSignal.any([signal, nap.signal]));
      // A failure is not repeated as often as etcd tells of others.
      if (this.#problem !== undefined && this.#known !== undefined) await pause(RETRY / 10, signal);
    }
  }

  /** Resolves to the milliseconds until there is something to do in any case. */
  async #attempt(signal: AbortSignal): Promise<number> {
    const { log, now, store } = this.#dependencies;
    const third = (store.seconds * 1000) / RENEWALS;
    try {
      if (this.#known !== undefined) await this.#settle(this.#known, signal);
      this.#problem = undefined;
      const { renewedAt } = this.#held ?? { renewedAt: now() };
      return Math.max(1, renewedAt + third - now());
    } catch (error) {
      const message = messageOf(error);
      if (!signal.aborted && message !== this.#problem)
        log.warn('cannot settle the flannel lease, trying again', { error: message });
      this.#problem = message;
      return RETRY;
    }
  }

  async #settle({ entries, revision }: KnownLeases, signal: AbortSignal): Promise<void> {
    const own = this.#dependencies.own();
    const held = this.#held;
    if (held !== undefined) {
      // It may not have told yet what we wrote ourselves.
      const entry = revision < held.entry.revision ? held.entry : entries.get(held.entry.key);
      const isOurs = entry !== undefined && (entry.value === held.entry.value || isAt(entry, own));
      if (isOurs && (await this.#keep(entry, own, signal))) return;
      this.#held = undefined;
      this.#dependencies.log.warn('the flannel lease of this node is lost and taken again', { key: held.entry.key });
    }
    await this.#take(own, signal);
  }

  /** False when the lease is lost. */
  async #keep(entry: LeaseEntry, own: FlannelLease, signal: AbortSignal): Promise<boolean> {
    const { store, now } = this.#dependencies;
    const { entry: before, renewedAt } = this.#held!;
    const value = renderStoredLease(own);
    const isOtherLease = entry.lease !== 0 && entry.lease !== before.lease;
    if (entry.value !== value || isOtherLease) {
      const written = await store.replace(entry, value, isOtherLease ? 0 : entry.lease, signal);
      if (written === undefined) throw new SluiceError('conflict', `somebody else changes the lease of ${entry.key}`);
      // Putting a key does not renew the lease that it has.
      this.#held = { entry: written, renewedAt: isOtherLease ? now() : renewedAt };
      return true;
    }
    this.#held = { entry, renewedAt };
    if (now() - renewedAt < (store.seconds * 1000) / RENEWALS) return true;
    if (entry.lease !== 0 && !(await store.renew(entry.lease, signal))) return false;
    this.#held = { entry, renewedAt: now() };
    return true;
  }

  async #take(own: FlannelLease, signal: AbortSignal): Promise<void> {
    const { store, cuts, random, log, now } = this.#dependencies;
    const value = renderStoredLease(own);
    for (let attempt = 0; attempt < RACES; attempt++) {
      const { entries } = await store.list(signal);
      const previous = this.#subnets ?? this.#dependencies.previous;
      const claim = claimLease({ cuts, entries, own, previous, random });
      if (claim.kind === 'full') throw new SluiceError('no-subnet', claim.problem);
      if (claim.kind === 'drop') {
        log.warn("the flannel lease of this node is not one of the network's subnets any more", {
          key: claim.entry.key,
        });
        await store.remove(claim.entry, signal);
        continue;
      }
      const entry =
        claim.kind === 'create'
          ? await store.create(claim.key, value, signal)
          : await store.replace(claim.entry, value, 0, signal);
      if (entry === undefined) continue;
      this.#held = { entry, renewedAt: now() };
      this.#have(claim.subnets);
      return;
    }
    throw new SluiceError('conflict', `other nodes were faster ${RACES} times in a row`);
  }

  #have(subnets: readonly Cidr[]): void {
    const [before, after] = [this.#subnets?.map(formatCidr).join(), subnets.map(formatCidr).join()];
    if (before === after) return;
    const { log, onSubnets } = this.#dependencies;
    if (before === undefined) log.info('this node has a flannel lease', { subnets: after });
    else
      log.error('another node has the flannel lease that this one lost: pods with addresses of it must be made anew', {
        lost: before,
        subnets: after,
      });
    this.#subnets = subnets;
    onSubnets();
  }
}
