import { flowKeyOf } from './port.ts';
import type { Conntrack, FlowFilter, TrackedFlow } from './port.ts';

/** A connection tracking table in memory; tests put the flows in. */
export class FakeConntrack implements Conntrack {
  /** The flows that are tracked now, by id. */
  readonly flows = new Map<number, TrackedFlow>();

  dump(filter: FlowFilter = {}): readonly TrackedFlow[] {
    return [...this.flows.values()].filter(
      ({ original, reply, mark }) =>
        (filter.family === undefined || original.source.family === filter.family) &&
        (filter.mark === undefined || (mark & filter.mark.mask) === filter.mark.value) &&
        (filter.addresses === undefined ||
          [original.source, original.destination, reply.source, reply.destination].some((ip) =>
            filter.addresses!.has(flowKeyOf(ip)),
          )),
    );
  }

  dumpInBackground(filter: FlowFilter = {}): Promise<readonly TrackedFlow[]> {
    return Promise.resolve(this.dump(filter));
  }

  setMark(flows: readonly TrackedFlow[], mark: { readonly value: number; readonly mask: number }): number {
    return this.#present(flows, (flow) =>
      this.flows.set(flow.id, { ...flow, mark: ((flow.mark & ~mark.mask) | (mark.value & mark.mask)) >>> 0 }),
    );
  }

  delete(flows: readonly TrackedFlow[]): number {
    return this.#present(flows, (flow) => this.flows.delete(flow.id));
  }

  [Symbol.dispose](): void {}

  #present(flows: readonly TrackedFlow[], act: (flow: TrackedFlow) => void): number {
    let found = 0;
    for (const { id } of flows) {
      const flow = this.flows.get(id);
      if (flow === undefined) continue;
      act(flow);
      found++;
    }
    return found;
  }
}
