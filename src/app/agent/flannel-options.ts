import { OPEN_POOL, defaultBlockSize } from '../../core/ipam/index.ts';
import type { IpPool } from '../../core/ipam/index.ts';
import { FAMILIES, parseNetConf } from '../../core/flannel/index.ts';
import type { FlannelBackend, NetConf, SubnetCuts } from '../../core/flannel/index.ts';
import { FLANNEL_WIREGUARD_OVERHEAD, VXLAN_OVERHEAD } from '../../core/routing/index.ts';
import type { BackendName, RoutingSettings } from '../../core/routing/index.ts';
import type { AgentOptions } from './options.ts';
import type { Environment } from './run-dir.ts';

/** What ConfigMap `sluice-config` says of a flannel network, under flannel's name for it; undefined: there is none. */
export function flannelNetConf(env: Environment, problems: string[]): NetConf | undefined {
  const text = env['SLUICE_FLANNEL_NET_CONF'] ?? '';
  if (text.trim() === '') return undefined;
  const reading = parseNetConf(text);
  if (reading.kind === 'read') return reading.netConf;
  problems.push(...reading.problems.map((problem) => `SLUICE_FLANNEL_NET_CONF (net-conf.json): ${problem}`));
  return undefined;
}

/**
 * The options of an agent whose node is part of a flannel network: what that says goes before all else. `cuts`: how it is
 * cut into subnets, where that is known.
 */
export function withFlannel(options: AgentOptions, netConf: NetConf, cuts: SubnetCuts = {}): AgentOptions {
  const { backend } = netConf;
  // As flannel takes it: that of the node's own network.
  const outer = options.mtu === 0 && 'mtu' in backend ? backend.mtu : 0;
  const overhead = overheadOf(netConf);
  return {
    ...options,
    flannel: netConf,
    backend: backendName(backend),
    mtu: outer === 0 ? options.mtu : outer - overhead,
    ...(backend.type === 'vxlan' ? { vxlan: { vni: backend.vni, port: backend.port } } : {}),
    defaultPools: poolsOf(netConf, cuts, options.defaultPools ?? []),
  };
}

/** Bytes that flannel reckons with, whichever family a packet is of. */
function overheadOf({ backend, networks }: NetConf): number {
  if (backend.type === 'wireguard') return FLANNEL_WIREGUARD_OVERHEAD;
  return networks[6] === undefined ? VXLAN_OVERHEAD[4] : VXLAN_OVERHEAD[6];
}

/** How WireGuard carries the network of these options; undefined: it does not. */
export function wireguardCarrying({ flannel }: Pick<AgentOptions, 'flannel'>): RoutingSettings['wireguard'] {
  if (flannel?.backend.type !== 'wireguard') return undefined;
  const { ports, mode } = flannel.backend;
  return { ports, shared: mode !== 'separate' };
}

function backendName(backend: FlannelBackend): BackendName {
  switch (backend.type) {
    case 'host-gw':
      return 'host-gw';
    // The same packets as our own.
    case 'ipip':
      return backend.directRouting ? 'ipip-cross-subnet' : 'ipip';
    case 'wireguard':
      return 'flannel-wireguard';
    case 'vxlan':
      return backend.directRouting ? 'flannel-vxlan-direct' : 'flannel-vxlan';
  }
}

/** One pool for each network; of the pools that a cluster would have got otherwise only the NAT is taken over. */
function poolsOf({ networks }: NetConf, cuts: SubnetCuts, usual: readonly IpPool[]): readonly IpPool[] {
  return FAMILIES.flatMap((family) => {
    const cidr = networks[family];
    if (cidr === undefined) return [];
    const natOutgoing = usual.find((pool) => pool.cidr.ip.family === family)?.natOutgoing ?? true;
    return [
      {
        ...OPEN_POOL,
        name: `default-ipv${family}-ippool`,
        cidr,
        // A block must fit into the subnet of a node.
        blockSize: Math.max(defaultBlockSize(family), cidr.prefix, cuts[family]?.length ?? 0),
        natOutgoing,
      },
    ];
  });
}
