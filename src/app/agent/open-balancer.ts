import { SluiceError, hasCode } from '../../base/errors.ts';
import { parseIp } from '../../base/ip/index.ts';
import { PACKET_MARK } from '../../core/nft/statements.ts';
import type { Ipvs, IpvsServer } from '../../host/ipvs/port.ts';
import { leadNoMore, leadToNode } from '../../host/netlink/lead-to-node.ts';
import type { Sysctl } from '../../host/sysctl/sysctl.ts';
import type { BalancerDependencies } from './balancer.ts';
import { HeldServers } from './held-servers.ts';
import type { ServiceMode } from './service-mode.ts';

/** A table of routes that nothing else uses, and a priority before the rules about return paths. */
const LED = { mark: PACKET_MARK.BALANCED, table: 799_001, priority: 791 } as const;

/**
 * What IPVS has to be told: that connections are tracked, as policy needs; that a client whose backend is gone shall not
 * wait for it; and that affinity does not lead to a backend that takes nothing new.
 */
const PARAMETERS = ['conntrack', 'expire_nodest_conn', 'expire_quiescent_template'] as const;

/** A server that never gets a destination, to learn whether the kernel has the scheduler. */
const TRIAL = { address: parseIp('127.0.0.1')!, protocol: 'TCP', port: 1 } as const;

/**
 * IPVS as mode `ipvs` needs it, with the servers of a former life. In mode `nftables` those go, and undefined comes back.
 * Throws `no-ipvs`, with what the kernel lacks.
 */
export function openBalancer(mode: ServiceMode, dependencies: BalancerDependencies): HeldServers | undefined {
  const { sysctl, netlink } = dependencies;
  if (mode.mode === 'nftables') {
    removeBalancer(dependencies);
    return undefined;
  }
  const ipvs = opened(dependencies);
  try {
    for (const name of PARAMETERS) setParameter(sysctl, name);
    tryScheduler(ipvs, mode.scheduler);
    leadToNode(netlink, LED);
    return new HeldServers(ipvs, mode.scheduler);
  } catch (error) {
    ipvs[Symbol.dispose]();
    throw error;
  }
}

/** Takes out of the kernel what mode `ipvs` has put there, in whichever life. Throws where servers cannot be removed. */
export function removeBalancer({ openIpvs, netlink, sysctl, log }: BalancerDependencies): void {
  // Asking the kernel for IPVS would load it.
  if (sysctl.read(`net/ipv4/vs/${PARAMETERS[0]}`) === undefined) return;
  leadNoMore(netlink, LED);
  using ipvs = openIpvs();
  const servers = ipvs.servers();
  for (const server of servers) ipvs.change({ kind: 'delete-server', server });
  if (servers.length > 0) log.info('removed the IPVS servers of Services', { servers: servers.length });
}

function opened({ openIpvs }: BalancerDependencies): Ipvs {
  try {
    return openIpvs();
  } catch (error) {
    if (hasCode(error, 'not-found')) throw missing('IPVS', 'CONFIG_IP_VS', 'ip_vs');
    throw error;
  }
}

function setParameter(sysctl: Sysctl, name: (typeof PARAMETERS)[number]): void {
  const key = `net/ipv4/vs/${name}`;
  const value = sysctl.read(key);
  if (value === undefined) throw missing(`parameter ${key} of IPVS`, 'CONFIG_IP_VS_NFCT', 'ip_vs');
  if (value !== '1') sysctl.write(key, 1);
}

function tryScheduler(ipvs: Ipvs, scheduler: IpvsServer['scheduler']): void {
  const server = { ...TRIAL, scheduler };
  try {
    ipvs.change({ kind: 'add-server', server });
  } catch (error) {
    if (hasCode(error, 'not-found'))
      throw missing(`IPVS scheduler ${scheduler}`, `CONFIG_IP_VS_${scheduler.toUpperCase()}`, `ip_vs_${scheduler}`);
    if (!hasCode(error, 'exists')) throw error;
  }
  ipvs.change({ kind: 'delete-server', server });
}

function missing(what: string, option: string, module: string): SluiceError<'no-ipvs'> {
  return new SluiceError(
    'no-ipvs',
    `service_mode is ipvs, and this kernel has no ${what}: it needs ${option} (modprobe ${module}), ` +
      'or service_mode nftables in ConfigMap sluice-config',
  );
}
