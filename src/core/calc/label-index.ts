import { matchesLabels, necessaryRequirements } from '../kube/labels.ts';
import type { Labels, Selector } from '../kube/labels.ts';
import { effectiveLabels } from '../policy/effective-labels.ts';
import type { PodSet } from '../policy/model.ts';
import { readsOrigin } from './origin-labels.ts';
import { Shelf } from './shelf.ts';

/** Hears which members a set of pods gains and loses. */
export interface SetListener<Member> {
  enter(member: Member): void;
  leave(member: Member): void;
}

/** What selectors can ask of a member. */
export interface Labelled {
  /** Absent for what is cluster-scoped. */
  readonly namespace?: string;
  /** Name of its service account; pods have one. */
  readonly serviceAccount?: string;
  /** Its own. */
  readonly labels: Labels;
}

/** Members that no selector tells apart, so that selectors are matched once for all. */
interface LabelClass<Member> extends Labelled {
  readonly key: string;
  readonly members: Set<Member>;
  matched: Set<Watched<Member>>;
  /** Made when some selector reads them, since most clusters have none that does. */
  effective: Labels | undefined;
}

interface Watched<Member> {
  readonly set: PodSet;
  /** Whether the selector reads labels that a member has from its namespace or service account. */
  readonly readsOrigin: boolean;
  readonly listener: SetListener<Member>;
  readonly classes: Set<LabelClass<Member>>;
}

/**
 * Keeps the members of many sets of pods as labels change. Sets are filed under one of their requirements and looked up
 * by a member's labels, so a change costs the sets that could be concerned, not all.
 */
export class LabelIndex<Member> {
  readonly #namespaceLabels = new Map<string, Labels>();
  readonly #accountLabels = new Map<string, Labels>();
  readonly #classes = new Map<string, LabelClass<Member>>();
  readonly #classesIn = new Map<string | undefined, Set<LabelClass<Member>>>();
  readonly #classOf = new Map<Member, LabelClass<Member>>();
  readonly #watched = new Map<string, Watched<Member>>();
  /** Sets in one namespace by name, by a requirement on pods. */
  readonly #byName = new Map<string, Shelf<Watched<Member>>>();
  /** Other sets, by a requirement on pods if they have one that helps, on namespaces otherwise. */
  readonly #byPod = new Shelf<Watched<Member>>();
  readonly #byNamespace = new Shelf<Watched<Member>>();
  /** Number of watched sets that read labels of origin. */
  #originReaders = 0;

  /** Sets a namespace's labels; undefined when the namespace is gone, leaving only the label of its name. */
  setNamespace(name: string, labels: Labels | undefined): void {
    if (labels === undefined) this.#namespaceLabels.delete(name);
    else this.#namespaceLabels.set(name, labels);
    for (const each of this.#classesIn.get(name) ?? []) {
      each.effective = undefined;
      this.#rematch(each);
    }
  }

  /** Sets the labels of a service account; undefined when it is gone or has none. */
  setServiceAccount(namespace: string, name: string, labels: Labels | undefined): void {
    const key = `${namespace}/${name}`;
    if (labels === undefined) this.#accountLabels.delete(key);
    else this.#accountLabels.set(key, labels);
    for (const each of this.#classesIn.get(namespace) ?? []) {
      if (each.serviceAccount !== name) continue;
      each.effective = undefined;
      if (this.#originReaders > 0) this.#rematch(each);
    }
  }

  /** Gives the member these labels; new members enter, known ones move. */
  assign(member: Member, labelled: Labelled): void {
    const before = this.#classOf.get(member);
    const after = this.#classFor(labelled);
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
    const watched: Watched<Member> = { set, readsOrigin: readsOrigin(set.pods), listener, classes: new Set() };
    this.#watched.set(key, watched);
    if (watched.readsOrigin) this.#originReaders++;
    this.#file(watched);
    for (const [namespace, classes] of this.#classesOf(set)) {
      if (!this.#choosesNamespace(set, namespace)) continue;
      for (const each of classes) {
        if (!matchesLabels(set.pods, this.#labelsFor(watched, each))) continue;
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
    if (watched.readsOrigin) this.#originReaders--;
    this.#unfile(watched);
    for (const each of watched.classes) each.matched.delete(watched);
  }

  #classFor({ namespace, serviceAccount, labels }: Labelled): LabelClass<Member> {
    const key = classKey(namespace, serviceAccount, labels);
    const known = this.#classes.get(key);
    if (known !== undefined) return known;
    const created: LabelClass<Member> = {
      key,
      ...(namespace === undefined ? {} : { namespace }),
      ...(serviceAccount === undefined ? {} : { serviceAccount }),
      labels,
      members: new Set(),
      matched: new Set(),
      effective: undefined,
    };
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

  #match(candidate: LabelClass<Member>): Set<Watched<Member>> {
    const { namespace } = candidate;
    const matched = new Set<Watched<Member>>();
    const labels = this.#originReaders > 0 ? this.#effectiveOf(candidate) : candidate.labels;
    const test = (each: Watched<Member>): void => {
      if (!matchesLabels(each.set.pods, this.#labelsFor(each, candidate))) return;
      if (this.#choosesNamespace(each.set, namespace)) matched.add(each);
    };
    if (namespace !== undefined) this.#byName.get(namespace)?.find(labels, test);
    this.#byPod.find(labels, test);
    this.#byNamespace.find(this.#labelsOf(namespace), test);
    return matched;
  }

  /** What the set's selector is matched against. All that no selector of origin reads is among the class's own labels. */
  #labelsFor(watched: Watched<Member>, candidate: LabelClass<Member>): Labels {
    return watched.readsOrigin ? this.#effectiveOf(candidate) : candidate.labels;
  }

  #effectiveOf(candidate: LabelClass<Member>): Labels {
    const { namespace, serviceAccount, labels } = candidate;
    return (candidate.effective ??= effectiveLabels(labels, {
      ...(namespace === undefined ? {} : { namespace: { name: namespace, labels: this.#labelsOf(namespace) } }),
      ...(serviceAccount === undefined
        ? {}
        : {
            serviceAccount: {
              name: serviceAccount,
              labels: this.#accountLabels.get(`${namespace}/${serviceAccount}`) ?? {},
            },
          }),
    }));
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
  #classesOf({ namespaces }: PodSet): Iterable<readonly [string | undefined, ReadonlySet<LabelClass<Member>>]> {
    if (namespaces.kind !== 'name') return this.#classesIn;
    const classes = this.#classesIn.get(namespaces.name);
    return classes === undefined ? [] : [[namespaces.name, classes]];
  }

  #choosesNamespace({ namespaces }: PodSet, namespace: string | undefined): boolean {
    return namespaces.kind === 'name'
      ? namespaces.name === namespace
      : matchesLabels(namespaces.selector, this.#labelsOf(namespace));
  }

  #labelsOf(namespace: string | undefined): Labels {
    if (namespace === undefined) return {};
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
function classKey(namespace: string | undefined, serviceAccount: string | undefined, labels: Labels): string {
  let key = `${namespace ?? ''}\n${serviceAccount ?? ''}`;
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
