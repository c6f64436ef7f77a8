import { compareIp } from '../../base/ip/index.ts';
import type { Logger } from '../../base/log.ts';
import { addressAt, handleParts, isTunnelHandle } from '../../core/ipam/index.ts';
import type { Allocator, Block } from '../../core/ipam/index.ts';
import type { Netlink } from '../../host/netlink/port.ts';
import { interfaceName, podMac } from './endpoint-record.ts';
import type { EndpointRecord } from './endpoint-record.ts';
import type { EndpointStore } from './endpoint-store.ts';

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
 * Pods that are still wired although their records were lost: the name of a pod's interface follows from its handle, so
 * the address blocks tell which living interface is whose.
 */
export function recoverEndpoints(
  node: string,
  blocks: readonly Block[],
  records: ReadonlyMap<string, EndpointRecord>,
  netlink: Pick<Netlink, 'links'>,
): readonly EndpointRecord[] {
  const links = new Map(netlink.links().map((link) => [link.name, link]));
  const recovered = new Map<string, EndpointRecord>();
  for (const block of blocks) {
    for (const [ordinal, { handle, attributes }] of block.allocations) {
      const link = links.get(interfaceName(handle));
      const { pod, namespace, ifname = 'eth0' } = attributes;
      if (link === undefined || pod === undefined || namespace === undefined) continue;
      if (records.has(handle) || attributes['node'] !== node) continue;
      const addresses = [...(recovered.get(handle)?.addresses ?? []), addressAt(block, ordinal)].toSorted(compareIp);
      const { network, containerId } = handleParts(handle, ifname);
      const names = { id: handle, network, containerId, ifname, netns: '', namespace, pod };
      const mtu = link.mtu;
      recovered.set(handle, { ...names, interface: link.name, mac: podMac(handle), mtu, addresses });
    }
  }
  return [...recovered.values()];
}

/**
 * Handles of pods whose addresses this node holds although no pod here has them: an ADD that a crash interrupted, or
 * pods that a reboot ended. Call after everything that is still wired has been taken over or recovered.
 */
export function leakedHandles(
  allocator: Pick<Allocator, 'assignments'>,
  records: ReadonlyMap<string, EndpointRecord>,
): readonly string[] {
  return [...allocator.assignments().keys()].filter((handle) => !isTunnelHandle(handle) && !records.has(handle));
}
