import type { Cidr } from '../../base/ip/index.ts';
import type { MemoryBlockStore } from './memory-store.ts';
import type { BlockStore } from './store.ts';
import type { Affinity, Block } from './types.ts';

/** Thrown by a store operation whose client has crashed or lost its connection. */
export class Lost extends Error {}

/**
 * Lets concurrent clients of one store proceed in an order that `pick` decides: each operation of {@link client} waits
 * for its turn, may lose its connection before or after it took effect, and none ever returns to a crashed client.
 */
export class Interleaving {
  private readonly waiting: (() => void)[] = [];
  private readonly pick: (below: number) => number;
  /** Per thousand operations: how many fail before, and how many after, they took effect. */
  private readonly lossPerMille: number;
  /** Lets everything that can run without the store run first. */
  private readonly idle: () => Promise<void>;

  constructor(pick: (below: number) => number, lossPerMille: number, idle: () => Promise<void>) {
    this.pick = pick;
    this.lossPerMille = lossPerMille;
    this.idle = idle;
  }

  /** Runs until `work` has settled. */
  async run(work: Promise<unknown>): Promise<void> {
    let done = false;
    const settled = work.finally(() => (done = true)).catch(() => undefined);
    while (!done) {
      await this.idle();
      const [next] = this.waiting.splice(this.pick(Math.max(1, this.waiting.length)), 1);
      next?.();
    }
    await settled;
  }

  client(store: MemoryBlockStore, isCrashed: () => boolean): BlockStore {
    const step = async <T>(operation: () => Promise<T>): Promise<T> => {
      await new Promise<void>((resolve) => this.waiting.push(resolve));
      if (isCrashed() || this.pick(1000) < this.lossPerMille) throw new Lost('before');
      const result = await operation();
      await new Promise<void>((resolve) => this.waiting.push(resolve));
      if (isCrashed() || this.pick(1000) < this.lossPerMille) throw new Lost('after');
      return result;
    };
    return {
      listPools: () => step(() => store.listPools()),
      getConfig: () => step(() => store.getConfig()),
      listBlocks: () => step(() => store.listBlocks()),
      getBlock: (cidr: Cidr) => step(() => store.getBlock(cidr)),
      createBlock: (block: Block) => step(() => store.createBlock(block)),
      updateBlock: (block: Block, revision: string) => step(() => store.updateBlock(block, revision)),
      deleteBlock: (cidr: Cidr, revision: string) => step(() => store.deleteBlock(cidr, revision)),
      listAffinities: (node?: string) => step(() => store.listAffinities(node)),
      getAffinity: (node: string, cidr: Cidr) => step(() => store.getAffinity(node, cidr)),
      createAffinity: (affinity: Affinity) => step(() => store.createAffinity(affinity)),
      updateAffinity: (affinity: Affinity, revision: string) => step(() => store.updateAffinity(affinity, revision)),
      deleteAffinity: (affinity: Affinity, revision: string) => step(() => store.deleteAffinity(affinity, revision)),
    };
  }
}
