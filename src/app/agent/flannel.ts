import { SluiceError } from '../../base/errors.ts';
import { cidrCovers, formatCidr } from '../../base/ip/index.ts';
import type { Cidr, Family, Ip } from '../../base/ip/index.ts';
import { FAMILIES, FlannelPeers, nodeAnnotations } from '../../core/flannel/index.ts';
import type { FamilyLease, FlannelLease, LeaseReading, NetConf } from '../../core/flannel/index.ts';
import { vtepMac } from '../../core/routing/index.ts';
import type { RoutingInput, RoutingProblem } from '../../core/routing/index.ts';
import type { KnownNode } from './routing-objects.ts';

export interface FlannelDependencies {
  readonly nodes: () => ReadonlyMap<string, KnownNode>;
  /** Where peers reach this node, the best address of each family first. */
  readonly addresses: (known: KnownNode) => readonly Ip[];
}

/** This node as a part of a flannel network: what it says there, and what it makes of what the other nodes say. */
export class Flannel {
  readonly #node: string;
  readonly #netConf: NetConf;
  readonly #dependencies: FlannelDependencies;
  readonly #peers: FlannelPeers;
  #own: { readonly key: string; readonly lease: FlannelLease } | undefined;

  constructor(node: string, netConf: NetConf, dependencies: FlannelDependencies) {
    this.#node = node;
    this.#netConf = netConf;
    this.#dependencies = dependencies;
    this.#peers = new FlannelPeers(netConf);
  }

  /** The subnets that the other nodes send here. Throws `no-pod-cidr` while the node has none that the network knows. */
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

  /** What the Node says to the others; nothing while this node has no subnet. */
  annotations(known: KnownNode): Readonly<Record<string, string>> {
    const lease = this.#ownLease(known);
    return Object.keys(lease.families).length === 0 ? {} : nodeAnnotations(lease, known.annotations);
  }

  /** What routes are derived from, as the network has it. */
  routing(input: RoutingInput): RoutingInput {
    const leases = new Map<string, LeaseReading>();
    for (const [name, known] of this.#dependencies.nodes())
      leases.set(name, name === this.#node ? { lease: this.#ownLease(known), problems: [] } : known.lease);
    const adapted = this.#peers.apply(input, leases);
    return { ...adapted, ownProblems: [...(adapted.ownProblems ?? []), ...this.#lacks(input.node, leases)] };
  }

  /** flannel nodes leave a node out altogether that says nothing of one of their families. */
  #lacks(node: string, leases: ReadonlyMap<string, LeaseReading>): readonly RoutingProblem[] {
    const own = leases.get(node)?.lease;
    if (own === undefined) return [];
    const lacking = FAMILIES.filter(
      (family) => this.#netConf.networks[family] !== undefined && own.families[family] === undefined,
    );
    return lacking.map((family) => ({
      peer: '',
      code: 'no-own-address',
      message: `this node has no IPv${family} address or podCIDR, so flannel nodes send it nothing`,
    }));
  }

  /** The same object while it says the same. */
  #ownLease(known: KnownNode): FlannelLease {
    const { backend, networks } = this.#netConf;
    const addresses = this.#dependencies.addresses(known);
    const families: Partial<Record<Family, FamilyLease>> = {};
    for (const family of FAMILIES) {
      const subnet = known.podCidrs.find(({ ip }) => ip.family === family);
      const publicIp = addresses.find((ip) => ip.family === family);
      if (networks[family] === undefined || subnet === undefined || publicIp === undefined) continue;
      const mac = (family === 4 ? known.routing.vtepMac : undefined) ?? vtepMac(this.#node);
      families[family] = { subnet, publicIp, ...(backend.type === 'vxlan' ? { vtep: { vni: backend.vni, mac } } : {}) };
    }
    const lease: FlannelLease = { backendType: backend.type, families };
    const key = JSON.stringify(lease, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
    if (this.#own?.key !== key) this.#own = { key, lease };
    return this.#own.lease;
  }
}
