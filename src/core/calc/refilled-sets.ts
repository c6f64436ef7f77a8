import type { Family } from '../../base/ip/index.ts';
import type { ElementKey, SetSpec } from '../nft/model.ts';
import type { TrackedRuleset } from '../nft/tracked-ruleset.ts';
import { tunnelAliases } from '../policy/blocks.ts';
import type { TunnelAlias } from '../policy/blocks.ts';
import type { NodeEndpoint } from '../policy/cluster.ts';

/** What some sets hold, one set per family. */
export interface Content {
  readonly families: readonly Family[];
  spec(family: Family): SetSpec;
  elements(family: Family, aliases: readonly TunnelAlias[]): Iterable<ElementKey>;
  /** For sets that exist only while they hold something: what {@link RefilledSets.isUsed} knows them by. */
  readonly optional?: string;
}

/**
 * Sets that are made anew as a whole when something that they depend on has changed, once per flush: for what is little
 * and changes seldom. All of them judge a node's tunnel address as its InternalIP, so they follow the nodes.
 */
export class RefilledSets {
  readonly #ruleset: TrackedRuleset;
  readonly #held = new Set<Content>();
  readonly #dirty = new Set<Content>();
  /** The families in which optional contents hold something. */
  readonly #inUse = new Map<string, readonly Family[]>();
  readonly #reshaped = new Set<string>();
  #aliases: readonly TunnelAlias[] = [];

  constructor(ruleset: TrackedRuleset) {
    this.#ruleset = ruleset;
  }

  /** Makes and fills the sets; they live until the returned function is called. */
  hold(content: Content): () => void {
    this.#held.add(content);
    this.#fill(content);
    return () => {
      this.#held.delete(content);
      this.#dirty.delete(content);
      if (content.optional !== undefined) this.#inUse.delete(content.optional);
      if (content.optional !== undefined) this.#reshaped.delete(content.optional);
      for (const family of content.families) this.#ruleset.deleteSet(content.spec(family).name);
    };
  }

  /** Whether the held optional content has elements of the family, as of the last filling. */
  isUsed(optional: string, family: Family): boolean {
    return this.#inUse.get(optional)?.includes(family) === true;
  }

  /** The optional contents for which {@link RefilledSets.isUsed} has another answer than at the last call. */
  takeReshaped(): ReadonlySet<string> {
    const taken = new Set(this.#reshaped);
    this.#reshaped.clear();
    return taken;
  }

  /** What the content is made from has changed. */
  touch(content: Content): void {
    if (this.#held.has(content)) this.#dirty.add(content);
  }

  /** All nodes of the cluster have changed to these. */
  setNodes(nodes: Iterable<NodeEndpoint>): void {
    const aliases = tunnelAliases(nodes);
    const isSame = aliases.length === this.#aliases.length && aliases.every((each, i) => same(each, this.#aliases[i]!));
    if (isSame) return;
    this.#aliases = aliases;
    for (const content of this.#held) this.#dirty.add(content);
  }

  /** Fills what was touched. */
  settle(): void {
    for (const content of this.#dirty) this.#fill(content);
    this.#dirty.clear();
  }

  #fill(content: Content): void {
    const used: Family[] = [];
    for (const family of content.families) {
      const spec = content.spec(family);
      const elements = new Map<ElementKey, ''>();
      for (const key of content.elements(family, this.#aliases)) elements.set(key, '');
      if (elements.size > 0) used.push(family);
      // The kernel finds sets by walking a list, so thousands of empty ones would cost everybody.
      if (elements.size === 0 && content.optional !== undefined) this.#ruleset.deleteSet(spec.name);
      else {
        this.#ruleset.addSet(spec);
        this.#ruleset.replaceElements(spec.name, elements);
      }
    }
    if (content.optional !== undefined) this.#noteUse(content.optional, used);
  }

  #noteUse(optional: string, after: readonly Family[]): void {
    const before = this.#inUse.get(optional);
    this.#inUse.set(optional, after);
    if (before !== undefined && before.join() !== after.join()) this.#reshaped.add(optional);
  }
}

function same(a: TunnelAlias, b: TunnelAlias): boolean {
  return a.family === b.family && a.tunnel === b.tunnel && a.address === b.address;
}
