import { formatCidr, formatIp, hostCidr } from '../../base/ip/index.ts';
import type { Logger } from '../../base/log.ts';
import type { Allocator } from '../../core/ipam/index.ts';
import { ROUTE_PROTOCOL } from '../../core/routing/index.ts';
import type { Netlink } from '../../host/netlink/port.ts';
import type { EndpointRecord } from './endpoint-record.ts';
import type { EndpointStore } from './endpoint-store.ts';
import { isOurs } from './kernel-network.ts';

/**
 * The pods that an earlier agent wired and that are still there. A record without its interface is of a pod that went
 * with a reboot or an interrupted ADD: it is dropped, and its address is found to be leaked later.
 */
export function adoptEndpoints({
  endpoints,
  netlink,
  log,
}: {
  readonly endpoints: EndpointStore;
  readonly netlink: Netlink;
  readonly log: Logger;
}): readonly EndpointRecord[] {
  const present = new Set(netlink.links().map(({ name }) => name));
  const records = endpoints.load((problem) => log.error('an endpoint record cannot be read', { problem }));
  for (const record of records) if (!present.has(record.interface)) endpoints.remove(record.id);
  const adopted = records.filter((record) => present.has(record.interface));
  if (records.length > 0)
    log.info('pods taken over', { adopted: adopted.length, gone: records.length - adopted.length });
  return adopted;
}

/**
 * Handles of pods whose addresses this node holds although no pod here has them: an ADD that a crash interrupted, or
 * pods that a reboot ended. An address that some pod link still routes to is never among them, so that losing the
 * records cannot give a living pod's address to another.
 */
export function leakedHandles(
  allocator: Pick<Allocator, 'assignments'>,
  records: ReadonlyMap<string, EndpointRecord>,
  netlink: Netlink,
): readonly string[] {
  const names = new Map(netlink.links().map(({ index, name }) => [index, name]));
  const routed = new Set(
    netlink
      .routes({ protocol: ROUTE_PROTOCOL })
      .filter(({ link }) => link !== undefined && isOurs(names.get(link)))
      .map(({ destination }) => formatCidr(destination)),
  );
  const held = new Set([...records.values()].flatMap(({ addresses }) => addresses.map(formatIp)));
  return [...allocator.assignments()]
    .filter(([handle]) => !handle.startsWith('vxlan-') && !records.has(handle))
    .filter(([, { addresses }]) =>
      addresses.every(({ ip }) => !held.has(formatIp(ip)) && !routed.has(formatCidr(hostCidr(ip)))),
    )
    .map(([handle]) => handle);
}
