import { cidrContains, formatIp, parseIp } from '../../base/ip/index.ts';
import type { Ip } from '../../base/ip/index.ts';
import { handleOf } from './names.ts';
import type { AllocateRequest, IpPool } from './types.ts';

/** One address that the `host-local` plugin gave out: a file named after the address in /var/lib/cni/networks/<network>. */
export interface HostLocalLease {
  readonly network: string;
  readonly ip: Ip;
  readonly containerId: string;
  readonly ifname: string;
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
export function parseHostLocalFile(network: string, name: string, content: string): HostLocalLease | undefined {
  // On file systems without ':' in names, host-local writes '_'.
  const ip = parseIp(name.replaceAll('_', ':'));
  if (ip === undefined) return undefined;
  const [containerId = '', ifname = ''] = content.split(/\r?\n/).map((line) => line.trim());
  return containerId === '' ? undefined : { network, ip, containerId, ifname: ifname === '' ? 'eth0' : ifname };
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
): ImportPlan {
  const holders = new Map(pods.flatMap((pod) => pod.ips.map((ip) => [formatIp(ip), pod] as const)));
  const requests = new Map<string, AllocateRequest>();
  const stale: HostLocalLease[] = [];
  const outside: { pod: RunningPod; ip: Ip }[] = [];
  for (const lease of leases) {
    const pod = holders.get(formatIp(lease.ip));
    if (pod === undefined) stale.push(lease);
    else if (!pools.some((pool) => cidrContains(pool.cidr, lease.ip))) outside.push({ pod, ip: lease.ip });
    else merge(requests, handleOf(network, lease.containerId, lease.ifname), lease, pod);
  }
  return { requests: [...requests.values()], stale, outside };
}

function merge(requests: Map<string, AllocateRequest>, handle: string, lease: HostLocalLease, pod: RunningPod): void {
  const known = requests.get(handle);
  requests.set(handle, {
    handle,
    families: [...(known?.families ?? []), lease.ip.family],
    addresses: [...(known?.addresses ?? []), lease.ip],
    attributes: { namespace: pod.namespace, pod: pod.name, uid: pod.uid, ifname: lease.ifname },
    adopt: true,
  });
}
