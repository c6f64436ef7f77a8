import { labelsKey, matchesLabels } from '../kube/labels.ts';
import type { Labels, Requirement, Selector } from '../kube/labels.ts';
import type { PodSet } from '../policy/model.ts';

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
  readonly places: readonly string[];
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
  readonly #filed = new Map<string, Set<Watched<Member>>>();

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
    const watched: Watched<Member> = { set, listener, places: placesOf(set), classes: new Set() };
    this.#watched.set(key, watched);
    for (const place of watched.places) addTo(this.#filed, place, watched);
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
    for (const place of watched.places) deleteFrom(this.#filed, place, watched);
    for (const each of watched.classes) each.matched.delete(watched);
  }

  #classFor(namespace: string, labels: Labels): LabelClass<Member> {
    const key = `${namespace}/${labelsKey(labels)}`;
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
    for (const place of placesFor(namespace, labels, this.#labelsOf(namespace))) {
      for (const each of this.#filed.get(place) ?? []) {
        if (matchesLabels(each.set.pods, labels) && this.#choosesNamespace(each.set, namespace)) matched.add(each);
      }
    }
    return matched;
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

/** Where a set is filed: under its namespace or `*`, and under one requirement that every member meets. */
function placesOf({ namespaces, pods }: PodSet): string[] {
  if (namespaces.kind === 'name') return tagsOf(pods, 'p').map((tag) => `${namespaces.name}/${tag}`);
  const byPod = tagsOf(pods, 'p');
  const tags = byPod[0] === ANY ? tagsOf(namespaces.selector, 'n') : byPod;
  return tags.map((tag) => `*/${tag}`);
}

const ANY = '';

function tagsOf(selector: Selector, kind: 'p' | 'n'): string[] {
  if (selector.kind === 'nothing') return [];
  const fewest = (a: Requirement, b: Requirement) => a.values.length - b.values.length;
  const [equality] = selector.requirements.filter((each) => each.operator === 'In').sort(fewest);
  if (equality !== undefined) return equality.values.map((value) => `${kind}:${equality.key}=${value}`);
  const presence = selector.requirements.find((each) => each.operator === 'Exists');
  return [presence === undefined ? ANY : `${kind}:${presence.key}`];
}

/** All places where sets that select these labels can be filed. */
function placesFor(namespace: string, labels: Labels, namespaceLabels: Labels): string[] {
  const places = [`${namespace}/${ANY}`, `*/${ANY}`];
  for (const [key, value] of Object.entries(labels)) {
    places.push(`${namespace}/p:${key}=${value}`, `${namespace}/p:${key}`, `*/p:${key}=${value}`, `*/p:${key}`);
  }
  for (const [key, value] of Object.entries(namespaceLabels)) places.push(`*/n:${key}=${value}`, `*/n:${key}`);
  return places;
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
