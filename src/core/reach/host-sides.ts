import { equalIp } from '../../base/ip/index.ts';
import type { Family, Ip } from '../../base/ip/index.ts';
import { matchesLabels } from '../kube/labels.ts';
import { primaryAddress } from '../policy/index.ts';
import type { Direction, FailsafePort, HostEndpointInfo, NodeEndpoint, Policy } from '../policy/index.ts';
import type { Catalogue } from './catalogue.ts';
import type { Groups } from './groups.ts';
import { EMPTY, subtract, union } from './int-set.ts';
import type { IntSet } from './int-set.ts';
import type { GroupId } from './model.ts';
import { portRange } from './port-set.ts';
import { ALL } from './port-table.ts';
import { NOWHERE, regionOf, subtractRegions } from './region.ts';
import type { Region } from './region.ts';
import { tiersOfPlaced } from './tier-regions.ts';
import type { AppliedTier, Outcome, TierRegions } from './tier-regions.ts';

/** What host endpoints allow: of nodes themselves, and of what nodes forward for their pods. */
export class HostSides {
  readonly #catalogue: Catalogue;
  readonly #groups: Groups;
  readonly #tiers: TierRegions;
  readonly #byNode = new Map<string, HostEndpointInfo[]>();
  readonly #known = new Map<string, Region | undefined>();

  constructor(catalogue: Catalogue, groups: Groups, tiers: TierRegions) {
    this.#catalogue = catalogue;
    this.#groups = groups;
    this.#tiers = tiers;
    for (const host of catalogue.state.hostEndpoints.values())
      this.#byNode.set(host.node, [...(this.#byNode.get(host.node) ?? []), host]);
    for (const hosts of this.#byNode.values()) hosts.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** What the group's node lets in to itself, or out from itself; undefined when it has no host endpoint there. */
  ofNode(group: GroupId, direction: Direction, family: Family): Region | undefined {
    const nodes = this.#groups.all[group]!;
    const name = this.#groups.traits[group]!.node;
    if (nodes.kind !== 'nodes' || name === undefined) return undefined;
    return this.#remember(`local ${group} ${direction} ${family}`, () => {
      const ip = nodes.addresses?.[0];
      if (ip !== undefined && ip.family !== family) return undefined;
      const host = this.#endpointOf(nodes.nodes[0]!, ip, family);
      if (host === undefined) return undefined;
      // A node and itself, under whatever address, are no one's business.
      const itself = this.#groups.where((traits, id) => traits.node === name && id >= this.#groups.firstNode);
      const allowed = this.#local(host, group, direction, family);
      return regionOf([...allowed, { others: itself, ports: ALL }], this.#tiers.ports);
    });
  }

  /** What the host endpoint of the pods' node lets through for them; undefined when nothing there restricts it. */
  forwarded(group: GroupId, direction: Direction, family: Family): Region | undefined {
    const name = this.#groups.traits[group]!.node;
    const node = name === undefined ? undefined : this.#catalogue.state.nodes.get(name);
    if (node === undefined) return undefined;
    // What the subject is, apart from the node, can matter to rules.
    return this.#remember(`forwarded ${group} ${direction} ${family}`, () => {
      const host = this.#endpointOf(node, undefined, family);
      if (host === undefined) return undefined;
      const { untracked, preDnat, forwarded } = this.#phases(host, direction);
      if (untracked.length + preDnat.length + forwarded.length === 0) return undefined;
      const reading = { direction, family, subject: group };
      // Ports that stay open do so in the early phases for all packets, in the last for the node's own only.
      const open = this.#failsafe(direction, family);
      const judged = this.#early([untracked, preDnat], reading);
      const early = {
        allowed: subtractRegions(judged.allowed, open, this.#tiers.ports),
        undecided: regionOf([...judged.undecided, ...open], this.#tiers.ports),
      };
      const { allowed, undecided } = this.#tiers.followedBy(early, this.#tiers.read(forwarded, reading));
      const neighbours = this.#groups.where((traits, id) => id < this.#groups.firstNode && traits.node === name);
      return regionOf([...allowed, ...undecided, { others: neighbours, ports: ALL }], this.#tiers.ports);
    });
  }

  #local(host: HostEndpointInfo, subject: GroupId, direction: Direction, family: Family): Region {
    const reading = { direction, family, subject };
    const { ports } = this.#tiers;
    const open = this.#failsafe(direction, family);
    const phases = this.#phases(host, direction);
    let outcome: Outcome = { allowed: open, undecided: subtractRegions(this.#tiers.everything(), open, ports) };
    outcome = this.#tiers.followedBy(outcome, this.#early([phases.untracked, phases.preDnat], reading));
    outcome = this.#tiers.followedBy(outcome, this.#tiers.read(phases.normal, reading));
    const profiles = host.profiles.flatMap((name) => this.#catalogue.state.profiles.get(name)?.[direction] ?? []);
    const final = profiles.map((rule) => (rule.action === 'pass' ? { ...rule, action: 'deny' as const } : rule));
    return this.#tiers.followedBy(outcome, this.#tiers.readRules(final, reading, false)).allowed;
  }

  #early(phases: readonly (readonly AppliedTier[])[], reading: Parameters<TierRegions['read']>[1]): Outcome {
    let outcome: Outcome = { allowed: NOWHERE, undecided: this.#tiers.everything() };
    for (const tiers of phases) outcome = this.#tiers.followedBy(outcome, this.#tiers.read(tiers, reading, 'open'));
    return outcome;
  }

  #failsafe(direction: Direction, family: Family): Region {
    const { failsafeInbound, failsafeOutbound } = this.#catalogue.state.settings;
    const { ports } = this.#tiers;
    const cells = (direction === 'ingress' ? failsafeInbound : failsafeOutbound).map((each: FailsafePort) => ({
      others: this.#ofNet(each.net, family),
      ports: ports.id(portRange(each.protocol, each.port, each.port)),
    }));
    return regionOf(cells, ports);
  }

  #ofNet(net: string | undefined, family: Family): IntSet {
    if (net === undefined) return this.#groups.everyone;
    const block = this.#catalogue.block(net);
    if (block?.family !== family) return EMPTY;
    const tunnels = this.#groups.where(({ failsafeNets }) => failsafeNets !== undefined, this.#groups.firstNode);
    const within = this.#groups.where(
      ({ failsafeNets }) => failsafeNets?.includes(net) === true,
      this.#groups.firstNode,
    );
    return union(subtract(this.#groups.inAddressSet(family, block.id), tunnels), within);
  }

  /** The host endpoint of the interface that has the address, by default the node's first of the family. */
  #endpointOf(node: NodeEndpoint, ip: Ip | undefined, family: Family): HostEndpointInfo | undefined {
    const first = primaryAddress(node, family);
    const isTunnel = ip !== undefined && node.tunnelAddresses.some((each) => equalIp(each, ip));
    const address = isTunnel ? first : (ip ?? first);
    const own = this.#byNode.get(node.name) ?? [];
    const isPrimary = address === undefined || (first !== undefined && equalIp(first, address));
    return (
      own.find((host) => address !== undefined && expects(host, address)) ??
      (isPrimary ? own.find((host) => isFirst(host, node, family)) : undefined) ??
      own.find((host) => host.interface === '*')
    );
  }

  #phases(host: HostEndpointInfo, direction: Direction): Phases {
    const { tiers } = this.#catalogue.state;
    const placed = tiers.flatMap((tier) => tier.policies.map((policy) => ({ tier, policy })));
    const own = placed.filter(({ policy: { hosts, applies } }) => {
      return hosts !== undefined && applies[direction] && matchesLabels(hosts.selector, host.labels);
    });
    const phase = (holds: (subject: NonNullable<Policy['hosts']>) => boolean): AppliedTier[] =>
      tiersOfPlaced(own.filter(({ policy }) => holds(policy.hosts!)));
    return {
      // As in Calico, where only an interface by name can go without connection tracking.
      untracked: host.interface === '*' ? [] : phase(({ doNotTrack }) => doNotTrack),
      preDnat: direction === 'ingress' ? phase((each) => each.preDnat && !each.doNotTrack) : [],
      normal: phase((each) => !each.preDnat && !each.doNotTrack),
      forwarded: phase((each) => !each.preDnat && !each.doNotTrack && each.applyOnForward),
    };
  }

  #remember(key: string, read: () => Region | undefined): Region | undefined {
    if (this.#known.has(key)) return this.#known.get(key);
    const region = read();
    this.#known.set(key, region);
    return region;
  }
}

interface Phases {
  readonly untracked: readonly AppliedTier[];
  readonly preDnat: readonly AppliedTier[];
  readonly normal: readonly AppliedTier[];
  readonly forwarded: readonly AppliedTier[];
}

function expects({ expectedIps }: HostEndpointInfo, ip: Ip): boolean {
  return expectedIps.some((known) => equalIp(known, ip));
}

/**
 * Whether the endpoint, which says nothing of the family, is taken to be the interface of the node's first addresses: it
 * has a name and expects no address, or it expects the first of the other family.
 */
function isFirst(host: HostEndpointInfo, node: NodeEndpoint, family: Family): boolean {
  if (host.interface === '*' || host.expectedIps.some((ip) => ip.family === family)) return false;
  if (host.expectedIps.length === 0) return host.interface !== undefined;
  const other = primaryAddress(node, family === 4 ? 6 : 4);
  return other !== undefined && expects(host, other);
}
