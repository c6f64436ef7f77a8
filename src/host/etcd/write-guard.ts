import { SluiceError } from '../../base/errors.ts';
import { layoutOf } from '../../core/datastore/index.ts';
import { CLUSTER_INFORMATIONS } from '../kube-client/resources.ts';
import type { Etcd, EtcdCallOptions, KeyValue, TxnRequest, TxnResult } from './types.ts';

/** Where the lock is. */
const [KEY] = layoutOf(CLUSTER_INFORMATIONS).keysOf('default', undefined) as [string];

/**
 * Makes every write conditional on the datastore's not being locked, in the very transaction that writes: a program that
 * has not heard of the lock yet, because it was cut off, cannot write past it.
 */
export class WriteGuard {
  readonly #etcd: Etcd;
  /** Revision of ClusterInformation when it was last seen without the lock; 0: there was none. */
  #open = 0;

  constructor(etcd: Etcd) {
    this.#etcd = etcd;
  }

  /** As {@link Etcd.txn}; throws `datastore-locked` and writes nothing while the datastore is locked. */
  async txn({ when, success, failure = [] }: TxnRequest, options: EtcdCallOptions): Promise<TxnResult> {
    for (;;) {
      const result = await this.#etcd.txn(
        {
          when: [...when, { key: KEY, target: 'mod', value: this.#open }],
          success,
          failure: [...failure, { kind: 'range', range: { key: KEY } }],
        },
        options,
      );
      if (result.succeeded) return result;
      const ranges = result.ranges.slice(0, -1);
      if (!this.#hasMoved(result.ranges.at(-1)?.[0])) return { ...result, ranges };
    }
  }

  /** Whether it was our idea of the lock that failed, so that the write is to be tried again. */
  #hasMoved(item: KeyValue | undefined): boolean {
    const object = item === undefined ? undefined : layoutOf(CLUSTER_INFORMATIONS).decode(item.key, item.value);
    if ((object?.spec as { datastoreReady?: boolean } | undefined)?.datastoreReady === false)
      throw new SluiceError(
        'datastore-locked',
        'nothing is written while the datastore is being migrated (sluice datastore migrate unlock ends that)',
      );
    const revision = item?.modRevision ?? 0;
    const moved = revision !== this.#open;
    this.#open = revision;
    return moved;
  }
}
