import { SluiceError } from '../../base/errors.ts';
import { cidrCovers, formatCidr } from '../../base/ip/index.ts';
import type { Cidr } from '../../base/ip/index.ts';
import { FAMILIES, FlannelPeers, nodeAnnotations } from '../../core/flannel/index.ts';
import type { LeaseReading, NetConf } from '../../core/flannel/index.ts';
import type { RoutingInput } from '../../core/routing/index.ts';
import type { Flannel, FlannelDependencies } from './flannel.ts';
import { FlannelSelf } from './flannel-self.ts';
import type { FlannelParts } from './flannel-parts.ts';
import type { FlannelSubnetFile } from './flannel-subnet-file.ts';
import type { FlannelWireguard } from './flannel-wireguard.ts';
import type { KnownNode } from './routing-objects.ts';

/** Leases are what the Node objects' annotations and podCIDRs say. */
export class AnnotatedFlannel implements Flannel {
  readonly done = Promise.resolve();
  readonly #node: string;
  readonly #netConf: NetConf;
  readonly #dependencies: FlannelDependencies;
  readonly #self: FlannelSelf;
  readonly #peers: FlannelPeers;
  readonly #file: FlannelSubnetFile;
  readonly #wireguard: FlannelWireguard | undefined;

  constructor(node: string, netConf: NetConf, { file, wireguard }: FlannelParts, dependencies: FlannelDependencies) {
    this.#node = node;
    this.#netConf = netConf;
    this.#file = file;
    this.#wireguard = wireguard;
    this.#dependencies = dependencies;
    this.#self = new FlannelSelf(node, netConf, { ...dependencies, publicKey: wireguard?.publicKey });
    this.#peers = new FlannelPeers(netConf);
  }

  /** Throws `no-pod-cidr`. */
  subnets({ podCidrs }: Pick<KnownNode, 'podCidrs'>): readonly Cidr[] {
    return FAMILIES.flatMap((family) => {
      const network = this.#netConf.networks[family];
      if (network === undefined) return [];
      const subnet = podCidrs.find(({ ip }) => ip.family === family);
      if (subnet === undefined)
        throw new SluiceError(
          'no-pod-cidr',
          `node ${this.#node} has no IPv${family} podCIDR, which a flannel network needs: ` +
            'kube-controller-manager gives them with --allocate-node-cidrs',
        );
      if (!cidrCovers(network, subnet))
        throw new SluiceError(
          'no-pod-cidr',
          `node ${this.#node} has podCIDR ${formatCidr(subnet)}, which is not in flannel's network ${formatCidr(network)}`,
        );
      return [subnet];
    });
  }

  annotations(known: KnownNode): Readonly<Record<string, string>> {
    const lease = this.#self.lease(known, known.podCidrs);
    return Object.keys(lease.families).length === 0 ? {} : nodeAnnotations(lease, known.annotations);
  }

  routing(input: RoutingInput): RoutingInput {
    const leases = new Map<string, LeaseReading>();
    for (const [name, known] of this.#dependencies.nodes()) {
      const isOwn = name === this.#node;
      leases.set(name, isOwn ? { lease: this.#self.lease(known, known.podCidrs), problems: [] } : known.lease);
    }
    const adapted = this.#peers.apply(input, leases);
    const own = this.#self.problems(leases.get(input.node)?.lease);
    const tunnels = this.#wireguard?.learn(this.#node, leases) ?? [];
    return { ...adapted, ownProblems: [...(adapted.ownProblems ?? []), ...own, ...tunnels] };
  }

  settled(podMtu: number, generation: number): void {
    this.#wireguard?.settle(generation);
    const known = this.#dependencies.nodes().get(this.#node);
    if (known !== undefined) this.#file.update(this.subnets(known), podMtu);
  }
}
