import { cidrContains, formatIp, parseCidr } from '../../base/ip/index.ts';
import type { Cidr, Family, Ip } from '../../base/ip/index.ts';
import { FLANNEL_WIREGUARD_DEVICES } from '../routing/index.ts';
import type { RoutingProblem } from '../routing/index.ts';
import type { WireguardTunnelPeer } from '../wireguard/index.ts';
import { FAMILIES } from './lease.ts';
import type { FamilyLease, FlannelLease, LeaseReading } from './lease.ts';
import type { NetConf } from './net-conf.ts';
import type { FlannelWireguardBackend } from './net-conf-wireguard.ts';

/** A network whose backend is `wireguard`. */
export type WireguardNetConf = NetConf & { readonly backend: FlannelWireguardBackend };

/** A device of a node of such a network, and whom it leads to. */
export interface FlannelTunnel {
  readonly device: string;
  readonly port: number;
  readonly peers: readonly WireguardTunnelPeer[];
}

/** What leases of such a network make of a node. */
export interface FlannelTunnels {
  readonly tunnels: readonly FlannelTunnel[];
  readonly problems: readonly RoutingProblem[];
}

/** Addresses that lead nowhere outside of somebody's own network, as Go's `IsPrivate` has it (RFC 1918, RFC 4193). */
const PRIVATE: readonly Cidr[] = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'].map((text) =>
  parseCidr(text)!,
);

/** The devices of `node` with their peers: every other node whose lease, by name in `leases`, says a key that nobody has elsewhere. */
export function wireguardTunnels(
  netConf: WireguardNetConf,
  node: string,
  leases: ReadonlyMap<string, LeaseReading>,
): FlannelTunnels {
  const { backend } = netConf;
  const own = leases.get(node)?.lease;
  const speaking = [...leases].flatMap(([name, { lease }]) =>
    lease?.backendType === backend.type ? [[name, servedOf(lease, netConf)] as const] : [],
  );
  const shared = sharedKeys(speaking);
  const ownKey = own && keyOf(own.families);
  const others = speaking.filter(([, lease]) => keyOf(lease) !== ownKey && !shared.has(keyOf(lease) ?? ''));
  const tunnel = (family: Family, peers: readonly WireguardTunnelPeer[]): FlannelTunnel => ({
    device: FLANNEL_WIREGUARD_DEVICES[family],
    port: backend.ports[family],
    peers: merged(peers),
  });
  const tunnels =
    backend.mode === 'separate'
      ? FAMILIES.filter((family) => netConf.networks[family] !== undefined).map((family) =>
          tunnel(
            family,
            others.flatMap(([name, lease]) =>
              peerOf(name, [lease[family]], lease[family]?.publicIp, backend.ports[family]),
            ),
          ),
        )
      : [
          tunnel(
            4,
            others.flatMap(([name, lease]) =>
              peerOf(name, [lease[6], lease[4]], endpointOf(backend.mode, lease, own), backend.ports[4]),
            ),
          ),
        ];
  const problems = [...shared.values()].map((names): RoutingProblem => ({
    peer: names.find((name) => name !== node)!,
    code: 'bad-lease',
    message: `nodes ${names.join(', ')} of flannel's network have the same WireGuard key, perhaps from one disk image: their pods cannot be reached`,
  }));
  return { tunnels, problems };
}

type ServedFamilies = FlannelLease['families'];

/** What a lease has of the families that the network has. */
function servedOf({ families }: FlannelLease, { networks }: NetConf): ServedFamilies {
  return Object.fromEntries(
    FAMILIES.flatMap((family) => {
      const lease = networks[family] && families[family];
      return lease === undefined ? [] : [[family, lease]];
    }),
  );
}

/** A node has one key for both families. */
function keyOf(lease: ServedFamilies): string | undefined {
  return lease[6]?.publicKey ?? lease[4]?.publicKey;
}

/**
 * Keys that nodes say at several places, with the nodes' names. At one place they are one machine, that has another name
 * than before.
 */
function sharedKeys(leases: readonly (readonly [string, ServedFamilies])[]): ReadonlyMap<string, readonly string[]> {
  const owners = new Map<string, { names: string[]; places: Set<string> }>();
  for (const [name, lease] of leases) {
    const key = keyOf(lease);
    if (key === undefined) continue;
    const { names, places } = owners.get(key) ?? { names: [], places: new Set() };
    places.add(
      Object.values(lease)
        .map(({ publicIp }) => formatIp(publicIp))
        .join(),
    );
    owners.set(key, { names: [...names, name], places });
  }
  return new Map(
    [...owners].filter(([, { places }]) => places.size > 1).map(([key, { names }]) => [key, names.toSorted()]),
  );
}

/** One peer of each key, with the networks of all that have it. */
function merged(peers: readonly WireguardTunnelPeer[]): readonly WireguardTunnelPeer[] {
  const byKey = new Map<string, WireguardTunnelPeer>();
  for (const peer of peers) {
    const known = byKey.get(peer.publicKey);
    const allowedIps = [...(known?.allowedIps ?? []), ...peer.allowedIps];
    byKey.set(peer.publicKey, { ...peer, allowedIps });
  }
  return [...byKey.values()];
}

/** The key is the first one's that has one, as flannel takes IPv6's before IPv4's. */
function peerOf(
  node: string,
  leases: readonly (FamilyLease | undefined)[],
  ip: Ip | undefined,
  port: number,
): readonly WireguardTunnelPeer[] {
  const present = leases.filter((lease) => lease !== undefined);
  const publicKey = present.find((lease) => lease.publicKey !== undefined)?.publicKey;
  if (publicKey === undefined || ip === undefined) return [];
  return [{ node, publicKey, endpoint: { ip, port }, allowedIps: present.map(({ subnet }) => subnet) }];
}

/**
 * Where a node is reached by a device for both families. Of two addresses flannel takes IPv4's where that is public, else
 * IPv6's where both ends have a public one, else IPv4's.
 */
function endpointOf(
  mode: FlannelWireguardBackend['mode'],
  { 4: v4, 6: v6 }: ServedFamilies,
  own: FlannelLease | undefined,
): Ip | undefined {
  if (mode === 'ipv4') return v4?.publicIp;
  if (mode === 'ipv6') return v6?.publicIp;
  if (v4 === undefined || v6 === undefined) return (v4 ?? v6)?.publicIp;
  const [own4, own6] = FAMILIES.map((family) => own?.families[family]?.publicIp);
  if (!isPrivate(v4.publicIp) && own4 !== undefined) return v4.publicIp;
  return !isPrivate(v6.publicIp) && own6 !== undefined && !isPrivate(own6) ? v6.publicIp : v4.publicIp;
}

function isPrivate(ip: Ip): boolean {
  return PRIVATE.some((range) => range.ip.family === ip.family && cidrContains(range, ip));
}
