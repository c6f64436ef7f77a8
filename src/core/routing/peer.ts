import type { Cidr, Family, Ip } from '../../base/ip/index.ts';
import { noPath } from './backend.ts';
import type { Backend, PeerPath, TunnelPath } from './backend.ts';
import { BACKENDS } from './backends/backend-table.ts';
import { ROUTE_PROTOCOL } from './constants.ts';
import { linkLocalOf } from './link-local.ts';
import { mtuTo } from './path-mtu.ts';
import type { BackendName, DesiredRoute, PeerMtu, RoutingInput, RoutingNode } from './types.ts';

/** What all paths of a node depend on besides the peer. */
export interface Scene {
  /** This node; undefined while the cluster does not have it. */
  readonly self: RoutingNode | undefined;
  readonly name: string;
  readonly underlay: RoutingInput['underlay'];
  readonly settings: RoutingInput['settings'];
  readonly missingDevices: RoutingInput['missingDevices'] & {};
}

/** What tells a peer's packets from others'. */
interface PeerSigns {
  readonly macs: readonly string[];
  readonly outers: readonly Ip[];
}

const NO_SIGNS: PeerSigns = { macs: [], outers: [] };

/** One other node and the paths to it, each found when it is first asked for. */
export class Peer {
  readonly name: string;
  /** Undefined for a name that the cluster does not have. */
  readonly node: RoutingNode | undefined;
  readonly #mtus: PeerMtu | undefined;
  readonly scene: Scene;
  readonly #paths = new Map<string, PeerPath>();

  constructor(name: string, node: RoutingNode | undefined, mtus: PeerMtu | undefined, scene: Scene) {
    this.name = name;
    this.node = node;
    this.#mtus = mtus;
    this.scene = scene;
  }

  /** Whether the paths are those that a new one would find. */
  isSame(node: RoutingNode, mtus: PeerMtu | undefined, scene: Scene): boolean {
    const sameMtus = this.#mtus?.[4] === mtus?.[4] && this.#mtus?.[6] === mtus?.[6];
    return this.node === node && sameMtus && this.scene === scene;
  }

  pathBy(backend: BackendName, family: Family): PeerPath {
    const key = `${backend} ${family}`;
    const known = this.#paths.get(key);
    if (known !== undefined) return known;
    const path = this.#findPath(backend, family);
    this.#paths.set(key, path);
    return path;
  }

  /** The largest packet that fits a path. */
  mtuOf(path: PeerPath): number {
    const outer = mtuTo(this.#mtus, this.scene.underlay.mtu, outerFamily(path));
    return path.kind === 'tunnel' ? Math.min(outer - path.overhead, path.deviceMtu ?? Infinity) : outer;
  }

  /** The route along a path; undefined when it is not ours to make. */
  routeTo(destination: Cidr, path: PeerPath): DesiredRoute | undefined {
    switch (path.kind) {
      case 'direct':
        return {
          destination,
          type: 'unicast',
          via: path.via,
          protocol: ROUTE_PROTOCOL,
          ...narrow(this.mtuOf(path), this.scene.underlay.mtu),
        };
      case 'tunnel':
        return this.#tunnelRoute(destination, path);
      case 'foreign':
      case 'problem':
        return undefined;
    }
  }

  /** The way back along which answers reach the peer for connections that came through it. */
  backBy(backend: BackendName, family: Family): PeerPath {
    const { backTo } = BACKENDS[backend];
    return backTo === undefined ? this.pathBy(backend, family) : this.#followPath(backTo, family);
  }

  /** By what packets of the peer's are known here when they come along a path of this backend. */
  signsBy(backend: BackendName, family: Family): PeerSigns {
    const path = this.backBy(backend, family);
    if (path.kind === 'direct') return { ...NO_SIGNS, macs: this.node?.underlayMacs ?? [] };
    if (path.kind !== 'tunnel') return NO_SIGNS;
    const own = this.scene.self?.tunnelAddresses[BACKENDS[backend].tunnel ?? 'vxlan'] ?? [];
    if (!own.some((each) => each.family === family)) return NO_SIGNS;
    return {
      macs: path.bridge === undefined ? [] : [path.bridge.mac],
      outers: path.outer === undefined ? [] : [path.outer],
    };
  }

  /** The next hops that are the peer itself, which knows what this node sends there by its hardware address. */
  hopsBy(backend: BackendName, family: Family): readonly Ip[] {
    const path = this.backBy(backend, family);
    if (path.kind !== 'direct' || (this.scene.self?.underlayMacs ?? []).length === 0) return [];
    return [path.via, ...(family === 6 ? (this.node?.underlayMacs ?? []).map(linkLocalOf) : [])];
  }

  #tunnelRoute(destination: Cidr, path: TunnelPath): DesiredRoute {
    return {
      destination,
      type: 'unicast',
      ...(path.via === undefined ? { scope: 'link' } : { via: path.via, onlink: true }),
      link: path.device,
      protocol: ROUTE_PROTOCOL,
      ...narrow(this.mtuOf(path), path.deviceMtu ?? this.scene.underlay.mtu - path.overhead),
    };
  }

  #findPath(backend: BackendName, family: Family): PeerPath {
    return this.#followPath(BACKENDS[backend].pathTo, family);
  }

  #followPath(pathTo: Backend['pathTo'], family: Family): PeerPath {
    const { self, name, underlay, settings } = this.scene;
    if (this.node === undefined)
      return noPath(this.name, 'unknown-node', `a block belongs to node ${this.name}, which the cluster does not have`);
    if (self === undefined) return noPath(this.name, 'unknown-node', `this node, ${name}, is not in the cluster yet`);
    const path = pathTo({ self, peer: this.node, family, underlay, settings });
    const problem = path.kind === 'tunnel' ? this.scene.missingDevices.get(path.device) : undefined;
    return problem === undefined ? path : { kind: 'problem', problem };
  }
}

/** Of the address that packets on the path go to; undefined where whoever carries them chooses. */
function outerFamily(path: PeerPath): Family | undefined {
  if (path.kind === 'direct') return path.via.family;
  return path.kind === 'tunnel' ? (path.bridge?.remote ?? path.outer)?.family : undefined;
}

/** As much as the device has needs no mention. */
function narrow(mtu: number, device: number): { readonly mtu?: number } {
  return mtu < device ? { mtu } : {};
}
