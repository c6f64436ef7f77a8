import { formatIp, hostCidr } from '../../base/ip/index.ts';
import type { Cidr, Family } from '../../base/ip/index.ts';
import { noPath } from './backend.ts';
import type { PeerPath, TunnelPath } from './backend.ts';
import { BACKENDS } from './backends/backend-table.ts';
import { RETURN_RULE_PRIORITY, ROUTE_PROTOCOL } from './constants.ts';
import { backendFor, backendsOfPools } from './pool-backend.ts';
import { RETURN_MARK_MASK, returnMarks, returnTable } from './return-marks.ts';
import type {
  BackendName,
  DesiredFdbEntry,
  DesiredLink,
  DesiredNeighbour,
  DesiredNetwork,
  DesiredRoute,
  LocalEndpoint,
  ReturnPeer,
  RoutingInput,
  RoutingNode,
  RoutingProblem,
} from './types.ts';

/**
 * What the kernel of `input.node` should hold so that every pod is reachable: tunnel devices, a route per foreign
 * block and per address that lives outside its block, a blackhole per own block (so that addresses nobody has do not
 * leave the node), and a host route with its neighbour entry per local pod. Without an entry for this node in `nodes`
 * only local things are desired.
 */
export function desiredNetwork(input: RoutingInput): DesiredNetwork {
  const self = input.nodes.get(input.node);
  const peers = new PeerPaths(input, self);
  const routes = [
    ...input.endpoints.flatMap(endpointRoutes),
    ...input.blocks.flatMap((block) => {
      const backend = backendFor(block.cidr, input.pools, input.backend);
      return [
        ...(block.node === undefined ? [] : peers.routesTo(block.node, block.cidr, backend)),
        ...block.elsewhere.flatMap(({ ip, node }) =>
          node === input.node ? [] : peers.routesTo(node, hostCidr(ip), backend),
        ),
      ];
    }),
  ];
  const back = peers.returnPaths();
  const links = peers.links();
  return {
    links,
    addresses: peers.linkAddresses(links),
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
      ...links.map(({ name }) => name),
      // Pods that keep their address come to a node's own by the underlay, and are answered through the tunnel.
      ...(input.plainSources === true || back.some(({ path }) => path.kind === 'direct') ? input.underlay.links : []),
    ],
    podMtu: input.configuredMtu > 0 ? input.configuredMtu : peers.smallestMtu(links),
    problems: peers.problems(),
  };
}

interface ReturnPath extends ReturnPeer {
  readonly family: Family;
  readonly path: PeerPath;
  readonly route: DesiredRoute;
}

/** A path that was looked for, of one backend. */
interface KnownPath {
  readonly node: string;
  readonly path: PeerPath;
}

const FAMILIES: readonly Family[] = [4, 6];

/** Every address of a family. */
const ANYWHERE: Readonly<Record<Family, Cidr>> = {
  4: { ip: { family: 4, value: 0n }, prefix: 0 },
  6: { ip: { family: 6, value: 0n }, prefix: 0 },
};

/** The paths to all peers, found once per peer, family and backend. */
class PeerPaths {
  readonly #input: RoutingInput;
  readonly #self: RoutingNode | undefined;
  readonly #paths = new Map<string, KnownPath>();
  /** Backends that some pool or block uses. */
  readonly #used: Set<BackendName>;

  constructor(input: RoutingInput, self: RoutingNode | undefined) {
    this.#input = input;
    this.#self = self;
    this.#used = new Set(FAMILIES.flatMap((family) => [...backendsOfPools(input.pools, input.backend, family)]));
  }

  routesTo(node: string, destination: Cidr, backend: BackendName): readonly DesiredRoute[] {
    if (node === this.#input.node) return [{ destination, type: 'blackhole', protocol: ROUTE_PROTOCOL }];
    this.#used.add(backend);
    return this.#routesVia(node, destination, this.#pathTo(node, destination.ip.family, backend));
  }

  /** The devices of all backends in use. */
  links(): readonly DesiredLink[] {
    const self = this.#self;
    if (self === undefined) return [];
    const { underlay, settings } = this.#input;
    const devices = [...this.#used].map((name) => BACKENDS[name].device?.({ self, underlay, settings }));
    return unique(
      devices.filter((device) => device !== undefined),
      ({ name }) => name,
    );
  }

  /** This node's addresses on its devices. */
  linkAddresses(links: readonly DesiredLink[]): DesiredNetwork['addresses'] {
    return links.flatMap(({ name, kind }) =>
      (this.#self?.tunnelAddresses[kind] ?? []).map((ip) => ({ link: name, address: hostCidr(ip) })),
    );
  }

  /** The way back for connections that come here through each peer that can be recognised, whether it has pods or not. */
  returnPaths(): readonly ReturnPath[] {
    const peers = [...this.#input.nodes.values()].filter(({ name }) => name !== this.#input.node);
    const marks = returnMarks(peers.map(({ name }) => name));
    return peers.flatMap((peer) => FAMILIES.flatMap((family) => this.#returnPath(peer, family, marks.get(peer.name))));
  }

  #returnPath(peer: RoutingNode, family: Family, mark: number | undefined): readonly ReturnPath[] {
    const backends = [...backendsOfPools(this.#input.pools, this.#input.backend, family)];
    const recognised = backends.filter((backend) => this.#macs(peer, family, backend).length > 0);
    const [first] = recognised;
    if (mark === undefined || first === undefined) return [];
    const path = this.#pathTo(peer.name, family, first);
    const [route] = this.#routesVia(peer.name, ANYWHERE[family], path);
    if (route === undefined) return [];
    const macs = recognised.flatMap((backend) => this.#macs(peer, family, backend));
    return [{ node: peer.name, macs, mark, family, path, route: { ...route, table: returnTable(mark) } }];
  }

  /** The hardware addresses that the peer's packets have here; none when it has no path, which by itself is no problem. */
  #macs(peer: RoutingNode, family: Family, backend: BackendName): readonly string[] {
    const path = this.#findPath(peer.name, family, backend);
    switch (path.kind) {
      case 'direct':
        return peer.underlayMacs ?? [];
      case 'tunnel': {
        const own = this.#self?.tunnelAddresses[BACKENDS[backend].tunnel ?? 'vxlan'] ?? [];
        return path.bridge !== undefined && own.some((each) => each.family === family) ? [path.bridge.mac] : [];
      }
      case 'foreign':
      case 'problem':
        return [];
    }
  }

  neighbours(): readonly DesiredNeighbour[] {
    const entries = this.#tunnels().flatMap(({ device: link, via: ip, bridge }) =>
      ip === undefined || bridge === undefined ? [] : [{ link, ip, mac: bridge.mac }],
    );
    return unique(entries, ({ link, ip }) => `${link} ${formatIp(ip)}`);
  }

  fdb(): readonly DesiredFdbEntry[] {
    const entries = this.#tunnels().flatMap(({ device: link, bridge }) =>
      bridge === undefined ? [] : [{ link, ...bridge }],
    );
    return unique(entries, ({ link, mac }) => `${link} ${mac}`);
  }

  /**
   * The MTU that fits every path. A backend that may wrap counts the tunnel even before it has peers, because pods
   * keep the MTU that they were born with.
   */
  smallestMtu(links: readonly DesiredLink[]): number {
    let smallest = Math.min(this.#input.underlay.mtu, ...links.map(({ mtu }) => mtu));
    for (const { node, path } of this.#paths.values()) smallest = Math.min(smallest, this.#mtuTo(node, path));
    return smallest;
  }

  problems(): readonly RoutingProblem[] {
    return [...this.#paths.values()].flatMap(({ path }) => (path.kind === 'problem' ? [path.problem] : []));
  }

  #routesVia(node: string, destination: Cidr, path: PeerPath): readonly DesiredRoute[] {
    switch (path.kind) {
      case 'direct':
        return [{ destination, type: 'unicast', via: path.via, protocol: ROUTE_PROTOCOL }];
      case 'tunnel': {
        const mtu = this.#mtuTo(node, path);
        return [
          {
            destination,
            type: 'unicast',
            ...(path.via === undefined ? { scope: 'link' } : { via: path.via, onlink: true }),
            link: path.device,
            protocol: ROUTE_PROTOCOL,
            ...(mtu < this.#input.underlay.mtu - path.overhead ? { mtu } : {}),
          },
        ];
      }
      case 'foreign':
      case 'problem':
        return [];
    }
  }

  #pathTo(node: string, family: Family, backend: BackendName): PeerPath {
    const key = `${backend} ${family} ${node}`;
    const known = this.#paths.get(key)?.path;
    if (known !== undefined) return known;
    const path = this.#findPath(node, family, backend);
    this.#paths.set(key, { node, path });
    return path;
  }

  #findPath(node: string, family: Family, backend: BackendName): PeerPath {
    const peer = this.#input.nodes.get(node);
    if (peer === undefined)
      return noPath(node, 'unknown-node', `a block belongs to node ${node}, which the cluster does not have`);
    if (this.#self === undefined)
      return noPath(node, 'unknown-node', `this node, ${this.#input.node}, is not in the cluster yet`);
    const { underlay, settings } = this.#input;
    return BACKENDS[backend].pathTo({ self: this.#self, peer, family, underlay, settings });
  }

  #tunnels(): readonly TunnelPath[] {
    return [...this.#paths.values()].flatMap(({ path }) => (path.kind === 'tunnel' ? [path] : []));
  }

  #mtuTo(node: string, path: PeerPath): number {
    const route = this.#input.underlay.peerMtu.get(node) ?? this.#input.underlay.mtu;
    return path.kind === 'tunnel' ? route - path.overhead : route;
  }
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
