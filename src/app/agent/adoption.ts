import { bitsOf, compareIp, formatIp } from '../../base/ip/index.ts';
import type { Ip } from '../../base/ip/index.ts';
import type { Logger } from '../../base/log.ts';
import { BOOT_ATTRIBUTE, BOOT_ID, addressAt, handleParts, isTunnelHandle } from '../../core/ipam/index.ts';
import type { Block } from '../../core/ipam/index.ts';
import type { Netlink } from '../../host/netlink/port.ts';
import type { Sysctl } from '../../host/sysctl/sysctl.ts';
import { INTERFACE_PREFIX, interfaceName, podMac, shaperName } from './endpoint-record.ts';
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
  for (const record of records) {
    if (present.has(record.interface)) continue;
    endpoints.remove(record.id);
    if (present.has(shaperName(record.id))) netlink.attempt([{ kind: 'delete-link', link: shaperName(record.id) }]);
  }
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
  netlink: Pick<Netlink, 'links' | 'neighbours'>,
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
      // The pod may have been given another hardware address than the usual one; the kernel still has it.
      const mac = netlink.neighbours({ link: link.name }).find(({ state }) => state === 'permanent')?.mac;
      recovered.set(handle, { ...names, interface: link.name, mac: mac ?? podMac(handle), mtu, addresses });
    }
  }
  return [...recovered.values()];
}

/**
 * Handles of pods whose addresses this node holds although no pod here has them: an ADD that a crash interrupted, or
 * pods that a reboot ended. Call after everything that is still wired has been taken over or recovered.
 */
export function leakedHandles(
  node: string,
  blocks: readonly Block[],
  records: ReadonlyMap<string, EndpointRecord>,
  isWiredElsewhere: (ip: Ip, attributes: Readonly<Record<string, string>>) => boolean,
): readonly string[] {
  const leaked = new Set<string>();
  for (const block of blocks)
    for (const [ordinal, { handle, attributes }] of block.allocations) {
      if (attributes['node'] !== node || isTunnelHandle(handle) || records.has(handle)) continue;
      if (!isWiredElsewhere(addressAt(block, ordinal), attributes)) leaked.add(handle);
    }
  return [...leaked];
}

/**
 * Tells of addresses that pods have which another network wired: those that were taken over since this start of the node,
 * and those to which a route of their own leads that is none of ours.
 */
export function wiredElsewhere(
  sysctl: Pick<Sysctl, 'read'>,
  netlink: Pick<Netlink, 'links' | 'routes'>,
): (ip: Ip, attributes: Readonly<Record<string, string>>) => boolean {
  const bootId = sysctl.read(BOOT_ID);
  const foreign = new Set<string>();
  const links = netlink.links({ kind: 'veth' }).filter(({ name }) => !name.startsWith(INTERFACE_PREFIX));
  for (const { name } of links)
    for (const { destination: cidr } of netlink.routes({ link: name }))
      if (cidr.prefix === bitsOf(cidr.ip.family)) foreign.add(formatIp(cidr.ip));
  return (ip, attributes) =>
    (attributes[BOOT_ATTRIBUTE] !== undefined && attributes[BOOT_ATTRIBUTE] === bootId) || foreign.has(formatIp(ip));
}
