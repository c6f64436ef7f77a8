import { setChange, transactionOf } from './diff.ts';
import type { ChainChange, SetChange } from './diff.ts';
import type { Chain, ElementData, ElementKey, NamedSet, Ruleset, SetSpec, Transaction } from './model.ts';

interface LiveSet extends NamedSet {
  readonly elements: Map<ElementKey, ElementData>;
}

/**
 * A ruleset that is edited in place and knows what changed since the last {@link TrackedRuleset.flush}: edits that
 * cancel out leave no trace, and a flush costs what was touched, not what there is.
 */
export class TrackedRuleset implements Ruleset {
  readonly #chains = new Map<string, Chain>();
  readonly #sets = new Map<string, LiveSet>();
  /** State at the last flush of what was touched since. */
  readonly #chainsBefore = new Map<string, Chain | undefined>();
  readonly #elementsBefore = new Map<string, Map<ElementKey, ElementData | undefined>>();
  /** Sets that appeared or vanished since the last flush, as they were then. */
  readonly #setsBefore = new Map<string, LiveSet | undefined>();

  get chains(): ReadonlyMap<string, Chain> {
    return this.#chains;
  }

  get sets(): ReadonlyMap<string, NamedSet> {
    return this.#sets;
  }

  /** Adds the chain or replaces its rules. */
  setChain(chain: Chain): void {
    this.#rememberChain(chain.name);
    this.#chains.set(chain.name, chain);
  }

  deleteChain(name: string): void {
    this.#rememberChain(name);
    this.#chains.delete(name);
  }

  /** Adds an empty set. One that exists stays as it is. */
  addSet(spec: SetSpec): void {
    if (this.#sets.has(spec.name)) return;
    if (!this.#setsBefore.has(spec.name)) this.#setsBefore.set(spec.name, undefined);
    this.#sets.set(spec.name, { spec, elements: new Map() });
  }

  /** Deletes the set with its elements. */
  deleteSet(name: string): void {
    const set = this.#sets.get(name);
    if (set === undefined) return;
    if (!this.#setsBefore.has(name)) this.#setsBefore.set(name, this.#asBefore(set));
    this.#elementsBefore.delete(name);
    this.#sets.delete(name);
  }

  /** Adds the element or replaces its data. The set must exist. */
  put(name: string, key: ElementKey, data: ElementData = ''): void {
    const elements = this.#sets.get(name)!.elements;
    const old = elements.get(key);
    if (old === data) return;
    this.#rememberElement(name, key, old);
    elements.set(key, data);
  }

  /** Takes the element away, if set and element exist. */
  remove(name: string, key: ElementKey): void {
    const elements = this.#sets.get(name)?.elements;
    const old = elements?.get(key);
    if (elements === undefined || old === undefined) return;
    this.#rememberElement(name, key, old);
    elements.delete(key);
  }

  /** Whether the set holds the key. */
  has(name: string, key: ElementKey): boolean {
    return this.#sets.get(name)?.elements.has(key) === true;
  }

  /** Makes the set hold exactly `wanted`, touching only what differs. */
  replaceElements(name: string, wanted: ReadonlyMap<ElementKey, ElementData>): void {
    const { elements } = this.#sets.get(name)!;
    for (const key of elements.keys()) if (!wanted.has(key)) this.remove(name, key);
    for (const [key, data] of wanted) this.put(name, key, data);
  }

  /** The transaction from the last flush to now; the next one starts here. */
  flush(): Transaction {
    const chains: ChainChange[] = [];
    for (const [name, before] of this.#chainsBefore) chains.push({ before, after: this.#chains.get(name) });
    const sets: SetChange[] = [];
    for (const [name, before] of this.#setsBefore) {
      const after = this.#sets.get(name);
      if (before !== undefined || after !== undefined) sets.push(setChange(before, after));
    }
    for (const [name, touched] of this.#elementsBefore) sets.push(this.#touchedElements(name, touched));
    this.#chainsBefore.clear();
    this.#setsBefore.clear();
    this.#elementsBefore.clear();
    return transactionOf(chains, sets);
  }

  #touchedElements(name: string, touched: ReadonlyMap<ElementKey, ElementData | undefined>): SetChange {
    const { spec, elements } = this.#sets.get(name)!;
    const removed: [ElementKey, ElementData][] = [];
    const added: [ElementKey, ElementData][] = [];
    for (const [key, before] of touched) {
      const after = elements.get(key);
      if (before === after) continue;
      if (before !== undefined) removed.push([key, before]);
      if (after !== undefined) added.push([key, after]);
    }
    return { before: spec, after: spec, removed, added };
  }

  #rememberChain(name: string): void {
    if (!this.#chainsBefore.has(name)) this.#chainsBefore.set(name, this.#chains.get(name));
  }

  #rememberElement(name: string, key: ElementKey, old: ElementData | undefined): void {
    // A set that appeared since the last flush is compared as a whole.
    if (this.#setsBefore.has(name)) return;
    let touched = this.#elementsBefore.get(name);
    if (touched === undefined) this.#elementsBefore.set(name, (touched = new Map()));
    if (!touched.has(key)) touched.set(key, old);
  }

  /** The set as it was at the last flush. */
  #asBefore(set: LiveSet): LiveSet {
    const touched = this.#elementsBefore.get(set.spec.name);
    if (touched === undefined) return set;
    const elements = new Map(set.elements);
    for (const [key, data] of touched) {
      if (data === undefined) elements.delete(key);
      else elements.set(key, data);
    }
    return { spec: set.spec, elements };
  }
}
