import { messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { Conntrack, FlowFilter, TrackedFlow } from '../../host/conntrack/port.ts';

/** What live connections are brought in line through. */
export type FlowTable = Pick<Conntrack, 'dumpInBackground' | 'setMark' | 'delete'>;

/**
 * The tracked connections of the node and of the pods that track their own, as one table. `namespaces` are those pods';
 * each is opened anew, since an open one would keep the namespace from going.
 */
export function withPodConnections(
  node: FlowTable,
  namespaces: () => readonly string[],
  open: (netns: string) => Conntrack,
  log: Logger,
): FlowTable {
  const homes = new WeakMap<TrackedFlow, string>();

  async function dumpOf(netns: string, filter: FlowFilter): Promise<readonly TrackedFlow[]> {
    try {
      using table = open(netns);
      const flows = await table.dumpInBackground(filter);
      for (const flow of flows) homes.set(flow, netns);
      return flows;
    } catch (error) {
      // A pod that is going takes its connections along.
      log.debug('the connections of a pod cannot be listed', { netns, error: messageOf(error) });
      return [];
    }
  }

  function inPod(netns: string, act: (table: FlowTable) => number): number {
    try {
      using table = open(netns);
      return act(table);
    } catch (error) {
      log.warn('the connections of a pod cannot be changed', { netns, error: messageOf(error) });
      return 0;
    }
  }

  /** Does the same in every table that has some of the flows; counts what was done. */
  function spread(
    flows: readonly TrackedFlow[],
    act: (table: FlowTable, flows: readonly TrackedFlow[]) => number,
  ): number {
    let count = 0;
    for (const [netns, group] of Map.groupBy(flows, (flow) => homes.get(flow)))
      count += netns === undefined ? act(node, group) : inPod(netns, (table) => act(table, group));
    return count;
  }

  return {
    dumpInBackground: async (filter = {}) => {
      const flows = [...(await node.dumpInBackground(filter))];
      for (const netns of namespaces()) flows.push(...(await dumpOf(netns, filter)));
      return flows;
    },
    setMark: (flows, mark) => spread(flows, (table, group) => table.setMark(group, mark)),
    delete: (flows) => spread(flows, (table, group) => table.delete(group)),
  };
}
