import { messageOf } from '../../base/errors.ts';
import type { Ip } from '../../base/ip/index.ts';
import type { Logger } from '../../base/log.ts';
import type { CalcUpdate, ConntrackFlush } from '../../core/calc/model.ts';
import type { ClusterState } from '../../core/policy/cluster.ts';
import type { Conntrack } from '../../host/conntrack/port.ts';
import { forgetConnections, forgetServiceFlows, judgeConnections } from './connection-cutter.ts';

export interface LiveConnectionsDependencies {
  readonly conntrack: Conntrack;
  readonly log: Logger;
  readonly state: () => ClusterState;
  /** Addresses of a local endpoint by its id; none when it is gone. */
  readonly addressesOf: (id: string) => readonly Ip[];
}

/** What `sluice status` shows of connection cutting. */
export interface ConnectionsStatus {
  readonly cut: number;
  readonly healed: number;
  readonly forgotten: number;
}

/**
 * Keeps live connections in line with the packet filter. Work that updates ask for is gathered and done once per turn of
 * the event loop, after the reply that may be waiting in the same turn.
 */
export class LiveConnections {
  readonly #dependencies: LiveConnectionsDependencies;
  readonly #endpoints = new Set<string>();
  #flushes: ConntrackFlush[] = [];
  #released: Ip[] = [];
  #scheduled: NodeJS.Immediate | undefined;
  #cut = 0;
  #healed = 0;
  #forgotten = 0;

  constructor(dependencies: LiveConnectionsDependencies) {
    this.#dependencies = dependencies;
  }

  /** After a transaction that changed what these endpoints may do. */
  onUpdate({ shrunk, grown, conntrackFlush }: Pick<CalcUpdate, 'shrunk' | 'grown' | 'conntrackFlush'>): void {
    for (const id of shrunk) this.#endpoints.add(id);
    for (const id of grown) this.#endpoints.add(id);
    this.#flushes.push(...conntrackFlush);
    this.#schedule();
  }

  /** Addresses that are nobody's any more. */
  onReleased(addresses: readonly Ip[]): void {
    this.#released.push(...addresses);
    this.#schedule();
  }

  stop(): void {
    if (this.#scheduled !== undefined) clearImmediate(this.#scheduled);
  }

  status(): ConnectionsStatus {
    return { cut: this.#cut, healed: this.#healed, forgotten: this.#forgotten };
  }

  #schedule(): void {
    if (this.#scheduled !== undefined) return;
    if (this.#endpoints.size === 0 && this.#flushes.length === 0 && this.#released.length === 0) return;
    this.#scheduled = setImmediate(() => {
      this.#scheduled = undefined;
      this.#work();
    });
  }

  #work(): void {
    const { conntrack, log, state, addressesOf } = this.#dependencies;
    const addresses = [...this.#endpoints].flatMap((id) => [...addressesOf(id)]);
    const flushes = this.#flushes;
    const released = this.#released;
    this.#endpoints.clear();
    this.#flushes = [];
    this.#released = [];
    try {
      this.#forgotten += forgetConnections(conntrack, released);
      this.#forgotten += forgetServiceFlows(conntrack, flushes);
      const report = judgeConnections(conntrack, state, addresses);
      this.#cut += report.cut;
      this.#healed += report.healed;
      if (report.cut + report.healed > 0) log.info('live connections judged anew', { ...report });
    } catch (error) {
      log.error('cannot bring live connections in line with policy', { error: messageOf(error) });
    }
  }
}
