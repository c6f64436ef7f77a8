import type { AffinityFlush } from '../../core/calc/model.ts';
import type { Nftables } from '../../host/nftables/port.ts';

/**
 * Has the kernel forget clients whose endpoint a Service with affinity has no more: packets fill those maps, so no
 * transaction knows what is in them. Each map is read once.
 */
export function forgetClients(nftables: Pick<Nftables, 'forget'>, flushes: readonly AffinityFlush[]): void {
  for (const group of Map.groupBy(flushes, ({ map }) => map.name).values()) {
    const fronts = new Map(group.map((flush) => [flush.front, flush.endpoints]));
    const [{ map, front }] = group as [AffinityFlush];
    nftables.forget(map, (key, data) => fronts.get(key.slice(0, front.length))?.has(data) === false);
  }
}
