import { equalIp, parseCidr, parseIp } from '../../base/ip/index.ts';
import type { Cidr, Family, Ip } from '../../base/ip/index.ts';
import { bgpNode } from '../../core/bgp/index.ts';
import type { BgpNode } from '../../core/bgp/index.ts';
import { FLANNEL_PREFIX, readNodeLease } from '../../core/flannel/index.ts';
import type { LeaseReading } from '../../core/flannel/index.ts';
import type { Node } from '../../core/kube/types.ts';
import { nodeEndpoint, shownAddresses } from '../../core/policy/endpoints.ts';
import type { NodeEndpoint } from '../../core/policy/cluster.ts';
import type { RoutingBlock, RoutingNode, RoutingPool, TunnelAddresses, TunnelKind } from '../../core/routing/index.ts';
import type { WireguardKeys } from '../../core/wireguard/index.ts';

/** Where a node publishes its tunnel device's hardware address when it is not the derived one (Calico's name). */
const VTEP_MAC_ANNOTATION = 'projectcalico.org/VXLANTunnelMACAddr';

/** Where a node publishes the addresses of its tunnel devices (Calico's names where it has one). */
export const TUNNEL_ANNOTATIONS: Readonly<Record<TunnelKind, Readonly<Partial<Record<Family, string>>>>> = {
  vxlan: { 4: 'projectcalico.org/IPv4VXLANTunnelAddr', 6: 'projectcalico.org/IPv6VXLANTunnelAddr' },
  ipip: { 4: 'projectcalico.org/IPv4IPIPTunnelAddr' },
  wireguard: { 4: 'projectcalico.org/IPv4WireguardInterfaceAddr', 6: 'projectcalico.org/IPv6WireguardInterfaceAddr' },
  udp: { 4: 'sluice.dev/IPv4UDPTunnelAddr', 6: 'sluice.dev/IPv6UDPTunnelAddr' },
  ovs: { 4: 'sluice.dev/IPv4OVSTunnelAddr', 6: 'sluice.dev/IPv6OVSTunnelAddr' },
};

/** Where a node publishes its WireGuard keys (Calico's names). */
export const WIREGUARD_ANNOTATIONS: Readonly<Record<Family, string>> = {
  4: 'projectcalico.org/WireguardPublicKey',
  6: 'projectcalico.org/WireguardPublicKeyV6',
};
/** Where a node publishes the keys that it is about to have, while it hands over to them. */
export const NEXT_WIREGUARD_ANNOTATIONS: Readonly<Record<Family, string>> = {
  4: 'sluice.dev/WireguardNextPublicKey',
  6: 'sluice.dev/WireguardNextPublicKeyV6',
};
/** A new value, whatever it is, makes the node choose new WireGuard keys. */
const WIREGUARD_ROTATION_ANNOTATION = 'sluice.dev/wireguard-rotation';

/** Where a node publishes the hardware addresses of the devices that carry its addresses, separated by commas. */
export const UNDERLAY_MACS_ANNOTATION = 'sluice.dev/underlay-macs';
const MAC = /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/;
const OWN_ANNOTATIONS = ['projectcalico.org/', 'sluice.dev/', FLANNEL_PREFIX];

/** What the agent keeps of a Node. */
export interface KnownNode {
  readonly endpoint: NodeEndpoint;
  /** Where peers may reach it: its InternalIPs first, without what it has besides. */
  readonly addresses: readonly Ip[];
  /** Ranges of pod addresses that were cut for the node; addresses are given by them in flannel's networks alone. */
  readonly podCidrs: readonly Cidr[];
  /** What the node says as part of a network of flannel's. */
  readonly lease: LeaseReading;
  readonly routing: RoutingNode;
  readonly bgp: BgpNode;
  readonly wireguard: KnownWireguard;
  readonly annotations: Readonly<Record<string, string>>;
  readonly networkReady: boolean;
}

/** What a Node says of WireGuard: the keys that it has, those that come next, and a text that changes to ask for others. */
export interface KnownWireguard {
  readonly keys: WireguardKeys;
  readonly nextKeys: WireguardKeys;
  readonly rotation: string;
}

/** Projects a Node at parse time. */
export function knownNode(node: Node): KnownNode {
  const endpoint = nodeEndpoint(node);
  const annotations = Object.fromEntries(
    Object.entries(node.metadata?.annotations ?? {}).filter(([key]) =>
      OWN_ANNOTATIONS.some((prefix) => key.startsWith(prefix)),
    ),
  );
  const vtepMac = annotations[VTEP_MAC_ANNOTATION];
  const macs = (annotations[UNDERLAY_MACS_ANNOTATION] ?? '').split(',').filter((mac) => MAC.test(mac));
  const tunnelAddresses = tunnelAddressesOf(annotations);
  const { name } = endpoint;
  const addresses = shownAddresses(node).filter(
    (ip) => !endpoint.tunnelAddresses.some((tunnel) => equalIp(ip, tunnel)),
  );
  const { podCIDR, podCIDRs = podCIDR === undefined ? [] : [podCIDR] } = node.spec ?? {};
  const podCidrs = podCIDRs.flatMap((text) => parseCidr(text) ?? []);
  return {
    endpoint,
    addresses,
    podCidrs,
    lease: readNodeLease(annotations, podCidrs),
    bgp: bgpNode({ name, labels: endpoint.labels, annotations, addresses }),
    annotations,
    wireguard: wireguardOf(annotations),
    networkReady: (node.status?.conditions ?? []).some(
      ({ type, status }) => type === 'NetworkUnavailable' && status === 'False',
    ),
    routing: {
      name,
      addresses: reachableFirst(addresses, annotations),
      tunnelAddresses,
      underlayMacs: macs,
      ...(vtepMac === undefined ? {} : { vtepMac }),
    },
  };
}

function wireguardOf(annotations: Readonly<Record<string, string>>): KnownWireguard {
  const keysIn = (names: Readonly<Record<Family, string>>): WireguardKeys =>
    Object.fromEntries(
      ([4, 6] as const).flatMap((family) => {
        const key = annotations[names[family]] ?? '';
        return key === '' ? [] : [[family, key] as const];
      }),
    );
  return {
    keys: keysIn(WIREGUARD_ANNOTATIONS),
    nextKeys: keysIn(NEXT_WIREGUARD_ANNOTATIONS),
    rotation: annotations[WIREGUARD_ROTATION_ANNOTATION] ?? '',
  };
}

/** What the node itself says of where peers reach it goes before the InternalIPs of the same family. */
function reachableFirst(addresses: readonly Ip[], annotations: Readonly<Record<string, string>>): readonly Ip[] {
  const families = [...new Set(addresses.map(({ family }) => family))];
  return families.flatMap((family) => {
    const all = addresses.filter((ip) => ip.family === family);
    const said = parseCidr(annotations[`projectcalico.org/IPv${family}Address`] ?? '')?.ip;
    const first = all.filter((ip) => said !== undefined && equalIp(ip, said));
    return [...first, ...all.filter((ip) => !first.includes(ip))];
  });
}

function tunnelAddressesOf(annotations: Readonly<Record<string, string>>): TunnelAddresses {
  return Object.fromEntries(
    Object.entries(TUNNEL_ANNOTATIONS).map(([kind, names]) => [
      kind,
      Object.values(names).flatMap((name) => parseIp(annotations[name] ?? '') ?? []),
    ]),
  );
}

/** The part of an IPPool resource that routes depend on. */
export interface PoolRoutingObject {
  readonly metadata?: { readonly name?: string };
  readonly spec?: { readonly cidr?: string; readonly vxlanMode?: string; readonly ipipMode?: string };
}

/** Projects an IPPool at parse time; undefined when it has no usable CIDR. */
export function knownPoolRouting({ metadata, spec }: PoolRoutingObject): RoutingPool | undefined {
  const cidr = parseCidr(spec?.cidr ?? '');
  if (cidr === undefined) return undefined;
  const { vxlanMode, ipipMode } = spec ?? {};
  return { name: metadata?.name ?? '', cidr, vxlanMode: modeOf(vxlanMode), ipipMode: modeOf(ipipMode) };
}

function modeOf(text: string | undefined): RoutingPool['vxlanMode'] {
  return text === 'Always' || text === 'CrossSubnet' ? text : 'Never';
}

/** The part of an IPAMBlock resource that routes depend on. */
export interface IpamBlockObject {
  readonly metadata?: object;
  readonly spec?: {
    readonly cidr?: string;
    readonly affinity?: string | null;
    readonly allocations?: readonly (number | null)[];
    readonly attributes?: readonly { readonly secondary?: Readonly<Record<string, string>> | null }[];
  };
}

/** Projects an IPAMBlock at parse time; undefined when it has no usable CIDR. */
export function knownBlock(object: IpamBlockObject): RoutingBlock | undefined {
  const cidr = parseCidr(object.spec?.cidr ?? '');
  if (cidr === undefined) return undefined;
  const affinity = object.spec?.affinity ?? undefined;
  const node = affinity?.startsWith('host:') === true ? affinity.slice('host:'.length) : undefined;
  const { allocations = [], attributes = [] } = object.spec ?? {};
  const elsewhere = allocations.flatMap((attribute, ordinal) => {
    const holder = attribute === null ? undefined : attributes[attribute]?.secondary?.['node'];
    return holder === undefined || holder === node ? [] : [{ ip: nth(cidr, ordinal), node: holder }];
  });
  return { cidr, node, elsewhere };
}

/** Whether routes are the same for both; most updates of a block only give out an address. */
export function sameBlock(a: RoutingBlock | undefined, b: RoutingBlock | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return (
    a.node === b.node &&
    a.elsewhere.length === b.elsewhere.length &&
    a.elsewhere.every(({ ip, node }, i) => node === b.elsewhere[i]!.node && equalIp(ip, b.elsewhere[i]!.ip))
  );
}

function nth(cidr: Cidr, ordinal: number): Ip {
  return { family: cidr.ip.family, value: cidr.ip.value + BigInt(ordinal) };
}
