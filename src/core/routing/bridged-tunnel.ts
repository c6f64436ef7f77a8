import type { Family, Ip } from '../../base/ip/index.ts';
import { addressOf, noPath } from './backend.ts';
import type { Backend, PeerPath } from './backend.ts';
import type { DesiredLink, RoutingInput, RoutingNode, TunnelKind } from './types.ts';

/** A tunnel device that carries Ethernet, for a backend that wraps everything between nodes. */
export interface BridgedDevice {
  readonly tunnel: TunnelKind;
  readonly name: string;
  /** Bytes that wrapping adds, by the family of the outer packet. */
  readonly overhead: Readonly<Record<Family, number>>;
  /** MTU that somebody has set, by the family of the outer packet; absent: what the underlay leaves. */
  readonly mtu?: (settings: RoutingInput['settings'], family: Family) => number | undefined;
  /** Hardware address of a node's end. */
  readonly macOf: (node: RoutingNode) => string;
  readonly link: (
    end: { readonly name: string; readonly mac: string; readonly mtu: number; readonly local: Ip },
    settings: RoutingInput['settings'],
  ) => DesiredLink;
}

/**
 * The backend of such a device: one carries both families, over the first address of the node, and the next hop's
 * hardware address picks the peer. Both ends must have an address of the family that carries this node's tunnel.
 */
export function bridgedTunnel({ tunnel, name, overhead, mtu: mtuSet, macOf, link }: BridgedDevice): Backend {
  return {
    tunnel,
    carriedBy: 'first-family',
    device: ({ self, underlay, settings }) => {
      const [local] = self.addresses;
      if (local === undefined) return undefined;
      const mtu = mtuSet?.(settings, local.family) ?? underlay.mtu - overhead[local.family];
      return link({ name, mac: macOf(self), mtu, local }, settings);
    },
    pathTo: ({ self, peer, family, settings }): PeerPath => {
      const local = self.addresses[0];
      const remote = local === undefined ? undefined : addressOf(peer, local.family);
      if (local === undefined || remote === undefined)
        return noPath(
          peer.name,
          'no-address',
          `node ${peer.name} has no IPv${local?.family ?? 4} InternalIP, which tunnels from ${self.name} need`,
        );
      // Not the peer's own address: IPv6 refuses a next hop on the tunnel that another link leads to as well.
      const via = peer.tunnelAddresses[tunnel]?.find((address) => address.family === family);
      if (via === undefined)
        return noPath(
          peer.name,
          'no-address',
          `node ${peer.name} has not published an IPv${family} tunnel address yet, so its IPv${family} pods have no next hop`,
        );
      const bridge = { mac: macOf(peer), remote };
      const deviceMtu = mtuSet?.(settings, remote.family);
      return { kind: 'tunnel', device: name, overhead: overhead[remote.family], deviceMtu, via, bridge };
    },
  };
}
