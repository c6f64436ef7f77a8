import { hasCode, messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { diff, replaceAll } from '../../core/nft/diff.ts';
import type { Ruleset, Transaction } from '../../core/nft/model.ts';
import { followingChange, podTables } from '../../core/nft/pod-table.ts';
import type { PodSite } from '../../core/nft/pod-table.ts';
import { wireGuard } from '../../core/nft/wire-guard.ts';
import type { Wire } from '../../core/nft/wire-guard.ts';
import type { Nftables } from '../../host/nftables/port.ts';
import { NODE_LINK } from './endpoint-record.ts';
import type { EndpointRecord } from './endpoint-record.ts';

export interface PodTablesDependencies {
  /** The packet filter of a pod's namespace; closed after use, because an open one keeps the namespace from going. */
  readonly open: (netns: string, family?: 'netdev') => Nftables;
  readonly log: Logger;
}

/** Pods that a check looks at: with a thousand Services, 30 ms each. */
const CHECKED_AT_ONCE = 4;
/**
 * Milliseconds after which a socket is closed. Closing waits for what was deleted to be gone from memory, 15 ms; by then it is.
 */
const CLOSE_AFTER = 200;

/** What the kernel holds for one pod; undefined when that is not certain. */
interface Held {
  readonly record: EndpointRecord;
  table: Ruleset | undefined;
}

/**
 * The tables of pods whose packets do not cross the node (macvlan): each is the part of the node's table that concerns the
 * pod, in the pod's own namespace. A pod cannot change it without CAP_NET_ADMIN.
 */
export class PodTables {
  readonly #dependencies: PodTablesDependencies;
  readonly #held = new Map<string, Held>();
  /** Opened in the last moments. */
  readonly #used: Nftables[] = [];
  /** Where {@link PodTables.check} goes on. */
  #checked = 0;
  /** The kernel has no hook for what a device sends. */
  #unguarded = false;

  constructor(dependencies: PodTablesDependencies) {
    this.#dependencies = dependencies;
  }

  /** Of the pods. */
  get namespaces(): readonly string[] {
    return [...this.#held.values()].map(({ record }) => record.netns);
  }

  /** How many pods have a table, and for how many it is not certain to be what it should. */
  status(): { readonly pods: number; readonly uncertain: number } {
    const held = [...this.#held.values()];
    return { pods: held.length, uncertain: held.filter(({ table }) => table === undefined).length };
  }

  /** A pod of before, which is looked at with the next {@link PodTables.repair}. */
  adopt(record: EndpointRecord): void {
    this.#held.set(record.id, { record, table: undefined });
  }

  /** Brings a new pod's table into force. Throws the kernel's error. */
  program(record: EndpointRecord, node: Ruleset): void {
    const held: Held = { record, table: undefined };
    this.#held.set(record.id, held);
    this.#program(held, podTables(node));
  }

  /** Lets nothing out of the pod's device but what its table has let out. Kernels before 5.16 cannot, and do without. */
  guard(record: EndpointRecord): void {
    const wire = wireOf(record);
    if (wire === undefined || this.#unguarded) return;
    try {
      equalise(this.#open(record.netns, 'netdev'), wireGuard(wire));
    } catch (error) {
      if (!hasCode(error, 'unsupported')) throw error;
      this.#unguarded = true;
      this.#dependencies.log.warn('containers that may open packet sockets can pass by their egress policies', {
        error: messageOf(error),
      });
    }
  }

  /** The pod is no longer ours, and its namespace, if it lives on, is free. */
  remove({ id, netns }: EndpointRecord): void {
    this.#held.delete(id);
    this.#quietly(netns, () => {
      for (const family of ['netdev', undefined] as const) this.#open(netns, family).apply([{ op: 'destroy-table' }]);
    });
  }

  /** The node's table has changed: every pod's table becomes what follows from it. */
  follow(change: Transaction, node: Ruleset): void {
    if (this.#held.size === 0) return;
    const tableOf = podTables(node);
    for (const held of this.#held.values()) {
      const before = held.table;
      this.#quietly(held.record.netns, () => {
        if (before === undefined) return this.#program(held, tableOf);
        const after = tableOf(siteOf(held.record));
        const transaction = followingChange(before, after, change);
        held.table = undefined;
        if (transaction.length > 0) this.#open(held.record.netns).apply(transaction);
        held.table = after;
      });
    }
  }

  /** Makes every pod's table what follows from the node's, whatever it holds. */
  repair(node: Ruleset): void {
    this.#repair(node, [...this.#held.values()]);
  }

  /** Looks at some pods' tables, at others each time, in case somebody else has changed them: it takes a while. */
  check(node: Ruleset): void {
    const held = [...this.#held.values()];
    const uncertain = held.filter(({ table }) => table === undefined);
    const start = this.#checked % Math.max(held.length, 1);
    const turn = [...held.slice(start), ...held.slice(0, start)].slice(0, CHECKED_AT_ONCE);
    this.#checked = start + turn.length;
    this.#repair(node, [...new Set([...uncertain, ...turn])]);
  }

  #repair(node: Ruleset, pods: readonly Held[]): void {
    const tableOf = podTables(node);
    for (const held of pods)
      this.#quietly(held.record.netns, () => {
        this.#program(held, tableOf);
        this.guard(held.record);
      });
  }

  /** What is used here is closed a little later. */
  #open(netns: string, family?: 'netdev'): Nftables {
    const opened = this.#dependencies.open(netns, family);
    if (this.#used.push(opened) === 1) setTimeout(() => this.#close(), CLOSE_AFTER);
    return opened;
  }

  #close(): void {
    for (const opened of this.#used.splice(0)) opened[Symbol.dispose]();
  }

  #program(held: Held, tableOf: ReturnType<typeof podTables>): void {
    const { record } = held;
    const desired = tableOf(siteOf(record));
    held.table = undefined;
    equalise(this.#open(record.netns), desired);
    held.table = desired;
  }

  /** One pod's failure is not another's: it is tried again with the next change and the next repair. */
  #quietly(netns: string, act: () => void): void {
    try {
      act();
    } catch (error) {
      // The pod is going, and its DEL is on its way.
      if (hasCode(error, 'not-found')) return;
      this.#dependencies.log.error("a pod's own packet filter could not be changed", {
        netns,
        error: messageOf(error),
      });
    }
  }
}

function equalise(nftables: Nftables, desired: Ruleset): void {
  const actual = nftables.actual(desired);
  nftables.apply(actual === undefined ? replaceAll(desired) : diff(actual, desired));
}

function siteOf({ interface: name, ifname, addresses, macvlan }: EndpointRecord): PodSite {
  return { interface: name, ifname, nodeLink: NODE_LINK, addresses, seal: macvlan?.seal ?? 0 };
}

/** What guards the pod's device; undefined where nothing does. */
function wireOf({ ifname, mac, addresses, macvlan }: EndpointRecord): Wire | undefined {
  const seal = macvlan?.seal ?? 0;
  return seal === 0 ? undefined : { ifname, mac, addresses, seal };
}
