import { matchesLabels, necessaryRequirements } from '../kube/labels.ts';
import type { Labels, Selector } from '../kube/labels.ts';
import { endpointPeerKey, podSetKey, selects } from '../policy/index.ts';
import type { NamespaceInfo, PodSet } from '../policy/index.ts';

/** Index of one set of pods in {@link LabelSets}. */
export type LabelSetId = number;

/** What of a pod sets are chosen by. */
interface Chosen {
  readonly namespace: NamespaceInfo;
  /** Effective ones. */
  readonly labels: Labels;
}

interface Entry {
  readonly id: LabelSetId;
  readonly chooses: (pod: Chosen) => boolean;
}

/**
 * Every set of pods that policies choose by labels, each once. They are filed under one thing that their members must
 * have, so that a pod meets only those sets that it could be in.
 */
export class LabelSets {
  readonly #ids = new Map<string, LabelSetId>();
  readonly #byNamespace = new Map<string, Entry[]>();
  readonly #byNamespaceLabel = new Map<string, Entry[]>();
  readonly #byLabel = new Map<string, Entry[]>();
  readonly #anywhere: Entry[] = [];

  get count(): number {
    return this.#ids.size;
  }

  /** The number of a set of pods of certain namespaces. */
  ofPods(set: PodSet): LabelSetId {
    return this.#idOf(`pods ${podSetKey(set)}`, (id) => {
      const entry = { id, chooses: ({ namespace, labels }: Chosen) => selects(set, namespace, labels) };
      const { namespaces } = set;
      if (namespaces.kind === 'name') file(this.#byNamespace, namespaces.name, entry);
      else if (!fileUnderValues(this.#byNamespaceLabel, namespaces.selector, entry)) this.#fileByLabel(set.pods, entry);
    });
  }

  /** The number of the set of all pods, of whatever namespace, whose effective labels the selector chooses. */
  ofLabelled(selector: Selector): LabelSetId {
    return this.#idOf(`labelled ${endpointPeerKey(selector)}`, (id) =>
      this.#fileByLabel(selector, { id, chooses: ({ labels }) => matchesLabels(selector, labels) }),
    );
  }

  /** The sets that a pod with these effective labels is in, in ascending order. */
  holding(pod: Chosen): LabelSetId[] {
    const ids: LabelSetId[] = [];
    const collect = (entries: readonly Entry[] | undefined): void => {
      if (entries !== undefined) for (const entry of entries) if (entry.chooses(pod)) ids.push(entry.id);
    };
    collect(this.#anywhere);
    collect(this.#byNamespace.get(pod.namespace.name));
    if (this.#byNamespaceLabel.size > 0)
      for (const key in pod.namespace.labels)
        collect(this.#byNamespaceLabel.get(pair(key, pod.namespace.labels[key]!)));
    if (this.#byLabel.size > 0) for (const key in pod.labels) collect(this.#byLabel.get(pair(key, pod.labels[key]!)));
    return ids.sort((a, b) => a - b);
  }

  #idOf(key: string, fileIt: (id: LabelSetId) => void): LabelSetId {
    let id = this.#ids.get(key);
    if (id === undefined) {
      id = this.#ids.size;
      this.#ids.set(key, id);
      fileIt(id);
    }
    return id;
  }

  #fileByLabel(selector: Selector, entry: Entry): void {
    if (selector.kind === 'nothing' || fileUnderValues(this.#byLabel, selector, entry)) return;
    this.#anywhere.push(entry);
  }
}

/** Files the entry under each value that one requirement of the selector allows; false when there is no such requirement. */
function fileUnderValues(index: Map<string, Entry[]>, selector: Selector, entry: Entry): boolean {
  const requirement = necessaryRequirements(selector).find((each) => each.operator === 'In');
  if (requirement === undefined) return false;
  for (const value of requirement.values) file(index, pair(requirement.key, value), entry);
  return true;
}

function file(index: Map<string, Entry[]>, key: string, entry: Entry): void {
  const entries = index.get(key);
  if (entries === undefined) index.set(key, [entry]);
  else entries.push(entry);
}

function pair(key: string, value: string): string {
  return `${key}=${value}`;
}
