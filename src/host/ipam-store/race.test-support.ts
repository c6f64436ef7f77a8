import { formatIp } from '../../base/ip/index.ts';
import { addressAt, collectGarbage, createAllocator } from '../../core/ipam/index.ts';
import type { Allocator, BlockStore } from '../../core/ipam/index.ts';

/** Addresses that a node holds at most. */
const HOLD = 40;

/** Nodes that take and give back addresses over real stores at the same time, with a record of who rightly holds what. */
export class AddressRace {
  /** Of all nodes: how many addresses were given, and how many operations failed. */
  given = 0;
  failed = 0;
  /** Addresses that were given while somebody held them. */
  readonly twice: string[] = [];
  readonly #open: (node: string) => BlockStore;
  readonly #nodes: readonly string[];
  readonly #held = new Map<string, readonly string[]>();
  readonly #owners = new Map<string, string>();
  /** Handles whose pod exists: from before its address is asked for until after it is given back. */
  readonly #pods = new Set<string>();

  constructor(nodes: number, open: (node: string) => BlockStore) {
    this.#open = open;
    this.#nodes = Array.from({ length: nodes }, (_, index) => `node-${index}`);
  }

  /** Every node works until `signal` aborts; a collector and nodes that start anew are among them. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([...this.#nodes.map((node) => this.#live(node, signal)), this.#collectUntil(signal)]);
  }

  /** Operations after this many more have been done, whoever did them. */
  async progress(operations: number): Promise<void> {
    const goal = this.given + operations;
    while (this.given < goal) await new Promise((resolve) => setTimeout(resolve, 10));
  }

  /** Collects what is nobody's and returns what the store then has beside what pods hold: `handle address`. */
  async settle(): Promise<{ readonly stored: readonly string[]; readonly held: readonly string[] }> {
    for (const node of this.#nodes) await this.#start(node).load();
    const store = this.#open('collector');
    await this.#collect(store);
    const stored = (await store.listBlocks()).flatMap(({ value }) =>
      [...value.allocations].map(([ordinal, { handle }]) => `${handle} ${formatIp(addressAt(value, ordinal))}`),
    );
    const held = [...this.#held].flatMap(([handle, ips]) => ips.map((ip) => `${handle} ${ip}`));
    return { stored: stored.sort(), held: held.sort() };
  }

  async #live(node: string, signal: AbortSignal): Promise<void> {
    let allocator = this.#start(node);
    for (let step = 0; !signal.aborted; step++) {
      try {
        if (step % 25 === 0) {
          allocator = this.#start(node);
          await allocator.load();
        } else if (step % 3 === 0 || this.#handlesOf(node).length > HOLD) await this.#release(node, allocator, step);
        else await this.#allocate(node, allocator, step);
      } catch {
        this.failed++;
      }
    }
  }

  #start(node: string): Allocator {
    return createAllocator(
      { node, nodeLabels: () => ({}), coolDownMs: 0, lowWater: 2 },
      { store: this.#open(node), now: () => 0, report: () => undefined },
    );
  }

  async #allocate(node: string, allocator: Allocator, step: number): Promise<void> {
    const handles = Array.from({ length: 1 + (step % 5) }, (_, i) => `${node}-${this.given}-${step}-${i}`);
    for (const handle of handles) this.#pods.add(handle);
    const requests = handles.map((handle) => ({
      handle,
      families: [4] as const,
      attributes: { namespace: 'x', pod: handle },
    }));
    for (const [index, outcome] of (await allocator.allocateMany(requests)).entries()) {
      const handle = handles[index]!;
      if (outcome.kind === 'failed') {
        this.#pods.delete(handle);
        this.failed++;
        continue;
      }
      const ips = outcome.assignment.addresses.map(({ ip }) => formatIp(ip));
      for (const ip of ips) {
        const owner = this.#owners.get(ip);
        if (owner !== undefined) this.twice.push(`${ip} is held by ${owner} and was given to ${handle}`);
        this.#owners.set(ip, handle);
        this.given++;
      }
      this.#held.set(handle, ips);
    }
  }

  /** Whether or not the store learns of it, the pods are gone. */
  async #release(node: string, allocator: Allocator, step: number): Promise<void> {
    const handles = this.#handlesOf(node).filter((_, index) => (index + step) % 2 === 0);
    for (const handle of handles) {
      for (const ip of this.#held.get(handle) ?? []) this.#owners.delete(ip);
      this.#held.delete(handle);
      this.#pods.delete(handle);
    }
    await allocator.release(handles);
  }

  #handlesOf(node: string): readonly string[] {
    return [...this.#held.keys()].filter((handle) => handle.startsWith(`${node}-`));
  }

  async #collectUntil(signal: AbortSignal): Promise<void> {
    const store = this.#open('collector');
    while (!signal.aborted)
      try {
        await this.#collect(store);
      } catch {
        this.failed++;
      }
  }

  async #collect(store: BlockStore): Promise<void> {
    const readWorld = async () => {
      const pods = new Set(this.#pods);
      return { nodeExists: () => true, podHolds: ({ name }: { name: string }) => pods.has(name) };
    };
    await collectGarbage({ graceMs: 0, coolDownMs: 0 }, { store, now: () => 0, readWorld });
  }
}
