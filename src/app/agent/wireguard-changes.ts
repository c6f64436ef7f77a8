import { equalIp, formatCidr } from '../../base/ip/index.ts';
import type { Cidr } from '../../base/ip/index.ts';
import { WIREGUARD_PROTOCOL, WIREGUARD_TABLE } from '../../core/wireguard/index.ts';
import type {
  WireguardRoute,
  WireguardRule,
  WireguardTunnel,
  WireguardTunnelPeer,
} from '../../core/wireguard/index.ts';
import type { Netlink, NetworkChange, RouteEntry } from '../../host/netlink/port.ts';
import { NO_KEY } from '../../host/wireguard/port.ts';
import type { WireguardDevice, WireguardPeerChange } from '../../host/wireguard/port.ts';

/** The routes and rules of WireGuard, in the shape that derivation gives them. */
export interface WireguardTables {
  readonly routes: readonly WireguardRoute[];
  readonly rules: readonly WireguardRule[];
}

/** A peer, and the secret that both sides have besides their keys, if there is one. */
type KeyedPeer = WireguardTunnelPeer & { readonly presharedKey?: string };

/** What of WireGuard's routes and rules the kernel holds. */
export function dumpTables(netlink: Netlink): WireguardTables {
  const names = new Map(netlink.links().map(({ index, name }) => [index, name]));
  const own = { protocol: WIREGUARD_PROTOCOL } as const;
  return {
    routes: netlink.routes({ ...own, table: WIREGUARD_TABLE }).flatMap((route) => routeOf(route, names) ?? []),
    rules: netlink
      .rules(own)
      .flatMap(({ family, priority, from, table }) =>
        from === undefined ? [] : [{ family, priority, from, table, ...own }],
      ),
  };
}

/** Undefined for what is never desired and so is to be replaced: another type, or a link that is gone. */
function routeOf(
  { destination, type, link, mtu }: RouteEntry,
  names: ReadonlyMap<number, string>,
): WireguardRoute | undefined {
  const own = { destination, table: WIREGUARD_TABLE, protocol: WIREGUARD_PROTOCOL } as const;
  if (type === 'throw') return { ...own, type };
  const name = link === undefined ? undefined : names.get(link);
  if (type !== 'unicast' || name === undefined) return undefined;
  return { ...own, type, link: name, scope: 'link', ...(mtu === undefined ? {} : { mtu }) };
}

/** The changes that make the tables what they should be: routes come before the rules that lead to them, and go after. */
export function diffTables(desired: WireguardTables, actual: WireguardTables): readonly NetworkChange[] {
  const routes = compare(desired.routes, actual.routes, ({ destination }) => formatCidr(destination), routeText);
  const rules = compare(desired.rules, actual.rules, ruleText, ruleText);
  return [
    ...routes.set.map((route) => ({ kind: 'replace-route', route }) as const),
    ...rules.set.map((rule) => ({ kind: 'add-rule', rule }) as const),
    ...rules.gone.map((rule) => ({ kind: 'delete-rule', rule }) as const),
    ...routes.gone.map((route) => ({ kind: 'delete-route', route }) as const),
  ];
}

/**
 * The changes that give a device the peers that it should have. Where a peer's packets really come from, the kernel finds
 * out by itself, so that an address counts only when it is not what it was `before`. `keepalive` says how often, in
 * seconds, a peer is to be sent something in any case.
 */
export function peerChanges(
  desired: readonly KeyedPeer[],
  { peers: actual }: WireguardDevice,
  before: Pick<WireguardTunnel, 'peers'> | undefined,
  keepalive: (peer: WireguardTunnelPeer) => number,
): readonly WireguardPeerChange[] {
  const known = new Map(actual.map((peer) => [peer.publicKey, peer]));
  const told = new Map(before?.peers.map((peer) => [peer.publicKey, peer]));
  const wanted = new Set(desired.map(({ publicKey }) => publicKey));
  const set = desired.flatMap((peer): readonly WireguardPeerChange[] => {
    const { publicKey, endpoint, allowedIps, presharedKey = NO_KEY } = peer;
    const there = known.get(publicKey);
    const last = told.get(publicKey)?.endpoint ?? there?.endpoint;
    const moved =
      there === undefined || last === undefined || last.port !== endpoint.port || !equalIp(last.ip, endpoint.ip);
    const keepaliveSeconds = keepalive(peer);
    const secret = (there?.presharedKey ?? NO_KEY) === presharedKey ? {} : { presharedKey };
    const same = there?.keepaliveSeconds === keepaliveSeconds && sameNetworks(there.allowedIps, allowedIps);
    if (same && !moved && Object.keys(secret).length === 0) return [];
    return [{ publicKey, allowedIps, keepaliveSeconds, ...secret, ...(moved ? { endpoint } : {}) }];
  });
  const gone = actual.filter(({ publicKey }) => !wanted.has(publicKey));
  // First the new: a network that passes from one key to another is never without a peer.
  return [...set, ...gone.map(({ publicKey }) => ({ publicKey, remove: true }) as const)];
}

function compare<T>(
  desired: readonly T[],
  actual: readonly T[],
  keyOf: (item: T) => string,
  textOf: (item: T) => string,
): { readonly set: readonly T[]; readonly gone: readonly T[] } {
  const present = new Map(actual.map((item) => [keyOf(item), item]));
  const wanted = new Set(desired.map(keyOf));
  const set = desired.filter((item) => {
    const there = present.get(keyOf(item));
    return there === undefined || textOf(there) !== textOf(item);
  });
  return { set, gone: actual.filter((item) => !wanted.has(keyOf(item))) };
}

function routeText({ destination, type, link, mtu }: WireguardRoute): string {
  return `${type} ${formatCidr(destination)} ${link ?? ''} ${mtu ?? ''}`;
}

function ruleText({ family, priority, from, table }: WireguardRule): string {
  return `${family} ${priority} ${formatCidr(from)} ${table}`;
}

function sameNetworks(a: readonly Cidr[], b: readonly Cidr[]): boolean {
  const texts = new Set(a.map(formatCidr));
  return a.length === b.length && b.every((cidr) => texts.has(formatCidr(cidr)));
}
