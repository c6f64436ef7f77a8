import type { Connection } from '../../core/reach/index.ts';
import type { PortRecord } from './graph.ts';
import { portRecords } from './port-records.ts';

/** Lists are made once for all connections that have equal sets, so that writers can do the same. */
export class PortLists {
  readonly #byObject = new WeakMap<object, readonly PortRecord[]>();
  readonly #byContent = new Map<string, readonly PortRecord[]>();

  of({ byFamily }: Pick<Connection, 'byFamily'>): readonly PortRecord[] {
    const known = this.#byObject.get(byFamily);
    if (known !== undefined) return known;
    const key = `${byFamily[4]?.join() ?? '-'} ${byFamily[6]?.join() ?? '-'}`;
    let list = this.#byContent.get(key);
    if (list === undefined) this.#byContent.set(key, (list = portRecords(byFamily)));
    this.#byObject.set(byFamily, list);
    return list;
  }
}
