import { cidrCovers } from '../../base/ip/index.ts';
import type { Family } from '../../base/ip/index.ts';
import type { RoutingBlock, RoutingInput, RoutingNode, RoutingProblem, TunnelKind } from '../routing/index.ts';
import { FAMILIES } from './lease.ts';
import type { FamilyLease, FlannelLease, LeaseReading } from './lease.ts';
import type { NetConf } from './net-conf.ts';

/** A node as its lease has it, and as it would be without. */
interface LeasedPeer {
  readonly known: RoutingNode | undefined;
  readonly node: RoutingNode;
}

/**
 * Turns what routes are derived from into what they are in a flannel network: every node with a lease, whoever runs there,
 * has all of its subnets and nothing else, and is found at the subnets' first addresses.
 */
export class FlannelPeers {
  readonly #netConf: NetConf;
  // The same objects as long as a lease is the same: what follows from them is not derived again.
  readonly #peers = new WeakMap<FlannelLease, LeasedPeer>();
  readonly #blocks = new WeakMap<FlannelLease, readonly RoutingBlock[]>();

  constructor(netConf: NetConf) {
    this.#netConf = netConf;
  }

  /** `leases` by the node's name. */
  apply(input: RoutingInput, leases: ReadonlyMap<string, LeaseReading>): RoutingInput {
    const nodes = new Map(input.nodes);
    const leased: RoutingBlock[] = [];
    const problems: RoutingProblem[] = [];
    for (const [name, { lease, problems: said }] of leases) {
      if (name === input.node) continue;
      const wrong = [...said, ...this.#mismatch(lease)];
      problems.push(...wrong.map((message) => problemOf(name, message)));
      if (lease === undefined || this.#isForeign(lease)) continue;
      nodes.set(name, this.#nodeOf(name, lease, input.nodes.get(name)));
      leased.push(...this.#blocksOf(name, lease));
    }
    const blocks = input.blocks.filter(({ cidr, node }) => node === input.node || !isLeased(cidr, leased));
    const own = leases.get(input.node)?.lease;
    // What nobody here has goes nowhere: the peers send all of the subnet.
    const whole = own === undefined ? [] : this.#blocksOf(input.node, own);
    leased.push(...whole.filter(({ cidr }) => !blocks.some((each) => sameCidr(each.cidr, cidr))));
    return {
      ...input,
      nodes,
      blocks: [...blocks, ...leased],
      ownProblems: [...(input.ownProblems ?? []), ...problems],
    };
  }

  #isForeign({ backendType }: FlannelLease): boolean {
    return backendType !== this.#netConf.backend.type;
  }

  #mismatch(lease: FlannelLease | undefined): readonly string[] {
    const { backend } = this.#netConf;
    if (lease === undefined) return [];
    if (this.#isForeign(lease)) return [`its backend is '${lease.backendType}', the network's is ${backend.type}`];
    return FAMILIES.flatMap((family) => {
      const each = lease.families[family];
      if (this.#netConf.networks[family] === undefined) return [];
      if (each === undefined) return [`it has no IPv${family} lease, so its IPv${family} pods cannot be reached`];
      const vni = backend.type === 'vxlan' ? backend.vni & 0xffff : 0;
      const said = each.vtep?.vni ?? 0;
      return said === 0 || said === vni ? [] : [`its VXLAN identifier is ${said}, the network's is ${vni}`];
    });
  }

  #nodeOf(name: string, lease: FlannelLease, known: RoutingNode | undefined): RoutingNode {
    const before = this.#peers.get(lease);
    if (before !== undefined && before.known === known) return before.node;
    const served = FAMILIES.flatMap((family) => this.#served(lease, family) ?? []);
    const hops = served.map(({ subnet }) => subnet.ip);
    const [v4, v6] = [this.#served(lease, 4)?.vtep, this.#served(lease, 6)?.vtep];
    const node: RoutingNode = {
      ...known,
      name,
      addresses: served.map(({ publicIp }) => publicIp),
      tunnelAddresses: { ...known?.tunnelAddresses, [tunnelOf(this.#netConf)]: hops },
      ...(v4 === undefined ? {} : { vtepMac: v4.mac }),
      ...(v6 === undefined ? {} : { vtepMacV6: v6.mac }),
    };
    this.#peers.set(lease, { known, node });
    return node;
  }

  /** What the lease has of a family that the network has, too. */
  #served({ families }: FlannelLease, family: Family): FamilyLease | undefined {
    return this.#netConf.networks[family] === undefined ? undefined : families[family];
  }

  /** The subnets of a lease, as blocks of its node. */
  #blocksOf(name: string, lease: FlannelLease): readonly RoutingBlock[] {
    const known = this.#blocks.get(lease);
    if (known !== undefined) return known;
    const blocks = FAMILIES.flatMap((family) => this.#served(lease, family) ?? []).map(({ subnet }): RoutingBlock => ({
      cidr: subnet,
      node: name,
      elsewhere: [],
    }));
    this.#blocks.set(lease, blocks);
    return blocks;
  }
}

function tunnelOf({ backend: { type } }: NetConf): TunnelKind {
  return type === 'ipip' || type === 'wireguard' ? type : 'vxlan';
}

function isLeased(cidr: RoutingBlock['cidr'], leased: readonly RoutingBlock[]): boolean {
  return leased.some((each) => cidrCovers(each.cidr, cidr));
}

function sameCidr(a: RoutingBlock['cidr'], b: RoutingBlock['cidr']): boolean {
  return cidrCovers(a, b) && cidrCovers(b, a);
}

function problemOf(peer: string, message: string): RoutingProblem {
  return { peer, code: 'bad-lease', message: `flannel's lease of node ${peer}: ${message}` };
}
