import type { Family } from '../../base/ip/index.ts';
import type { AllocateOutcome, Allocator, AllocatorDependencies, AllocatorOptions } from './allocator.ts';
import { allocateBatch } from './allocate-batch.ts';
import { freeCount } from './block.ts';
import { claimBlock, giveUpBlock, settleClaims } from './claim.ts';
import { DEFAULT_IPAM_CONFIG } from './config.ts';
import { NodeBlocks } from './node-blocks.ts';
import { narrowPools } from './pool.ts';
import { qualifyPools } from './qualify-pools.ts';
import { releaseBatch } from './release-batch.ts';
import { surplusBlocks } from './surplus-blocks.ts';
import type { AllocateRequest, Assignment, IpamConfig, IpPool } from './types.ts';

/** How long after a failed claim ahead of need the next one is tried: a full pool must not cost a listing per pod. */
const CLAIM_RETRY_MS = 10_000;

type Job =
  | { readonly kind: 'allocate'; readonly request: AllocateRequest; readonly done: (outcome: AllocateOutcome) => void }
  | { readonly kind: 'release'; readonly handles: readonly string[]; readonly done: Settle<number> }
  | { readonly kind: 'ensure'; readonly families: readonly Family[]; readonly done: Settle<void> }
  | { readonly kind: 'give-back'; readonly done: Settle<void> }
  | { readonly kind: 'load'; readonly done: Settle<void> };

interface Settle<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * The allocator of one node. Operations run one batch at a time; what arrives while a batch is being written forms the
 * next one, so that under load one update of a block serves many pods.
 */
export function createAllocator(options: AllocatorOptions, dependencies: AllocatorDependencies): Allocator {
  return new NodeAllocator(options, dependencies);
}

class NodeAllocator implements Allocator {
  private readonly options: AllocatorOptions;
  private readonly dependencies: AllocatorDependencies;
  private readonly node: NodeBlocks;
  private queue: Job[] = [];
  private running = false;
  private stale = true;
  private config: IpamConfig = DEFAULT_IPAM_CONFIG;
  private readonly claimFailedAt = new Map<Family, number>();

  constructor(options: AllocatorOptions, dependencies: AllocatorDependencies) {
    this.options = options;
    this.dependencies = dependencies;
    this.node = new NodeBlocks(options.node);
  }

  load(): Promise<void> {
    this.stale = true;
    return this.enqueue((done) => ({ kind: 'load', done }));
  }

  ensureBlocks(families: readonly Family[]): Promise<void> {
    this.claimFailedAt.clear();
    return this.enqueue((done) => ({ kind: 'ensure', families, done }));
  }

  giveBack(): Promise<void> {
    return this.enqueue((done) => ({ kind: 'give-back', done }));
  }

  async allocate(request: AllocateRequest): Promise<Assignment> {
    const [outcome] = await this.allocateMany([request]);
    if (outcome!.kind === 'failed') throw outcome!.error;
    return outcome!.assignment;
  }

  allocateMany(requests: readonly AllocateRequest[]): Promise<readonly AllocateOutcome[]> {
    const outcomes = requests.map(
      (request) => new Promise<AllocateOutcome>((done) => void this.queue.push({ kind: 'allocate', request, done })),
    );
    this.pump();
    return Promise.all(outcomes);
  }

  release(handles: readonly string[]): Promise<number> {
    return this.enqueue((done) => ({ kind: 'release', handles, done }));
  }

  lookup(handle: string): Assignment | undefined {
    return this.node.assignment(handle);
  }

  assignments(): ReadonlyMap<string, Assignment> {
    return new Map([...this.node.handles()].map((handle) => [handle, this.node.assignment(handle)!]));
  }

  blocks(): ReturnType<Allocator['blocks']> {
    return this.node.all();
  }

  invalidate(): void {
    this.stale = true;
  }

  private enqueue<T>(job: (done: Settle<T>) => Job): Promise<T> {
    const result = new Promise<T>((resolve, reject) => this.queue.push(job({ resolve, reject })));
    this.pump();
    return result;
  }

  private pump(): void {
    if (this.running) return;
    this.running = true;
    void this.drain();
  }

  private async drain(): Promise<void> {
    while (this.queue.length > 0) {
      const batch = this.queue;
      this.queue = [];
      try {
        if (this.stale) await this.reload();
        await this.run(batch);
      } catch (error) {
        // The outcome of some write is unknown: the next batch must look again.
        this.stale = true;
        for (const job of batch) fail(job, error);
      }
    }
    // In the same turn as the check of the queue: a job enqueued any later starts the next drain itself.
    this.running = false;
  }

  private async reload(): Promise<void> {
    const { store } = this.dependencies;
    await settleClaims(store, this.options.node);
    const [pools, config, blocks] = await Promise.all([store.listPools(), store.getConfig(), store.listBlocks()]);
    const within = this.options.within?.();
    this.node.reset(within === undefined ? pools : narrowPools(pools, within), blocks);
    this.config = config;
    this.stale = false;
  }

  /** Releases first: they make room. Jobs of one batch that concern one handle are settled in this fixed order. */
  private async run(batch: readonly Job[]): Promise<void> {
    const releases = batch.filter((job) => job.kind === 'release');
    if (releases.length > 0) await this.runReleases(releases);
    const allocations = batch.filter((job) => job.kind === 'allocate');
    if (allocations.length > 0) await this.runAllocations(allocations);
    for (const job of batch) {
      if (job.kind === 'load') job.done.resolve();
      if (job.kind === 'ensure') job.done.resolve(await this.ensure(job.families));
      if (job.kind === 'give-back') job.done.resolve(await this.giveBackNow());
    }
    const families = new Set(allocations.flatMap((job) => job.request.families));
    if (families.size > 0) await this.ensureAhead([...families]);
  }

  private async runReleases(jobs: readonly (Job & { kind: 'release' })[]): Promise<void> {
    const counts = await releaseBatch(
      jobs.flatMap((job) => job.handles),
      { ...this.dependencies, ...this.options, blocks: this.node },
    );
    for (const job of jobs) job.done.resolve(job.handles.reduce((sum, handle) => sum + (counts.get(handle) ?? 0), 0));
  }

  private async runAllocations(jobs: readonly (Job & { kind: 'allocate' })[]): Promise<void> {
    const outcomes = await allocateBatch(
      jobs.map((job) => job.request),
      {
        ...this.dependencies,
        ...this.options,
        nodeLabels: this.options.nodeLabels(),
        config: this.config,
        reserved: this.options.reserved?.() ?? [],
        blocks: this.node,
      },
    );
    for (const [index, job] of jobs.entries()) job.done(outcomes[index]!);
  }

  private async ensureAhead(families: readonly Family[]): Promise<void> {
    const now = this.dependencies.now();
    const due = families.filter((family) => now - (this.claimFailedAt.get(family) ?? -Infinity) >= CLAIM_RETRY_MS);
    try {
      await this.ensure(due);
    } catch (error) {
      for (const family of due) this.claimFailedAt.set(family, now);
      this.stale = true;
      this.dependencies.report('could not claim an address block ahead of need', error);
    }
  }

  /** Claims one block for each family that has no more than `lowWater` free addresses, if its pools have one left. */
  private async ensure(families: readonly Family[]): Promise<void> {
    const { now } = this.dependencies;
    if (!this.config.autoAllocateBlocks) return;
    const coolDown = { now: now(), coolDownMs: this.options.coolDownMs };
    for (const family of families) {
      const pools = this.poolsOf(family);
      const owned = this.node.ownedIn(pools);
      if (owned.length >= this.config.maxBlocksPerHost) continue;
      const free = owned.reduce((sum, { value }) => sum + freeCount(value, coolDown), 0);
      if (free > Math.min(this.options.lowWater, blockCapacity(pools) - 1)) continue;
      if (!(await this.claimOne(pools))) this.claimFailedAt.set(family, coolDown.now);
    }
  }

  private async claimOne(pools: readonly IpPool[]): Promise<boolean> {
    const { node, reserved } = this.options;
    const claimant = { node, strictAffinity: this.config.strictAffinity, reserved: reserved?.() ?? [] };
    for (const pool of pools) {
      const block = await claimBlock(this.dependencies.store, pool, claimant, this.node.taken);
      if (block !== undefined) this.node.put(block);
      if (block !== undefined) return true;
    }
    return false;
  }

  private async giveBackNow(): Promise<void> {
    const coolDown = { now: this.dependencies.now(), coolDownMs: this.options.coolDownMs };
    const useful = ([4, 6] as const).flatMap((family) => this.poolsOf(family));
    const owned = this.node.ownedIn(this.node.allPools());
    for (const block of surplusBlocks(owned, useful, { ...coolDown, lowWater: this.options.lowWater })) {
      if (!(await giveUpBlock(this.dependencies.store, block))) this.stale = true;
      this.node.drop(block.value.cidr);
      this.node.taken.remove(block.value.cidr);
    }
  }

  /** Of which, for a namespace without labels, an address would come: only these deserve blocks ahead of need. */
  private poolsOf(family: Family): readonly IpPool[] {
    const { use = 'Workload' } = this.options;
    const nodeLabels = this.options.nodeLabels();
    const demand = { family, use, nodeLabels, namespaceLabels: undefined, wanted: undefined } as const;
    return qualifyPools(this.node.allPools(), demand).pools;
  }
}

/** Addresses in the smallest block of `pools`: a low-water mark above it would claim for ever. */
function blockCapacity(
  pools: readonly { readonly blockSize: number; readonly cidr: { readonly ip: { readonly family: Family } } }[],
): number {
  return Math.min(...pools.map((pool) => 2 ** ((pool.cidr.ip.family === 4 ? 32 : 128) - pool.blockSize)));
}

function fail(job: Job, error: unknown): void {
  if (job.kind === 'allocate') job.done({ kind: 'failed', error });
  else job.done.reject(error);
}
