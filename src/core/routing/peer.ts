import type { Cidr, Family } from '../../base/ip/index.ts';
import { noPath } from './backend.ts';
import type { PeerPath, TunnelPath } from './backend.ts';
import { BACKENDS } from './backends/backend-table.ts';
import { ROUTE_PROTOCOL } from './constants.ts';
import type { BackendName, DesiredRoute, RoutingInput, RoutingNode } from './types.ts';

/** What all paths of a node depend on besides the peer. */
export interface Scene {
  /** This node; undefined while the cluster does not have it. */
  readonly self: RoutingNode | undefined;
  readonly name: string;
  readonly underlay: RoutingInput['underlay'];
  readonly settings: RoutingInput['settings'];
  readonly missingDevices: RoutingInput['missingDevices'] & {};
}

/** One other node and the paths to it, each found when it is first asked for. */
export class Peer {
  readonly name: string;
  /** Undefined for a name that the cluster does not have. */
  readonly node: RoutingNode | undefined;
  /** MTU of the route to it. */
  readonly mtu: number;
  readonly scene: Scene;
  readonly #paths = new Map<string, PeerPath>();

  constructor(name: string, node: RoutingNode | undefined, mtu: number, scene: Scene) {
    this.name = name;
    this.node = node;
    this.mtu = mtu;
    this.scene = scene;
  }

  /** Whether the paths are those that a new one would find. */
  isSame(node: RoutingNode, mtu: number, scene: Scene): boolean {
    return this.node === node && this.mtu === mtu && this.scene === scene;
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
    return path.kind === 'tunnel' ? this.mtu - path.overhead : this.mtu;
  }

  /** The route along a path; undefined when it is not ours to make. */
  routeTo(destination: Cidr, path: PeerPath): DesiredRoute | undefined {
    switch (path.kind) {
      case 'direct':
        return { destination, type: 'unicast', via: path.via, protocol: ROUTE_PROTOCOL, ...this.#narrow(this.mtu, 0) };
      case 'tunnel':
        return this.#tunnelRoute(destination, path);
      case 'foreign':
      case 'problem':
        return undefined;
    }
  }

  /** The hardware addresses that packets of the peer's have here when they come along a path of this backend. */
  macsBy(backend: BackendName, family: Family): readonly string[] {
    const path = this.pathBy(backend, family);
    if (path.kind === 'direct') return this.node?.underlayMacs ?? [];
    if (path.kind !== 'tunnel' || path.bridge === undefined) return [];
    const own = this.scene.self?.tunnelAddresses[BACKENDS[backend].tunnel ?? 'vxlan'] ?? [];
    return own.some((each) => each.family === family) ? [path.bridge.mac] : [];
  }

  #tunnelRoute(destination: Cidr, path: TunnelPath): DesiredRoute {
    return {
      destination,
      type: 'unicast',
      ...(path.via === undefined ? { scope: 'link' } : { via: path.via, onlink: true }),
      link: path.device,
      protocol: ROUTE_PROTOCOL,
      ...this.#narrow(this.mtuOf(path), path.overhead),
    };
  }

  /** As much as the device has needs no mention. */
  #narrow(mtu: number, overhead: number): { readonly mtu?: number } {
    return mtu < this.scene.underlay.mtu - overhead ? { mtu } : {};
  }

  #findPath(backend: BackendName, family: Family): PeerPath {
    const { self, name, underlay, settings } = this.scene;
    if (this.node === undefined)
      return noPath(this.name, 'unknown-node', `a block belongs to node ${this.name}, which the cluster does not have`);
    if (self === undefined) return noPath(this.name, 'unknown-node', `this node, ${name}, is not in the cluster yet`);
    const path = BACKENDS[backend].pathTo({ self, peer: this.node, family, underlay, settings });
    const problem = path.kind === 'tunnel' ? this.scene.missingDevices.get(path.device) : undefined;
    return problem === undefined ? path : { kind: 'problem', problem };
  }
}
