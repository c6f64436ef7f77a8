import { cidrCovers, formatCidr, hostCidr } from '../../base/ip/index.ts';
import type { Cidr, Family, Ip } from '../../base/ip/index.ts';
import { mtuTo } from '../routing/index.ts';
import {
  HANDOVER_DEVICES,
  WIREGUARD_DEVICES,
  WIREGUARD_OVERHEAD,
  WIREGUARD_PROTOCOL,
  WIREGUARD_TABLE,
} from './constants.ts';
import { handoverTunnel } from './handover.ts';
import { isWireguardKey } from './key-text.ts';
import type {
  DesiredWireguard,
  WireguardInput,
  WireguardProblem,
  WireguardRoute,
  WireguardTunnel,
  WireguardTunnelPeer,
} from './types.ts';

const FAMILIES: readonly Family[] = [4, 6];

/**
 * What the kernel of `input.node` should hold so that pods' packets to peers that published a key are encrypted. Only
 * packets that come from an address of a pool are: what nodes and clients outside send takes the backend's way, as do
 * pods' packets to peers without a key, and to those that `ways` leaves out, so that nothing is lost while WireGuard is
 * switched on.
 */
export function desiredWireguard(input: WireguardInput): DesiredWireguard {
  const problems: WireguardProblem[] = [];
  const tunnels = FAMILIES.filter((family) => input.settings[family].enabled).flatMap((family) => {
    const usual = tunnelOf(family, input, problems);
    return [usual, ...handoverTunnel(usual, input)];
  });
  return { tunnels, problems };
}

/** The MTU of pods whose packets may go through a tunnel; undefined when there is none. */
export function wireguardMtu({
  settings,
  underlay,
}: Pick<WireguardInput, 'settings' | 'underlay'>): number | undefined {
  const mtus = FAMILIES.filter((family) => settings[family].enabled).map((family) =>
    Math.min(
      deviceMtu(family, settings[family].mtu, underlay.mtu),
      ...restsOf(
        [...underlay.peerMtu.values()].map((mtus) => mtuTo(mtus, underlay.mtu)),
        family,
      ),
    ),
  );
  return mtus.length === 0 ? undefined : Math.min(...mtus);
}

function tunnelOf(family: Family, input: WireguardInput, problems: WireguardProblem[]): WireguardTunnel {
  const { port, mtu: configured } = input.settings[family];
  const mtu = deviceMtu(family, configured, input.underlay.mtu);
  const peers = peersOf(family, input, problems);
  return {
    family,
    device: WIREGUARD_DEVICES[family],
    way: 'usual',
    port,
    mtu,
    peers,
    routes: routesOf(family, mtu, peers, input),
    rules: input.pools
      .filter(({ cidr }) => cidr.ip.family === family)
      .map(({ cidr }) => ({
        family,
        priority: input.settings.rulePriority,
        from: cidr,
        table: WIREGUARD_TABLE,
        protocol: WIREGUARD_PROTOCOL,
      })),
  };
}

function peersOf(family: Family, input: WireguardInput, problems: WireguardProblem[]): readonly WireguardTunnelPeer[] {
  const shared = sharedKeys(family, input);
  const networks = networksByNode(family, input);
  return [...input.nodes.values()].flatMap((node): readonly WireguardTunnelPeer[] => {
    const publicKey = input.keys.get(node.name)?.[family];
    if (node.name === input.node || publicKey === undefined) return [];
    const ip = node.addresses.find((address) => address.family === family);
    const problem = problemOf(node.name, publicKey, shared, ip, family);
    if (problem !== undefined || ip === undefined) {
      if (problem !== undefined) problems.push(problem);
      return [];
    }
    const own = node.tunnelAddresses.wireguard?.filter((address) => address.family === family).map(hostCidr) ?? [];
    const allowedIps = distinct([...(networks.get(node.name) ?? []), ...own]);
    return [{ node: node.name, publicKey, endpoint: { ip, port: input.settings[family].port }, allowedIps }];
  });
}

function problemOf(
  peer: string,
  key: string,
  shared: ReadonlyMap<string, readonly string[]>,
  ip: Ip | undefined,
  family: Family,
): WireguardProblem | undefined {
  const unencrypted = 'its pods are reached without encryption';
  if (!isWireguardKey(key))
    return {
      peer,
      code: 'bad-key',
      message: `the WireGuard key of node ${peer} is not 32 bytes in base64; ${unencrypted}`,
    };
  const owners = shared.get(key);
  if (owners !== undefined)
    return {
      peer,
      code: 'shared-key',
      message: `nodes ${owners.join(', ')} have the same WireGuard key, perhaps from one disk image; ${unencrypted}`,
    };
  if (ip === undefined)
    return {
      peer,
      code: 'no-address',
      message: `node ${peer} has a WireGuard key for IPv${family} and no IPv${family} InternalIP; ${unencrypted}`,
    };
  return undefined;
}

/** Keys that several nodes published, with their owners. */
function sharedKeys(family: Family, { keys, nodes }: WireguardInput): ReadonlyMap<string, readonly string[]> {
  const owners = new Map<string, string[]>();
  for (const [node, { [family]: key }] of keys)
    if (key !== undefined && nodes.has(node)) owners.set(key, [...(owners.get(key) ?? []), node]);
  return new Map([...owners].filter(([, names]) => names.length > 1).map(([key, names]) => [key, names.toSorted()]));
}

/** The networks that live on each node: its blocks, and its addresses out of others' blocks. */
function networksByNode(family: Family, { blocks }: WireguardInput): ReadonlyMap<string, readonly Cidr[]> {
  const networks = new Map<string, Cidr[]>();
  const add = (node: string, cidr: Cidr): void => {
    const known = networks.get(node);
    if (known === undefined) networks.set(node, [cidr]);
    else known.push(cidr);
  };
  for (const { cidr, node, elsewhere } of blocks) {
    if (cidr.ip.family !== family) continue;
    if (node !== undefined) add(node, cidr);
    for (const each of elsewhere) add(each.node, hostCidr(each.ip));
  }
  return networks;
}

function routesOf(
  family: Family,
  mtu: number,
  peers: readonly WireguardTunnelPeer[],
  { ways, underlay, blocks, endpoints }: WireguardInput,
): readonly WireguardRoute[] {
  const table = { table: WIREGUARD_TABLE, protocol: WIREGUARD_PROTOCOL } as const;
  const through = peers
    .filter(({ node }) => ways[family].has(node))
    .flatMap(({ node, allowedIps }) => {
      const device = ways[family].get(node) === 'usual' ? WIREGUARD_DEVICES : HANDOVER_DEVICES;
      const [rest = mtu] = restsOf([mtuTo(underlay.peerMtu.get(node), underlay.mtu)], family);
      const narrow = rest < mtu ? { mtu: rest } : {};
      return allowedIps.map((destination): WireguardRoute => ({
        destination,
        type: 'unicast',
        link: device[family],
        scope: 'link',
        ...narrow,
        ...table,
      }));
    });
  const routed = new Set(through.map(({ destination }) => formatCidr(destination)));
  // Addresses out of those networks that live elsewhere: here, or on a node that is reached otherwise.
  const elsewhere = blocks.flatMap((block) => block.elsewhere.map(({ ip }) => ip));
  const exceptions = [...elsewhere, ...endpoints.flatMap(({ addresses }) => addresses)]
    .filter((ip) => ip.family === family)
    .map(hostCidr)
    .filter((cidr) => !routed.has(formatCidr(cidr)) && through.some((route) => cidrCovers(route.destination, cidr)));
  return [
    ...through,
    ...distinct(exceptions).map((destination) => ({ destination, type: 'throw', ...table }) as const),
  ];
}

function deviceMtu(family: Family, configured: number, underlay: number): number {
  return configured > 0 ? configured : underlay - WIREGUARD_OVERHEAD[family];
}

/** What the tunnel leaves of each MTU. */
function restsOf(mtus: Iterable<number>, family: Family): readonly number[] {
  return [...mtus].map((mtu) => mtu - WIREGUARD_OVERHEAD[family]);
}

function distinct(cidrs: readonly Cidr[]): readonly Cidr[] {
  return [...new Map(cidrs.map((cidr) => [formatCidr(cidr), cidr])).values()];
}
