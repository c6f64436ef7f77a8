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
  /** Runs whenever the sets have been filled. */
  filled?(): void;
}

/**
 * Sets that are made anew as a whole when something that they depend on has changed, once per flush: for what is little
 * and changes seldom. All of them judge a node's tunnel address as its InternalIP, so they follow the nodes.
 */
export class RefilledSets {
  readonly #ruleset: TrackedRuleset;
  readonly #held = new Set<Content>();
  readonly #dirty = new Set<Content>();
  #aliases: readonly TunnelAlias[] = [];

  constructor(ruleset: TrackedRuleset) {
    this.#ruleset = ruleset;
  }

  /** Makes and fills the sets; they live until the returned function is called. */
  hold(content: Content): () => void {
    for (const family of content.families) this.#ruleset.addSet(content.spec(family));
    this.#held.add(content);
    this.#fill(content);
    return () => {
      this.#held.delete(content);
      this.#dirty.delete(content);
      for (const family of content.families) this.#ruleset.deleteSet(content.spec(family).name);
    };
  }

  /** Number of elements of a held set. */
  sizeOf(name: string): number {
    return this.#ruleset.sets.get(name)?.elements.size ?? 0;
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
    for (const family of content.families) {
      const elements = new Map<ElementKey, ''>();
      for (const key of content.elements(family, this.#aliases)) elements.set(key, '');
      this.#ruleset.replaceElements(content.spec(family).name, elements);
    }
    content.filled?.();
  }
}

function same(a: TunnelAlias, b: TunnelAlias): boolean {
  return a.family === b.family && a.tunnel === b.tunnel && a.address === b.address;
}
