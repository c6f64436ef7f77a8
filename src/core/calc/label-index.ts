import { matchesLabels, necessaryRequirements } from '../kube/labels.ts';
import type { Labels, Selector } from '../kube/labels.ts';
import type { PodSet } from '../policy/model.ts';
import { Shelf } from './shelf.ts';

/** Hears which members a set of pods gains and loses. */
export interface SetListener<Member> {
  enter(member: Member): void;
  leave(member: Member): void;
}

/** Members of one namespace with equal labels: no selector tells them apart, so selectors are matched once for all. */
interface LabelClass<Member> {
  readonly key: string;
  readonly namespace: string;
  readonly labels: Labels;
  readonly members: Set<Member>;
  matched: Set<Watched<Member>>;
}

interface Watched<Member> {
  readonly set: PodSet;
  readonly listener: SetListener<Member>;
  readonly classes: Set<LabelClass<Member>>;
}

/**
 * Keeps the members of many sets of pods as labels change. Sets are filed under one of their requirements and looked up
 * by a member's labels, so a change costs the sets that could be concerned, not all.
 */
export class LabelIndex<Member> {
  readonly #namespaceLabels = new Map<string, Labels>();
  readonly #classes = new Map<string, LabelClass<Member>>();
  readonly #classesIn = new Map<string, Set<LabelClass<Member>>>();
  readonly #classOf = new Map<Member, LabelClass<Member>>();
  readonly #watched = new Map<string, Watched<Member>>();
  /** Sets in one namespace by name, by a requirement on pods. */
  readonly #byName = new Map<string, Shelf<Watched<Member>>>();
  /** Other sets, by a requirement on pods if they have one that helps, on namespaces otherwise. */
  readonly #byPod = new Shelf<Watched<Member>>();
  readonly #byNamespace = new Shelf<Watched<Member>>();

  /** Sets a namespace's labels; undefined when the namespace is gone, leaving only the label of its name. */
  setNamespace(name: string, labels: Labels | undefined): void {
    if (labels === undefined) this.#namespaceLabels.delete(name);
    else this.#namespaceLabels.set(name, labels);
    for (const each of this.#classesIn.get(name) ?? []) this.#rematch(each);
  }

  /** Gives the member these labels; new members enter, known ones move. */
  assign(member: Member, namespace: string, labels: Labels): void {
    const before = this.#classOf.get(member);
    const after = this.#classFor(namespace, labels);
    if (before === after) return;
    before?.members.delete(member);
    after.members.add(member);
    this.#classOf.set(member, after);
    for (const each of before?.matched ?? []) if (!after.matched.has(each)) each.listener.leave(member);
    for (const each of after.matched) if (before?.matched.has(each) !== true) each.listener.enter(member);
    if (before !== undefined) this.#dropIfEmpty(before);
  }

  /** Takes the member out of every set. */
  unassign(member: Member): void {
    const before = this.#classOf.get(member);
    if (before === undefined) return;
    before.members.delete(member);
    this.#classOf.delete(member);
    for (const each of before.matched) each.listener.leave(member);
    this.#dropIfEmpty(before);
  }

  /** Begins to watch a set under a key of the caller's; its present members enter before this returns. */
  watch(key: string, set: PodSet, listener: SetListener<Member>): void {
    const watched: Watched<Member> = { set, listener, classes: new Set() };
    this.#watched.set(key, watched);
    this.#file(watched);
    for (const [namespace, classes] of this.#classesOf(set)) {
      if (!this.#choosesNamespace(set, namespace)) continue;
      for (const each of classes) {
        if (!matchesLabels(set.pods, each.labels)) continue;
        each.matched.add(watched);
        watched.classes.add(each);
        for (const member of each.members) listener.enter(member);
      }
    }
  }

  /** Forgets the set. Its members do not leave: whoever forgets it drops what it kept of them. */
  unwatch(key: string): void {
    const watched = this.#watched.get(key);
    if (watched === undefined) return;
    this.#watched.delete(key);
    this.#unfile(watched);
    for (const each of watched.classes) each.matched.delete(watched);
  }

  #classFor(namespace: string, labels: Labels): LabelClass<Member> {
    const key = classKey(namespace, labels);
    const known = this.#classes.get(key);
    if (known !== undefined) return known;
    const created: LabelClass<Member> = { key, namespace, labels, members: new Set(), matched: new Set() };
    created.matched = this.#match(created);
    for (const each of created.matched) each.classes.add(created);
    this.#classes.set(key, created);
    addTo(this.#classesIn, namespace, created);
    return created;
  }

  #dropIfEmpty(empty: LabelClass<Member>): void {
    if (empty.members.size > 0) return;
    this.#classes.delete(empty.key);
    deleteFrom(this.#classesIn, empty.namespace, empty);
    for (const each of empty.matched) each.classes.delete(empty);
  }

  #rematch(changed: LabelClass<Member>): void {
    const before = changed.matched;
    const after = this.#match(changed);
    changed.matched = after;
    for (const each of before) {
      if (after.has(each)) continue;
      each.classes.delete(changed);
      for (const member of changed.members) each.listener.leave(member);
    }
    for (const each of after) {
      if (before.has(each)) continue;
      each.classes.add(changed);
      for (const member of changed.members) each.listener.enter(member);
    }
  }

  #match({ namespace, labels }: Pick<LabelClass<Member>, 'namespace' | 'labels'>): Set<Watched<Member>> {
    const matched = new Set<Watched<Member>>();
    const namespaceLabels = this.#labelsOf(namespace);
    const test = (each: Watched<Member>): void => {
      if (matchesLabels(each.set.pods, labels) && this.#choosesNamespace(each.set, namespace)) matched.add(each);
    };
    this.#byName.get(namespace)?.find(labels, test);
    this.#byPod.find(labels, test);
    this.#byNamespace.find(namespaceLabels, test);
    return matched;
  }

  #file(watched: Watched<Member>): void {
    const { namespaces, pods } = watched.set;
    if (namespaces.kind === 'name') {
      const shelf = this.#byName.get(namespaces.name) ?? new Shelf<Watched<Member>>();
      this.#byName.set(namespaces.name, shelf);
      shelf.add(pods, watched);
    } else if (narrows(pods)) this.#byPod.add(pods, watched);
    else this.#byNamespace.add(namespaces.selector, watched);
  }

  #unfile(watched: Watched<Member>): void {
    const { namespaces, pods } = watched.set;
    if (namespaces.kind === 'name') {
      const shelf = this.#byName.get(namespaces.name);
      shelf?.delete(pods, watched);
      if (shelf?.isEmpty === true) this.#byName.delete(namespaces.name);
    } else if (narrows(pods)) this.#byPod.delete(pods, watched);
    else this.#byNamespace.delete(namespaces.selector, watched);
  }

  /** Classes that the set could select, by namespace. */
  #classesOf({ namespaces }: PodSet): Iterable<readonly [string, ReadonlySet<LabelClass<Member>>]> {
    if (namespaces.kind !== 'name') return this.#classesIn;
    const classes = this.#classesIn.get(namespaces.name);
    return classes === undefined ? [] : [[namespaces.name, classes]];
  }

  #choosesNamespace({ namespaces }: PodSet, namespace: string): boolean {
    return namespaces.kind === 'name'
      ? namespaces.name === namespace
      : matchesLabels(namespaces.selector, this.#labelsOf(namespace));
  }

  #labelsOf(namespace: string): Labels {
    return this.#namespaceLabels.get(namespace) ?? { 'kubernetes.io/metadata.name': namespace };
  }
}

/** Whether the selector has a requirement that finds its pods among others. */
function narrows(selector: Selector): boolean {
  return (
    selector.kind === 'nothing' ||
    necessaryRequirements(selector).some(({ operator }) => operator === 'In' || operator === 'Exists')
  );
}

/** Identity of a class. The separators occur in no label. */
function classKey(namespace: string, labels: Labels): string {
  let key = namespace;
  for (const name of Object.keys(labels).sort()) key += `\n${name}=${labels[name]}`;
  return key;
}

function addTo<Key, Value>(map: Map<Key, Set<Value>>, key: Key, value: Value): void {
  const set = map.get(key);
  if (set === undefined) map.set(key, new Set([value]));
  else set.add(value);
}

function deleteFrom<Key, Value>(map: Map<Key, Set<Value>>, key: Key, value: Value): void {
  const set = map.get(key);
  set?.delete(value);
  if (set?.size === 0) map.delete(key);
}
