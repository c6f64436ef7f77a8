import { formatCidr } from '../../base/ip/index.ts';
import { FAMILIES, parseNetConf } from '../flannel/index.ts';
import type { NetConf } from '../flannel/index.ts';
import { badPodCidrs, strayPools } from './address-blockers.ts';
import { namesOf } from './common-blockers.ts';
import type { Rule } from './common-blockers.ts';
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

const inEtcd: Rule = ({ agents }) => {
  const told = (agents.spec?.template.spec?.containers ?? []).flatMap(({ command = [], args = [] }) => [
    ...command,
    ...args,
  ]);
  if (told.length === 0 || told.some((each) => /^--?kube-subnet-mgr(=true)?$/u.test(each))) return undefined;
  return {
    code: 'etcd',
    reason: 'flannel keeps its leases in etcd (it runs without --kube-subnet-mgr), where nodes have no podCIDR',
    remedy:
      'give each Node the subnet of its lease as podCIDR and run flannel with --kube-subnet-mgr first (docs/migrate.md, "flannel in etcd")',
  };
};

const unknownNetConf: Rule = ({ config }) => {
  const text = config?.data?.['net-conf.json'];
  if (text === undefined)
    return {
      code: 'net-conf',
      reason: 'ConfigMap kube-flannel-cfg with net-conf.json is not there',
      remedy: 'create it as flannel reads it',
    };
  const reading = parseNetConf(text);
  if (reading.kind === 'read') return undefined;
  return {
    code: 'net-conf',
    reason: `ConfigMap kube-flannel-cfg, net-conf.json: ${reading.problems.join('; ')}`,
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
  find: ({ daemonSets, configMaps }) => {
    const agents = daemonSets.find(isFlannel);
    const config = configMaps.find(({ metadata }) => metadata?.name === 'kube-flannel-cfg');
    return agents === undefined ? undefined : { agents, deployments: [], config };
  },
  blockers: [severalKinds, inEtcd, unknownNetConf, narrowTunnel, wrongPodCidrs, wrongPools],
  settings: (old) => {
    const netConf = netConfOf(old);
    const cidr = (family: 4 | 6): string => {
      const network = netConf?.networks[family];
      return network === undefined ? '' : formatCidr(network);
    };
    return {
      network_before: 'flannel',
      'net-conf.json': old.config?.data?.['net-conf.json'] ?? '',
      veth_mtu: String(delegatedMtu(old) ?? 0),
      ipv4_pool_cidr: cidr(4),
      ipv6_pool_cidr: cidr(6),
    };
  },
  remarks: [
    'Nodes keep their podCIDRs, and nodes of both networks reach each other by what flannel has nodes say in their annotations.',
    'flannel enforces no policy. Sluice enforces the NetworkPolicies that are there, on each node from when it has changed: see what they allow with sluice reach.',
    "flannel's rules of NAT in iptables stay on a migrated node until it is started again; they are the same that Sluice applies.",
  ],
};
