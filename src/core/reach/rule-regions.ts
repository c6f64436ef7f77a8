import { bitsOf } from '../../base/ip/index.ts';
import type { Family } from '../../base/ip/index.ts';
import type { BlockPeer, Condition, Direction, NamedPort, Peer, PortMatch, Rule, Side } from '../policy/index.ts';
import { FAMILIES, portName } from './catalogue.ts';
import type { Catalogue } from './catalogue.ts';
import type { Groups } from './groups.ts';
import { append, EMPTY, has, setOf, subtract, union, unionAll } from './int-set.ts';
import type { IntSet } from './int-set.ts';
import type { GroupId } from './model.ts';
import { ALL_ICMP, complementPorts, icmpPorts, NO_PORTS, portRange, protocolPorts } from './port-set.ts';
import type { PortSet } from './port-set.ts';
import { ALL, NONE } from './port-table.ts';
import type { PortTable } from './port-table.ts';
import { intersectRegions, NOWHERE, portsFor, regionOf, subtractRegions } from './region.ts';
import type { Cell, Region } from './region.ts';

/** What is being read: the rules of one direction, over one family, for one subject. */
export interface Reading {
  readonly direction: Direction;
  readonly family: Family;
  readonly subject: GroupId;
}

/** Reads single rules as regions of the groups on the other side. */
export class RuleRegions {
  readonly ports: PortTable;
  readonly #catalogue: Catalogue;
  readonly #groups: Groups;
  readonly #peers = new Map<string, Region>();
  readonly #named = new Map<string, Region>();
  readonly #known = new Map<Rule, Map<string, Region>>();
  readonly #dependence = new Map<Rule, Dependence>();

  constructor(catalogue: Catalogue, groups: Groups, ports: PortTable) {
    this.#catalogue = catalogue;
    this.#groups = groups;
    this.ports = ports;
  }

  /** Who matches the rule as the other side, with which traffic. Rules that do not look at their subject are read once. */
  regionOf(rule: Rule, reading: Reading): Region {
    const { subject, families } = this.dependence(rule, reading.direction);
    const key = `${reading.direction} ${families ? reading.family : '*'} ${subject ? this.subjectKey(rule, reading) : ''}`;
    const known = this.#known.get(rule) ?? new Map<string, Region>();
    this.#known.set(rule, known);
    let region = known.get(key);
    if (region === undefined) {
      region = this.#read(rule, reading);
      known.set(key, region);
    }
    return region;
  }

  /** Whether the group is the peer, as the other side of rules of the direction; on some port at least. */
  isPeer(peer: Peer, direction: Direction, family: Family, group: GroupId): boolean {
    return portsFor(this.#peerRegion(peer, otherSide(direction), family), group) !== NONE;
  }

  /** What besides its text the rule's meaning depends on. */
  dependence(rule: Rule, direction: Direction): Dependence {
    let dependence = this.#dependence.get(rule);
    if (dependence === undefined) {
      dependence = { subject: looksAtSubject(rule, direction), families: this.#looksAtFamily(rule) };
      this.#dependence.set(rule, dependence);
    }
    return dependence;
  }

  /** All that the rule sees of its subject: rules read alike for subjects with equal keys. */
  subjectKey(rule: Rule, reading: Reading): string {
    const parts: (string | number)[] = [];
    const named = (ports: readonly PortMatch[]): void => {
      for (const port of ports)
        if (port.kind === 'named') parts.push(this.#resolve(port, reading.subject, reading.family));
    };
    const own = subjectSide(reading.direction);
    if (own === 'destination' && rule.ports !== 'any') named(rule.ports);
    for (const condition of rule.conditions ?? []) {
      if (condition.kind === 'port' && condition.side === own && own === 'destination') named(condition.ports);
      if (condition.kind === 'peer' && condition.side === own)
        parts.push(portsFor(this.#peersRegion(condition.peers, own, reading.family), reading.subject));
    }
    return parts.join();
  }

  #read(rule: Rule, reading: Reading): Region {
    const { ports } = this;
    const side = otherSide(reading.direction);
    let region = rule.peers === 'any' ? this.#everything() : this.#peersRegion(rule.peers, side, reading.family);
    if (rule.ports !== 'any') region = intersectRegions(region, this.#portsRegion(rule.ports, reading), ports);
    for (const condition of rule.conditions ?? []) {
      if (region.length === 0) return NOWHERE;
      region = intersectRegions(region, this.#conditionRegion(condition, reading), ports);
    }
    return region;
  }

  #everything(): Region {
    return [{ others: this.#groups.everyone, ports: ALL }];
  }

  #withPorts(set: PortSet): Region {
    return set.length === 0 ? NOWHERE : [{ others: this.#groups.everyone, ports: this.ports.id(set) }];
  }

  #conditionRegion(condition: Condition, reading: Reading): Region {
    const { family, direction, subject } = reading;
    switch (condition.kind) {
      case 'family':
        return condition.family === family ? this.#everything() : NOWHERE;
      case 'protocol': {
        const set = protocolPorts(condition.protocol, family);
        return this.#withPorts(condition.negate ? complementPorts(set) : set);
      }
      case 'icmp': {
        const set = icmpPorts(condition.type, condition.code);
        return this.#withPorts(condition.negate ? subtract(ALL_ICMP, set) : set);
      }
      case 'peer': {
        const members = this.#peersRegion(condition.peers, condition.side, family);
        const isOther = condition.side === otherSide(direction);
        return this.#unless(condition.negate, isOther ? members : this.#forEveryone(portsFor(members, subject)));
      }
      case 'port': {
        // No source port is known, so that none is any of those listed.
        const listed = condition.side === 'source' ? NOWHERE : this.#portsRegion(condition.ports, reading);
        return this.#unless(condition.negate, listed);
      }
    }
  }

  #unless(negate: boolean, region: Region): Region {
    return negate ? subtractRegions(this.#everything(), region, this.ports) : region;
  }

  #forEveryone(ports: number): Region {
    return ports === NONE ? NOWHERE : [{ others: this.#groups.everyone, ports }];
  }

  /** The destination ports of the entries: names are looked up in whoever is the destination. */
  #portsRegion(matches: readonly PortMatch[], { direction, subject, family }: Reading): Region {
    let fixed: PortSet = NO_PORTS;
    const cells: Cell[] = [];
    for (const match of matches) {
      if (match.kind === 'all') fixed = union(fixed, portRange(match.protocol));
      else if (match.kind === 'range') fixed = union(fixed, portRange(match.protocol, match.first, match.last));
      else if (direction === 'egress') cells.push(...this.#namedRegion(match, family));
      else fixed = union(fixed, this.ports.set(this.#resolve(match, subject, family)));
    }
    return regionOf([...this.#withPorts(fixed), ...cells], this.ports);
  }

  /** Which ports the name means in which pods, and behind which addresses that host endpoints expect. */
  #namedRegion(name: PortName, family: Family): Region {
    const { hostPorts } = this.#catalogue;
    const key = `${portName(name.protocol, name.name)} ${hostPorts.length === 0 ? '*' : family}`;
    let region = this.#named.get(key);
    if (region === undefined) {
      const byPorts = new Map<number, number[]>();
      const end = hostPorts.length === 0 ? this.#groups.firstNode : this.#groups.all.length;
      for (let id = 0; id < end; id++) {
        const ports = this.#resolve(name, id, family);
        if (ports === NONE) continue;
        const runs = byPorts.get(ports) ?? [];
        byPorts.set(ports, runs);
        append(runs, id, id);
      }
      region = Array.from(byPorts, ([ports, others]) => ({ others, ports }));
      this.#named.set(key, region);
    }
    return region;
  }

  #resolve({ protocol, name }: PortName, group: GroupId, family: Family): number {
    const all =
      group < this.#groups.firstNode ? this.#groups.traits[group]!.namedPorts : this.#hostPorts(group, family);
    if (all.length === 0) return NONE;
    let set = NO_PORTS;
    for (const each of all)
      if (each.name === name && each.protocol === protocol) set = union(set, portRange(protocol, each.port, each.port));
    return this.ports.id(set);
  }

  #hostPorts(group: GroupId, family: Family): readonly NamedPort[] {
    return this.#catalogue.hostPorts.flatMap(({ ports, addresses }) => {
      const set = addresses[family];
      return set !== undefined && has(this.#groups.inAddressSet(family, set), group) ? ports : [];
    });
  }

  #peersRegion(peers: readonly Peer[], side: Side, family: Family): Region {
    if (peers.length === 1) return this.#peerRegion(peers[0]!, side, family);
    return regionOf(
      peers.flatMap((peer) => this.#peerRegion(peer, side, family)),
      this.ports,
    );
  }

  #peerRegion(peer: Peer, side: Side, family: Family): Region {
    const key = `${side} ${family} ${peer.kind} ${peer.key}`;
    let region = this.#peers.get(key);
    if (region === undefined) {
      region = regionOf(this.#peerCells(peer, side, family), this.ports);
      this.#peers.set(key, region);
    }
    return region;
  }

  #peerCells(peer: Peer, side: Side, family: Family): Cell[] {
    const { labelSet, addresses, nodes, domain, sockets = [] } = this.#catalogue.membersOf(peer);
    if (domain !== undefined && side === 'source') return [];
    const groups = this.#groups;
    const found: IntSet[] = [];
    if (labelSet !== undefined) found.push(groups.inLabelSet(labelSet));
    const addressSet = addresses[family];
    if (addressSet !== undefined) found.push(groups.inAddressSet(family, addressSet));
    if (nodes !== undefined)
      found.push(groups.where(({ nodeSelectors }) => nodeSelectors.includes(nodes), groups.firstNode));
    if (domain !== undefined) found.push(groups.where(({ domains }) => domains.includes(domain), groups.firstOutside));
    if (peer.kind === 'block' && peer.family === family && isWholeFamily(peer))
      found.push(groups.where((_, id) => groups.all[id]!.kind === 'domain', groups.firstOutside));
    const cells: Cell[] = [{ others: unionAll(found), ports: ALL }];
    for (const { ports, addresses: own, pods } of sockets) {
      const ids = pods.flatMap((key) => groups.ofPodKey(key) ?? []);
      const set = own[family];
      const others = unionAll([setOf(ids), set === undefined ? EMPTY : groups.inAddressSet(family, set)]);
      cells.push({ others, ports: side === 'source' ? ALL : this.ports.id(ports) });
    }
    return cells;
  }

  #looksAtFamily({ peers, ports, conditions = [] }: Rule): boolean {
    // Host endpoints name ports of addresses, which are of one family.
    const named = (list: readonly PortMatch[]): boolean =>
      this.#catalogue.hostPorts.length > 0 && list.some((each) => each.kind === 'named');
    if (ports !== 'any' && named(ports)) return true;
    const byAddress = (peer: Peer): boolean => {
      const { addresses, sockets = [] } = this.#catalogue.membersOf(peer);
      return [addresses, ...sockets.map((each) => each.addresses)].some((each) => FAMILIES.some((f) => f in each));
    };
    if (peers !== 'any' && peers.some(byAddress)) return true;
    return conditions.some((condition) => {
      if (condition.kind === 'peer') return condition.peers.some(byAddress);
      if (condition.kind === 'port') return named(condition.ports);
      return condition.kind === 'family' || condition.kind === 'protocol';
    });
  }
}

type PortName = Pick<NamedPort, 'protocol' | 'name'>;

/** What the reading of a rule depends on. */
export interface Dependence {
  readonly subject: boolean;
  readonly families: boolean;
}

/** The side of a connection that the rules of a direction are about: not their subject. */
function otherSide(direction: Direction): Side {
  return direction === 'ingress' ? 'source' : 'destination';
}

function subjectSide(direction: Direction): Side {
  return direction === 'ingress' ? 'destination' : 'source';
}

function looksAtSubject({ ports, conditions = [] }: Rule, direction: Direction): boolean {
  const own = subjectSide(direction);
  const named = (list: readonly PortMatch[]): boolean => list.some((each) => each.kind === 'named');
  if (own === 'destination' && ports !== 'any' && named(ports)) return true;
  return conditions.some((condition) => {
    if (condition.kind === 'peer') return condition.side === own;
    return condition.kind === 'port' && condition.side === own && own === 'destination' && named(condition.ports);
  });
}

function isWholeFamily({ family, ranges }: BlockPeer): boolean {
  return ranges.length === 1 && ranges[0]!.last - ranges[0]!.first + 1n === 1n << BigInt(bitsOf(family));
}
