import { cidrContains, formatIp, parseIp } from '../../base/ip/index.ts';
import type { Ip } from '../../base/ip/index.ts';
import { handleOf, hostAddressHandle } from './names.ts';
import type { AllocateRequest, IpPool } from './types.ts';

/** Where an address says at which start of its node a pod was wired that no record of this node's agent knows. */
export const BOOT_ATTRIBUTE = 'bootID';
/** Where Linux says which start of the machine this is, as a kernel parameter. */
export const BOOT_ID = 'kernel/random/boot_id';

/** A lease may be this much older than its pod's address in the API, milliseconds. */
const SETTLE_MS = 120_000;

/** One address that the `host-local` plugin gave out: a file named after the address in /var/lib/cni/networks/<network>. */
export interface HostLocalLease {
  readonly network: string;
  readonly ip: Ip;
  readonly containerId: string;
  readonly ifname: string;
  /** When the file was written, epoch milliseconds. */
  readonly since: number;
}

/** A running pod of the node, as the API shows it. */
export interface RunningPod {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly ips: readonly Ip[];
}

/** What to do with a node's leases. */
export interface ImportPlan {
  /** Networks that the pools take over. Others, which give pods second interfaces, go on as they are. */
  readonly networks: readonly string[];
  readonly requests: readonly AllocateRequest[];
  /** Leases of pods that no longer run: left behind by the old plugin. */
  readonly stale: readonly HostLocalLease[];
  /** Running pods whose address lies in no pool. */
  readonly outside: readonly { readonly pod: RunningPod; readonly ip: Ip }[];
}

/**
 * Reads one file of host-local's state directory: the name is the address, the content the container id and, since
 * version 0.8, the interface on a second line. Undefined for its lock and its `last_reserved_ip.N`.
 */
export function parseHostLocalFile(
  network: string,
  name: string,
  content: string,
  since: number,
): HostLocalLease | undefined {
  // On file systems without ':' in names, host-local writes '_'.
  const ip = parseIp(name.replaceAll('_', ':'));
  if (ip === undefined) return undefined;
  const [containerId = '', ifname = ''] = content.split(/\r?\n/).map((line) => line.trim());
  return containerId === '' ? undefined : { network, ip, containerId, ifname: ifname === '' ? 'eth0' : ifname, since };
}

/**
 * Pairs leases with the pods that hold their addresses; leases of one container interface become one request. `network`
 * is the name of the network that takes over, under which the pods' DEL will come.
 */
export function planImport(
  network: string,
  leases: readonly HostLocalLease[],
  pods: readonly RunningPod[],
  pools: readonly IpPool[],
  now: number,
): ImportPlan {
  const holders = new Map(pods.flatMap((pod) => pod.ips.map((ip) => [formatIp(ip), pod] as const)));
  const requests = new Map<string, AllocateRequest>();
  const stale: HostLocalLease[] = [];
  const outside: { pod: RunningPod; ip: Ip }[] = [];
  const inPools = (ip: Ip): boolean => pools.some((pool) => cidrContains(pool.cidr, ip));
  const concerned = new Set(
    leases.filter(({ ip }) => inPools(ip) || holders.has(formatIp(ip))).map((lease) => lease.network),
  );
  for (const lease of leases.filter((each) => concerned.has(each.network))) {
    const pod = holders.get(formatIp(lease.ip));
    if (pod !== undefined && !inPools(lease.ip)) outside.push({ pod, ip: lease.ip });
    else if (!inPools(lease.ip) || (pod === undefined && now - lease.since >= SETTLE_MS)) stale.push(lease);
    else merge(requests, handleOf(network, lease.containerId, lease.ifname), lease, pod);
  }
  return { networks: [...concerned], requests: [...requests.values()], stale, outside };
}

/** The bridge and tunnel addresses that the network that goes has on the node: no pod must get them while it is there. */
export function planHostAddresses(
  node: string,
  addresses: readonly Ip[],
  pools: readonly IpPool[],
): readonly AllocateRequest[] {
  return addresses
    .filter((ip) => pools.some((pool) => cidrContains(pool.cidr, ip)))
    .map((ip) => ({
      handle: hostAddressHandle(node, ip),
      families: [ip.family],
      addresses: [ip],
      attributes: { type: 'hostAddress' },
      adopt: true,
    }));
}

function merge(
  requests: Map<string, AllocateRequest>,
  handle: string,
  lease: HostLocalLease,
  pod: RunningPod | undefined,
): void {
  const known = requests.get(handle);
  requests.set(handle, {
    handle,
    families: [...(known?.families ?? []), lease.ip.family],
    addresses: [...(known?.addresses ?? []), lease.ip],
    attributes: {
      ...(pod === undefined ? {} : { namespace: pod.namespace, pod: pod.name, uid: pod.uid }),
      ifname: lease.ifname,
    },
    adopt: true,
  });
}
