import { messageOf } from '../../base/errors.ts';
import type { Ip } from '../../base/ip/index.ts';
import type { Logger } from '../../base/log.ts';
import type { CalcUpdate, ConntrackFlush } from '../../core/calc/model.ts';
import type { ClusterState } from '../../core/policy/cluster.ts';
import { flowKeyOf } from '../../host/conntrack/port.ts';
import type { TrackedFlow } from '../../host/conntrack/port.ts';
import { judgeConnections, staleConnections } from './connection-cutter.ts';
import type { FlowTable } from './pod-connections.ts';

export interface LiveConnectionsDependencies {
  readonly conntrack: FlowTable;
  readonly log: Logger;
  readonly state: () => ClusterState;
  /** Addresses of a local endpoint by its id; none when it is gone. */
  readonly addressesOf: (id: string) => readonly Ip[];
  /** `ended`: connections of TCP were cut or forgotten, or may have been. */
  readonly onJudged?: (ended: boolean) => void;
}

const TCP = 6;
const NONE: ReadonlySet<string> = new Set();

/** What `sluice status` shows of connection cutting. */
export interface ConnectionsStatus {
  readonly cut: number;
  readonly healed: number;
  readonly forgotten: number;
}

/** How long work is gathered, milliseconds: reading the kernel's table takes 10 even when it is empty. */
const GATHER = { cut: 2, tidy: 250 } as const;

/**
 * Keeps live connections in line with the packet filter. What updates ask for is gathered and done together, soon where
 * a connection may have to be cut, later where it is only tidying up.
 */
export class LiveConnections {
  readonly #dependencies: LiveConnectionsDependencies;
  readonly #endpoints = new Set<string>();
  #flushes: ConntrackFlush[] = [];
  #released: Ip[] = [];
  #timer: NodeJS.Timeout | undefined;
  #due = Infinity;
  #working: Promise<void> | undefined;
  /** Local endpoints with connections that are cut; no other can have one that may live again. */
  readonly #marked = new Set<string>();
  #cut = 0;
  #healed = 0;
  #forgotten = 0;

  constructor(dependencies: LiveConnectionsDependencies) {
    this.#dependencies = dependencies;
  }

  /** After a transaction that changed what these endpoints may do; `fresh` ones had no connection before it. */
  onUpdate(
    { shrunk, grown, conntrackFlush }: Pick<CalcUpdate, 'shrunk' | 'grown' | 'conntrackFlush'>,
    fresh: ReadonlySet<string> = NONE,
  ): void {
    for (const id of shrunk) if (!fresh.has(id)) this.#endpoints.add(id);
    for (const id of grown) if (this.#marked.has(id)) this.#endpoints.add(id);
    this.#flushes.push(...conntrackFlush);
    if (this.#endpoints.size > 0) this.#schedule(GATHER.cut);
    else if (conntrackFlush.length > 0) this.#schedule(GATHER.tidy);
  }

  /** Addresses that are nobody's any more. */
  onReleased(addresses: readonly Ip[]): void {
    this.#released.push(...addresses);
    this.#schedule(GATHER.tidy);
  }

  /** Resolves when nothing is under way any more. */
  async stop(): Promise<void> {
    await this.#working;
    clearTimeout(this.#timer);
  }

  status(): ConnectionsStatus {
    return { cut: this.#cut, healed: this.#healed, forgotten: this.#forgotten };
  }

  #schedule(delay: number): void {
    const due = performance.now() + delay;
    if (this.#working !== undefined || due >= this.#due) return;
    this.#due = due;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#begin(), delay);
  }

  #begin(): void {
    this.#due = Infinity;
    this.#working = this.#work().finally(() => {
      this.#working = undefined;
      if (this.#endpoints.size > 0) this.#schedule(GATHER.cut);
      else if (this.#flushes.length + this.#released.length > 0) this.#schedule(GATHER.tidy);
    });
  }

  async #work(): Promise<void> {
    const { conntrack, log } = this.#dependencies;
    const endpoints = [...this.#endpoints];
    const flushes = this.#flushes;
    const released = this.#released;
    this.#endpoints.clear();
    this.#flushes = [];
    this.#released = [];
    let ended = true;
    try {
      const local = endpoints.flatMap(this.#dependencies.addressesOf);
      const fronts = flushes.map(({ address }) => address);
      // NodePorts are any address of the node.
      const anywhere = fronts.includes(undefined);
      const all = [...local, ...released, ...fronts.filter((each) => each !== undefined)];
      const filter = anywhere ? {} : { addresses: new Set(all.map(flowKeyOf)) };
      const flows = await conntrack.dumpInBackground(filter);
      const stale = staleConnections(flows, released, flushes);
      if (stale.length > 0) this.#forgotten += conntrack.delete(stale);
      const cut = this.#judge(flows, endpoints, local);
      ended = cut || stale.some(({ original }) => original.protocol === TCP);
    } catch (error) {
      log.error('cannot bring live connections in line with policy', { error: messageOf(error) });
    }
    this.#dependencies.onJudged?.(ended);
  }

  /** Whether any was cut. */
  #judge(flows: readonly TrackedFlow[], endpoints: readonly string[], local: readonly Ip[]): boolean {
    const { conntrack, log, state } = this.#dependencies;
    const report = judgeConnections(flows, local, conntrack, state);
    this.#cut += report.cut;
    this.#healed += report.healed;
    for (const id of endpoints) {
      if (report.marked > 0) this.#marked.add(id);
      else this.#marked.delete(id);
    }
    if (report.cut + report.healed > 0) log.info('live connections judged anew', { ...report });
    return report.cut > 0;
  }
}
