import type { StoredLease } from '../../core/flannel/index.ts';
import type { Etcd, KeyValue, TxnRequest } from '../etcd/types.ts';

/** A lease as etcd has it. */
export interface LeaseEntry extends StoredLease {
  /** etcd's, of its last write. */
  readonly revision: number;
  /** The number of etcd's lease that it ends with; 0: a reservation, which does not end. */
  readonly lease: number;
}

/** Every lease at one revision of etcd. */
export interface LeaseList {
  readonly entries: readonly LeaseEntry[];
  readonly revision: number;
}

/** What has changed up to a revision. */
export interface LeaseChanges {
  readonly revision: number;
  /** By key; undefined: it is gone. In the order in which it happened. */
  readonly changes: readonly (readonly [key: string, entry: LeaseEntry | undefined])[];
}

/** How flannel keeps its configuration and the leases of nodes in etcd. Failures are EtcdErrors. */
export class LeaseStore {
  readonly #etcd: Etcd;
  readonly #prefix: string;
  readonly #seconds: number;

  /** `prefix` is flannel's `--etcd-prefix`; leases that are not renewed end after so many seconds. */
  constructor(etcd: Etcd, prefix: string, seconds: number) {
    this.#etcd = etcd;
    this.#prefix = prefix;
    this.#seconds = seconds;
  }

  /** Seconds that a lease lasts without being renewed. */
  get seconds(): number {
    return this.#seconds;
  }

  /** The text of flannel's configuration; undefined when there is none yet. */
  async config(signal?: AbortSignal): Promise<string | undefined> {
    return (await this.#etcd.range({ key: `${this.#prefix}/config` }, { signal })).items[0]?.value;
  }

  async list(signal?: AbortSignal): Promise<LeaseList> {
    const { items, revision } = await this.#etcd.range({ prefix: this.#subnets }, { signal });
    return { entries: items.map((item) => this.#entryOf(item)), revision };
  }

  /** Undefined when somebody has it already. */
  create(key: string, value: string, signal?: AbortSignal): Promise<LeaseEntry | undefined> {
    return this.#put({ key, value, revision: 0 }, 'new', signal);
  }

  /**
   * Gives an entry another value, and its full time again where it is no reservation; `lease` is etcd's lease that it is to
   * have then, if there is one already. Undefined when it is not any more as it was.
   */
  replace(entry: LeaseEntry, value: string, lease: number, signal?: AbortSignal): Promise<LeaseEntry | undefined> {
    return this.#put({ ...entry, value }, entry.lease === 0 ? 'none' : lease, signal);
  }

  /** Removes an entry if it still is as it was. */
  async remove({ key, revision }: LeaseEntry, signal?: AbortSignal): Promise<void> {
    const full = this.#subnets + key;
    await this.#etcd.txn(
      {
        when: [{ key: full, target: 'mod', value: revision }],
        success: [{ kind: 'delete', range: { key: full } }],
      },
      { signal },
    );
  }

  /** Starts the lease's time anew; false when it has ended. */
  async renew(lease: number, signal?: AbortSignal): Promise<boolean> {
    return (await this.#etcd.keepLeaseAlive(lease, { signal })) > 0;
  }

  /** What happens after `revision`; throws as etcd's watch does. */
  async *watch(revision: number, signal: AbortSignal): AsyncGenerator<LeaseChanges> {
    for await (const batch of this.#etcd.watch({ prefix: this.#subnets }, revision + 1, signal)) {
      const changes = batch.events.map(
        ({ kind, item }) => [this.#keyOf(item), kind === 'put' ? this.#entryOf(item) : undefined] as const,
      );
      yield { revision: batch.revision, changes };
    }
  }

  /** Writes if the entry's revision still is the last; `lease`: etcd's, or a new one, or none. */
  async #put(
    { key, value, revision }: Omit<LeaseEntry, 'lease'>,
    wanted: number | 'new' | 'none',
    signal: AbortSignal | undefined,
  ): Promise<LeaseEntry | undefined> {
    const full = this.#subnets + key;
    const granted = wanted === 'new' || wanted === 0 ? await this.#etcd.grantLease(this.#seconds, { signal }) : 0;
    const lease = typeof wanted === 'number' && wanted > 0 ? wanted : granted;
    const put = { kind: 'put', key: full, value, ...(lease === 0 ? {} : { lease }) } as const;
    const request: TxnRequest = { when: [{ key: full, target: 'mod', value: revision }], success: [put] };
    // After a failure nobody knows whether it was written; with its lease what is the node's would go, too.
    const written = await this.#etcd.txn(request, { signal });
    if (written.succeeded) return { key, value, revision: written.revision, lease };
    if (granted > 0) await this.#etcd.revokeLease(granted, { signal });
    return undefined;
  }

  get #subnets(): string {
    return `${this.#prefix}/subnets/`;
  }

  #keyOf({ key }: KeyValue): string {
    return key.slice(this.#subnets.length);
  }

  #entryOf(item: KeyValue): LeaseEntry {
    return { key: this.#keyOf(item), value: item.value, revision: item.modRevision, lease: item.lease };
  }
}
