import { formatCidr } from '../../base/ip/index.ts';
import { FAMILIES, parseEtcdNetConf, parseNetConf } from '../flannel/index.ts';
import type { NetConf } from '../flannel/index.ts';
import { badPodCidrs, strayPools } from './address-blockers.ts';
import { namesOf } from './common-blockers.ts';
import type { Rule } from './common-blockers.ts';
import { etcdSettings, flannelEtcd, flannelEtcdBlockers, withStoredNetConf } from './flannel-etcd.ts';
import type { Network } from './network.ts';
import type { Observed, OldNetwork } from './model.ts';

/**
 * What tunnels take of every packet, over IPv4 and over IPv6: VXLAN with outer Ethernet, IP, UDP and its own header; WireGuard
 * as flannel reckons, the same for both.
 */
const OVERHEAD: Readonly<Record<string, Readonly<Record<4 | 6, number>>>> = {
  vxlan: { 4: 50, 6: 70 },
  wireguard: { 4: 80, 6: 80 },
};

function isFlannel({ metadata }: Observed['daemonSets'][number]): boolean {
  return metadata?.name?.startsWith('kube-flannel') === true;
}

function netConfOf({ config }: OldNetwork): NetConf | undefined {
  const reading = parseNetConf(config?.data?.['net-conf.json'] ?? '');
  return reading.kind === 'read' ? reading.netConf : undefined;
}

/** What `cni-conf.json` has flannel's plugin hand on to the one that makes the interfaces. */
function delegatedMtu({ config }: OldNetwork): number | undefined {
  try {
    const { plugins = [] } = JSON.parse(config?.data?.['cni-conf.json'] ?? '{}') as {
      readonly plugins?: readonly { readonly type?: string; readonly delegate?: { readonly mtu?: unknown } }[];
    };
    const mtu = plugins.find(({ type }) => type === 'flannel')?.delegate?.mtu;
    return typeof mtu === 'number' ? mtu : undefined;
  } catch {
    return undefined;
  }
}

const severalKinds: Rule = (_, { daemonSets }) => {
  const found = daemonSets.filter(isFlannel);
  if (found.length < 2) return undefined;
  return {
    code: 'several',
    reason: `flannel has a DaemonSet for each kind of node: ${namesOf(found)}`,
    remedy: 'upgrade flannel to a version whose manifest has one for all',
  };
};

const unknownNetConf: Rule = (old, { flannelStore }) => {
  const isStored = flannelEtcd(old) !== undefined;
  if (isStored && flannelStore === undefined) return undefined;
  const text = old.config?.data?.['net-conf.json'];
  const place = isStored ? `${flannelEtcd(old)!.prefix}/config in etcd` : 'ConfigMap kube-flannel-cfg, net-conf.json';
  if (text === undefined || text === '')
    return {
      code: 'net-conf',
      reason: isStored ? `${place} is not there` : 'ConfigMap kube-flannel-cfg with net-conf.json is not there',
      remedy: 'create it as flannel reads it',
    };
  const reading = isStored ? parseEtcdNetConf(text) : parseNetConf(text);
  if (reading.kind === 'read') return undefined;
  return {
    code: 'net-conf',
    reason: `${place}: ${reading.problems.join('; ')}`,
    remedy: 'change flannel to backend vxlan, host-gw, ipip or wireguard first',
  };
};

const narrowTunnel: Rule = (old) => {
  const [netConf, mtu] = [netConfOf(old), delegatedMtu(old)];
  const overhead = OVERHEAD[netConf?.backend.type ?? ''];
  if (netConf === undefined || overhead === undefined || mtu === undefined) return undefined;
  const { mtu: underlay = 0 } = netConf.backend as { readonly mtu?: number };
  if (underlay === 0) return undefined;
  const most = underlay - overhead[netConf.networks[6] === undefined ? 4 : 6];
  if (mtu <= most) return undefined;
  return {
    code: 'mtu',
    reason: `cni-conf.json gives pods an MTU of ${mtu}, and net-conf.json (Backend.MTU ${underlay}) lets no more than ${most} through the tunnel`,
    remedy: `set delegate.mtu in ConfigMap kube-flannel-cfg to ${most} or less, or Backend.MTU to what the nodes' network has`,
  };
};

const wrongPodCidrs: Rule = (old, { nodes }) => {
  if (flannelEtcd(old) !== undefined) return undefined;
  const problem = badPodCidrs(networksOf(old), nodes);
  if (problem === undefined) return undefined;
  return {
    code: 'pod-cidrs',
    reason: problem,
    remedy:
      "give nodes podCIDRs of flannel's network: kube-controller-manager's --allocate-node-cidrs and --cluster-cidr",
  };
};

const wrongPools: Rule = (old, observed) => {
  const pools = strayPools(networksOf(old), observed);
  if (pools.length === 0) return undefined;
  return {
    code: 'pools',
    reason: `IPPool ${namesOf(pools)} has addresses of flannel's network and is not the same as it`,
    remedy: 'delete it, or set its cidr to the network in net-conf.json',
  };
};

function networksOf(old: OldNetwork) {
  const netConf = netConfOf(old);
  return FAMILIES.flatMap((family) => netConf?.networks[family] ?? []);
}

/** From flannel: Sluice's nodes are part of its network, with their podCIDRs, until the last of flannel's is gone. */
export const FLANNEL: Network = {
  title: 'flannel',
  daemonSet: 'kube-flannel-ds',
  find: (observed) => {
    const agents = observed.daemonSets.find(isFlannel);
    const config = observed.configMaps.find(({ metadata }) => metadata?.name === 'kube-flannel-cfg');
    return agents === undefined ? undefined : withStoredNetConf({ agents, deployments: [], config }, observed);
  },
  blockers: [severalKinds, ...flannelEtcdBlockers, unknownNetConf, narrowTunnel, wrongPodCidrs, wrongPools],
  settings: (old) => {
    const netConf = netConfOf(old);
    const cidr = (family: 4 | 6): string => {
      const network = netConf?.networks[family];
      return network === undefined ? '' : formatCidr(network);
    };
    const text = old.config?.data?.['net-conf.json'] ?? '';
    const etcd = flannelEtcd(old);
    return {
      network_before: 'flannel',
      ...(etcd === undefined ? { 'net-conf.json': text } : etcdSettings(etcd, text)),
      veth_mtu: String(delegatedMtu(old) ?? 0),
      ipv4_pool_cidr: cidr(4),
      ipv6_pool_cidr: cidr(6),
    };
  },
  remarks: (old) => [
    flannelEtcd(old) === undefined
      ? 'Nodes keep their podCIDRs, and nodes of both networks reach each other by what flannel has nodes say in their annotations.'
      : "Nodes keep their leases in etcd, and nodes of both networks reach each other by these: a node's lease is taken over by its address.",
    'flannel enforces no policy. Sluice enforces the NetworkPolicies that are there, on each node from when it has changed: see what they allow with sluice reach.',
    "flannel's rules of NAT in iptables stay on a migrated node until it is started again; they are the same that Sluice applies.",
  ],
};
