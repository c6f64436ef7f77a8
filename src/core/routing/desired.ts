import { formatIp, hostCidr } from '../../base/ip/index.ts';
import type { Cidr, Family } from '../../base/ip/index.ts';
import { noPath } from './backend.ts';
import type { Backend, PeerPath } from './backend.ts';
import { BACKENDS } from './backends/backend-table.ts';
import {
  RETURN_RULE_PRIORITY,
  ROUTE_PROTOCOL,
  VXLAN_DEVICE,
  VXLAN_OVERHEAD,
  VXLAN_PORT,
  VXLAN_VNI,
} from './constants.ts';
import { RETURN_MARK_MASK, returnMarks, returnTable } from './return-marks.ts';
import type {
  DesiredFdbEntry,
  DesiredNeighbour,
  DesiredNetwork,
  DesiredRoute,
  DesiredVxlan,
  LocalEndpoint,
  ReturnPeer,
  RoutingInput,
  RoutingNode,
  RoutingProblem,
} from './types.ts';
import { vtepMac } from './vtep-mac.ts';

/**
 * What the kernel of `input.node` should hold so that every pod is reachable: the tunnel device, a route per foreign
 * block and per address that lives outside its block, a blackhole per own block (so that addresses nobody has do not
 * leave the node), and a host route with its neighbour entry per local pod. Without an entry for this node in `nodes`
 * only local things are desired.
 */
export function desiredNetwork(input: RoutingInput): DesiredNetwork {
  const backend = BACKENDS[input.backend];
  const self = input.nodes.get(input.node);
  const peers = new PeerPaths(input, backend, self);
  const routes = [
    ...input.endpoints.flatMap(endpointRoutes),
    ...input.blocks.flatMap((block) => [
      ...(block.node === undefined ? [] : peers.routesTo(block.node, block.cidr)),
      ...block.elsewhere.flatMap(({ ip, node }) => (node === input.node ? [] : peers.routesTo(node, hostCidr(ip)))),
    ]),
  ];
  const back = peers.returnPaths();
  const vxlan = backend.tunnels && self !== undefined ? vxlanDevice(input, self) : undefined;
  return {
    vxlan,
    addresses:
      vxlan === undefined || self === undefined
        ? []
        : self.tunnelAddresses.map((ip) => ({ link: vxlan.name, address: hostCidr(ip) })),
    routes: unique(routes, ({ destination }) => `${formatIp(destination.ip)}/${destination.prefix}`),
    neighbours: [...input.endpoints.flatMap(endpointNeighbours), ...peers.neighbours()],
    fdb: peers.fdb(),
    rules: back.map(({ family, mark }) => ({
      family,
      priority: RETURN_RULE_PRIORITY,
      mark: { value: mark, mask: RETURN_MARK_MASK },
      table: returnTable(mark),
      protocol: ROUTE_PROTOCOL,
    })),
    returnRoutes: back.map(({ route }) => route),
    returnPeers: returnPeers(back),
    looseLinks: [
      ...(vxlan === undefined ? [] : [vxlan.name]),
      // Pods that keep their address come to a node's own by the underlay, and are answered through the tunnel.
      ...(input.plainSources === true || back.some(({ path }) => path.kind === 'direct') ? input.underlay.links : []),
    ],
    podMtu: input.configuredMtu > 0 ? input.configuredMtu : peers.smallestMtu(),
    problems: peers.problems(),
  };
}

interface ReturnPath extends ReturnPeer {
  readonly family: Family;
  readonly path: PeerPath;
  readonly route: DesiredRoute;
}

const FAMILIES: readonly Family[] = [4, 6];

/** Every address of a family. */
const ANYWHERE: Readonly<Record<Family, Cidr>> = {
  4: { ip: { family: 4, value: 0n }, prefix: 0 },
  6: { ip: { family: 6, value: 0n }, prefix: 0 },
};

/** The paths to all peers, found once per peer and family. */
class PeerPaths {
  readonly #input: RoutingInput;
  readonly #backend: Backend;
  readonly #self: RoutingNode | undefined;
  readonly #paths = new Map<string, { readonly node: string; readonly path: PeerPath }>();

  constructor(input: RoutingInput, backend: Backend, self: RoutingNode | undefined) {
    this.#input = input;
    this.#backend = backend;
    this.#self = self;
  }

  routesTo(node: string, destination: Cidr): readonly DesiredRoute[] {
    if (node === this.#input.node) return [{ destination, type: 'blackhole', protocol: ROUTE_PROTOCOL }];
    const path = this.#pathTo(node, destination.ip.family);
    switch (path.kind) {
      case 'direct':
        return [{ destination, type: 'unicast', via: path.via, protocol: ROUTE_PROTOCOL }];
      case 'tunnel': {
        const mtu = this.#mtuTo(node, path);
        return [
          {
            destination,
            type: 'unicast',
            via: path.via,
            link: VXLAN_DEVICE,
            onlink: true,
            protocol: ROUTE_PROTOCOL,
            ...(mtu < deviceMtu(this.#input, path.remote.family) ? { mtu } : {}),
          },
        ];
      }
      case 'problem':
        return [];
    }
  }

  /** The way back for connections that come here through each peer that can be recognised, whether it has pods or not. */
  returnPaths(): readonly ReturnPath[] {
    const peers = [...this.#input.nodes.values()].filter(({ name }) => name !== this.#input.node);
    const marks = returnMarks(peers.map(({ name }) => name));
    return peers.flatMap((peer) =>
      FAMILIES.flatMap((family) => {
        const mark = marks.get(peer.name);
        const macs = this.#returnMacs(peer, family);
        if (mark === undefined || macs.length === 0) return [];
        const path = this.#pathTo(peer.name, family);
        const [route] = this.routesTo(peer.name, ANYWHERE[family]);
        if (route === undefined) return [];
        return [{ node: peer.name, macs, mark, family, path, route: { ...route, table: returnTable(mark) } }];
      }),
    );
  }

  /** The hardware addresses that the peer's packets have here; none when it has no path, which by itself is no problem. */
  #returnMacs(peer: RoutingNode, family: Family): readonly string[] {
    switch (this.#findPath(peer.name, family).kind) {
      case 'direct':
        return peer.underlayMacs ?? [];
      case 'tunnel':
        return this.#self?.tunnelAddresses.some((each) => each.family === family) ? [this.#macOf(peer.name)] : [];
      case 'problem':
        return [];
    }
  }

  neighbours(): readonly DesiredNeighbour[] {
    const entries = this.#tunnels().map(({ node, path }) => ({
      link: VXLAN_DEVICE,
      ip: path.via,
      mac: this.#macOf(node),
    }));
    return unique(entries, ({ ip }) => formatIp(ip));
  }

  fdb(): readonly DesiredFdbEntry[] {
    const entries = this.#tunnels().map(({ node, path }) => ({
      link: VXLAN_DEVICE,
      mac: this.#macOf(node),
      remote: path.remote,
    }));
    return unique(entries, ({ mac }) => mac);
  }

  /**
   * The MTU that fits every path. A backend that may wrap counts the tunnel even before it has peers, because pods
   * keep the MTU that they were born with.
   */
  smallestMtu(): number {
    const family = this.#self?.addresses[0]?.family ?? 4;
    let smallest = this.#backend.tunnels ? deviceMtu(this.#input, family) : this.#input.underlay.mtu;
    for (const { node, path } of this.#paths.values())
      if (path.kind !== 'problem') smallest = Math.min(smallest, this.#mtuTo(node, path));
    return smallest;
  }

  problems(): readonly RoutingProblem[] {
    return [...this.#paths.values()].flatMap(({ path }) => (path.kind === 'problem' ? [path.problem] : []));
  }

  #pathTo(node: string, family: Family): PeerPath {
    const key = `${family} ${node}`;
    const known = this.#paths.get(key)?.path;
    if (known !== undefined) return known;
    const path = this.#findPath(node, family);
    this.#paths.set(key, { node, path });
    return path;
  }

  #findPath(node: string, family: Family): PeerPath {
    const peer = this.#input.nodes.get(node);
    if (peer === undefined)
      return noPath(node, 'unknown-node', `a block belongs to node ${node}, which the cluster does not have`);
    if (this.#self === undefined)
      return noPath(node, 'unknown-node', `this node, ${this.#input.node}, is not in the cluster yet`);
    return this.#backend.pathTo({ self: this.#self, peer, family, underlay: this.#input.underlay });
  }

  #tunnels(): readonly { readonly node: string; readonly path: Extract<PeerPath, { kind: 'tunnel' }> }[] {
    return [...this.#paths.values()].flatMap(({ node, path }) => (path.kind === 'tunnel' ? [{ node, path }] : []));
  }

  #mtuTo(node: string, path: Exclude<PeerPath, { kind: 'problem' }>): number {
    const route = this.#input.underlay.peerMtu.get(node) ?? this.#input.underlay.mtu;
    return path.kind === 'tunnel' ? route - VXLAN_OVERHEAD[path.remote.family] : route;
  }

  #macOf(node: string): string {
    return this.#input.nodes.get(node)?.vtepMac ?? vtepMac(node);
  }
}

function vxlanDevice(input: RoutingInput, self: RoutingNode): DesiredVxlan | undefined {
  const local = self.addresses[0];
  if (local === undefined) return undefined;
  return {
    name: VXLAN_DEVICE,
    mac: self.vtepMac ?? vtepMac(self.name),
    mtu: deviceMtu(input, local.family),
    vni: VXLAN_VNI,
    port: VXLAN_PORT,
    local,
  };
}

function deviceMtu(input: RoutingInput, family: Family): number {
  return input.underlay.mtu - VXLAN_OVERHEAD[family];
}

function endpointRoutes({ interface: link, addresses }: LocalEndpoint): readonly DesiredRoute[] {
  return addresses.map((ip) => ({
    destination: hostCidr(ip),
    type: 'unicast',
    link,
    scope: 'link',
    protocol: ROUTE_PROTOCOL,
  }));
}

/** The pod is never asked for its address: its end of the pair is known, and a silent pod is still reachable. */
function endpointNeighbours({ interface: link, mac, addresses }: LocalEndpoint): readonly DesiredNeighbour[] {
  return addresses.map((ip) => ({ link, ip, mac }));
}

/** One entry for each peer, however many families lead to it. */
function returnPeers(paths: readonly ReturnPath[]): readonly ReturnPeer[] {
  const peers = new Map<string, ReturnPeer>();
  for (const { node, macs, mark } of paths)
    peers.set(node, { node, mark, macs: [...new Set([...(peers.get(node)?.macs ?? []), ...macs])] });
  return [...peers.values()];
}

/** The first of each key, so that a local pod's own route wins over what a stale block says of its address. */
function unique<T>(items: readonly T[], keyOf: (item: T) => string): readonly T[] {
  const byKey = new Map<string, T>();
  for (const item of items) if (!byKey.has(keyOf(item))) byKey.set(keyOf(item), item);
  return [...byKey.values()];
}
