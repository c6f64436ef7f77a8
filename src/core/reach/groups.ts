import { equalIp } from '../../base/ip/index.ts';
import type { Family, Ip } from '../../base/ip/index.ts';
import { domainMatches, primaryAddress } from '../policy/index.ts';
import type { NodeEndpoint, PodEndpoint } from '../policy/index.ts';
import type { AddressSetId, AtomId } from './address-atoms.ts';
import { AddressSpace } from './address-space.ts';
import type { Catalogue } from './catalogue.ts';
import { Disguises } from './disguises.ts';
import { append, EMPTY, has, range, subtract, union, unionAll } from './int-set.ts';
import type { IntSet } from './int-set.ts';
import type { Group, GroupId, SupposedPod } from './model.ts';
import { groupNodes, unknownNodeKey } from './node-groups.ts';
import type { NodeGroupDraft } from './node-groups.ts';
import { PodGrouping } from './pod-groups.ts';
import type { Region } from './region.ts';
import { PLAIN } from './traits.ts';
import type { Traits } from './traits.ts';

/** The groups of a state, with what they are found by. */
export class Groups {
  readonly all: readonly Group[];
  /** By group. */
  readonly traits: readonly Traits[];
  readonly space: AddressSpace;
  /** Groups below are pods'. */
  readonly firstNode: GroupId;
  /** Groups from here on are of the outside. */
  readonly firstOutside: GroupId;
  readonly everyone: IntSet;
  readonly #catalogue: Catalogue;
  readonly #byPod = new Map<string, GroupId>();
  readonly #bySupposed = new Map<string, GroupId>();
  readonly #byNode = new Map<string, GroupId[]>();
  readonly #byDomain = new Map<string, GroupId>();
  readonly #outsideByAtom: Readonly<Record<Family, Map<AtomId, GroupId>>> = { 4: new Map(), 6: new Map() };
  readonly #inLabelSet: readonly IntSet[];
  readonly #byAtom: Readonly<Record<Family, ReadonlyMap<AtomId, IntSet>>>;
  readonly #inAddressSet = new Map<string, IntSet>();
  readonly #disguises: Disguises | undefined;
  /** By family and group of nodes: the groups that are taken for them. */
  readonly #disguised: Readonly<Record<Family, ReadonlyMap<GroupId, IntSet>>>;

  constructor(catalogue: Catalogue, supposed: readonly SupposedPod[]) {
    this.#catalogue = catalogue;
    this.space = new AddressSpace(catalogue.state, catalogue);
    const all: Group[] = [];
    const traits: Traits[] = [];
    this.all = all;
    this.traits = traits;
    const add = (group: (id: GroupId) => Group, own: Traits): GroupId => {
      traits.push(own);
      return all.push(group(all.length)) - 1;
    };
    this.#disguises = Disguises.of(catalogue.state);
    const nodes = groupNodes(catalogue, this.space, this.#disguises);
    this.#addPods(supposed, nodes, add);
    this.firstNode = all.length;
    this.#addNodes(nodes, add);
    this.firstOutside = all.length;
    this.#addOutside(add);
    this.everyone = range(0, all.length - 1);
    this.#inLabelSet = this.#indexLabelSets();
    this.#byAtom = { 4: this.#indexAtoms(4), 6: this.#indexAtoms(6) };
    this.#disguised = { 4: this.#indexDisguises(4), 6: this.#indexDisguises(6) };
  }

  /** Groups of pods in the set. */
  inLabelSet(id: number): IntSet {
    return this.#inLabelSet[id] ?? EMPTY;
  }

  /** Groups whose address of the family is in the set. */
  inAddressSet(family: Family, id: AddressSetId): IntSet {
    const key = `${family} ${id}`;
    let groups = this.#inAddressSet.get(key);
    if (groups === undefined) {
      const { atomsIn } = this.space.atoms[family];
      groups = unionAll(atomsIn[id]!.map((atom) => this.#byAtom[family].get(atom) ?? EMPTY));
      this.#inAddressSet.set(key, groups);
    }
    return groups;
  }

  /** Groups that satisfy `holds`, of those from `first` on. */
  where(holds: (traits: Traits, group: GroupId) => boolean, first: GroupId = 0): IntSet {
    const runs: number[] = [];
    for (let id = first; id < this.all.length; id++) if (holds(this.traits[id]!, id)) append(runs, id, id);
    return runs;
  }

  /** The groups that have the family. */
  ofFamily(family: Family): IntSet {
    return this.where((_, id) => this.all[id]!.families.includes(family));
  }

  /** Whether anybody is taken for another by those who let him in. */
  get hasDisguises(): boolean {
    return this.#disguised[4].size + this.#disguised[6].size > 0;
  }

  /** Of what a group lets in, what comes to it from those in a disguise: they are taken for their nodes. */
  arriving(region: Region, at: GroupId, family: Family): Region {
    const disguised = this.#disguised[family];
    if (disguised.size === 0 || !this.#seesDisguises(at, family)) return region;
    const { node } = this.traits[at]!;
    const neighbours = node === undefined ? EMPTY : this.where((traits) => traits.disguise?.node.name === node);
    const pods = subtract(unionAll([...disguised.values()]), neighbours);
    return region.flatMap(({ others, ports }) => {
      if (others === this.everyone) return [{ others, ports }];
      const taken = [...disguised].flatMap(([nodes, ids]) => (has(others, nodes) ? [subtract(ids, neighbours)] : []));
      const seen = union(subtract(others, pods), unionAll(taken));
      return seen.length === 0 ? [] : [{ others: seen, ports }];
    });
  }

  ofPod(pod: PodEndpoint): GroupId | undefined {
    if (pod.completed) return undefined;
    if (!pod.hostNetwork) return this.#byPod.get(pod.key);
    const node = pod.node === undefined ? undefined : this.#catalogue.state.nodes.get(pod.node);
    return this.#byNode.get(node?.key ?? unknownNodeKey(pod.node ?? '', pod.addresses))?.[0];
  }

  /** Of a pod on the pod network. */
  ofPodKey(key: string): GroupId | undefined {
    return this.#byPod.get(key);
  }

  ofSupposed(name: string): GroupId | undefined {
    return this.#bySupposed.get(name);
  }

  ofDomain(pattern: string): GroupId | undefined {
    return this.#byDomain.get(pattern);
  }

  /** The group of the node under that address, or under its first ones. */
  ofNode(node: NodeEndpoint, ip?: Ip): GroupId | undefined {
    const groups = this.#byNode.get(node.key);
    if (groups === undefined || ip === undefined) return groups?.[0];
    const further = groups.find((id) => {
      const group = this.all[id]!;
      return group.kind === 'nodes' && group.addresses?.some((each, i) => equalIp(each, ip) && group.nodes[i] === node);
    });
    return further ?? groups[0];
  }

  /** The group of an address that is nobody's in the cluster. */
  ofOutside(ip: Ip): GroupId | undefined {
    return this.#outsideByAtom[ip.family].get(this.space.atoms[ip.family].atomOf(ip.value));
  }

  /** Whether the group's address of the family is in no pool. */
  #seesDisguises(at: GroupId, family: Family): boolean {
    const group = this.all[at]!;
    if (group.kind !== 'pods' && group.kind !== 'nodes') return false;
    if (group.kind === 'nodes' && this.#catalogue.state.settings.plainToNodes === true) return false;
    const [own] = group.kind === 'pods' ? group.pods : [];
    const ip =
      group.kind === 'pods'
        ? own?.addresses.find((each) => each.family === family)
        : (group.addresses?.[0] ?? primaryAddress(group.nodes[0]!, family));
    return ip !== undefined && ip.family === family && !this.#disguises!.isPooled(ip);
  }

  #indexDisguises(family: Family): Map<GroupId, IntSet> {
    const result = new Map<GroupId, number[]>();
    for (const [id, { disguise }] of this.traits.entries()) {
      if (disguise?.families.includes(family) !== true) continue;
      const nodes = this.ofNode(disguise.node)!;
      const known = result.get(nodes);
      if (known === undefined) result.set(nodes, [id, id]);
      else append(known, id, id);
    }
    return result;
  }

  #addPods(supposed: readonly SupposedPod[], nodes: readonly NodeGroupDraft[], add: AddGroup): void {
    const classes = nodes.flatMap((draft, i) => draft.nodes.map(({ name }) => [name, i] as const));
    // Of several groups of one node the first is that of its first addresses.
    const grouping = new PodGrouping(this.#catalogue, this.space, this.#disguises, new Map(classes.toReversed()));
    for (const { traits, ...group } of grouping.group()) {
      const id = add((at) => ({ kind: 'pods', id: at, ...group }), traits);
      for (const pod of group.pods) this.#byPod.set(pod.key, id);
    }
    for (const each of supposed) {
      const { traits, ...group } = grouping.suppose(each);
      this.#bySupposed.set(
        each.name,
        add((at) => ({ kind: 'pods', id: at, ...group }), traits),
      );
    }
  }

  #addNodes(drafts: readonly NodeGroupDraft[], add: AddGroup): void {
    for (const { traits, nodes, addresses, families } of drafts) {
      const further = addresses.length === 0 ? {} : { addresses };
      const id = add((at) => ({ kind: 'nodes', id: at, nodes, ...further, families }), traits);
      for (const node of nodes) {
        const known = this.#byNode.get(node.key);
        if (known === undefined) this.#byNode.set(node.key, [id]);
        else if (!known.includes(id)) known.push(id);
      }
    }
  }

  #addOutside(add: AddGroup): void {
    for (const family of this.space.families)
      for (const { atom, ranges } of this.space.outside(family)) {
        const id = add((at) => ({ kind: 'addresses', id: at, family, ranges, families: [family] }), {
          ...PLAIN,
          atoms: { [family]: atom },
        });
        this.#outsideByAtom[family].set(atom, id);
      }
    for (const pattern of [...this.#catalogue.domains].sort()) {
      const domains = [...this.#catalogue.domains].filter((wider) => includesPattern(wider, pattern));
      const { families } = this.space;
      const id = add((at) => ({ kind: 'domain', id: at, pattern, families }), { ...PLAIN, domains });
      this.#byDomain.set(pattern, id);
    }
  }

  #indexLabelSets(): IntSet[] {
    const sets: number[][] = Array.from({ length: this.#catalogue.labelSets.count }, () => []);
    for (const [group, { labelSets }] of this.traits.entries())
      for (const id of labelSets) append(sets[id]!, group, group);
    return sets;
  }

  #indexAtoms(family: Family): Map<AtomId, IntSet> {
    const result = new Map<AtomId, number[]>();
    for (const [group, { atoms }] of this.traits.entries()) {
      const atom = atoms[family];
      if (atom === undefined) continue;
      const runs = result.get(atom) ?? [];
      result.set(atom, runs);
      append(runs, group, group);
    }
    return result;
  }
}

type AddGroup = (group: (id: GroupId) => Group, traits: Traits) => GroupId;

/** Whether every name of `inner` matches `outer`. */
function includesPattern(outer: string, inner: string): boolean {
  if (outer === inner) return true;
  if (!inner.startsWith('*.')) return domainMatches(outer, inner);
  return outer.startsWith('*.') && inner.endsWith(outer.slice(1));
}
