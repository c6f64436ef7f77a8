import { SluiceError } from '../../base/errors.ts';
import { cidrContains, formatCidr, formatIp } from '../../base/ip/index.ts';
import type { Cidr, Family, Ip } from '../../base/ip/index.ts';
import { formatRfc3339 } from '../../base/rfc3339.ts';
import type { AllocateOutcome } from './allocator.ts';
import { ordinalOf } from './block.ts';
import { claimBlock, claimCidr } from './claim.ts';
import type { Claimant } from './claim.ts';
import { blockLimit, exhausted, noPool } from './exhausted.ts';
import { lendersOf } from './lenders.ts';
import { blockAround, isWithin, overlaps } from './pool.ts';
import { qualifyPools } from './qualify-pools.ts';
import type { PoolChoice } from './qualify-pools.ts';
import { contention, MAX_ROUNDS, releaseBatch, writeRound } from './release-batch.ts';
import type { BatchContext } from './release-batch.ts';
import { Round } from './round.ts';
import type { Stored } from './store.ts';
import type { AllocateRequest, Allocation, Block, IpamConfig, IpPool, PoolUse } from './types.ts';

/** A batch's view of the node that allocates. */
export interface AllocateContext extends BatchContext {
  readonly node: string;
  readonly nodeLabels: Readonly<Record<string, string>>;
  readonly config: IpamConfig;
  readonly reserved: readonly Cidr[];
}

/** One address still to be found. */
interface Want {
  readonly request: AllocateRequest;
  readonly family: Family;
  readonly exact: Ip | undefined;
  readonly choice: PoolChoice;
}

/**
 * Serves all requests together, with one write per block and round: own blocks first, then a newly claimed block, then
 * (unless strictAffinity) blocks of other nodes. A request gets all of its families or keeps nothing.
 */
export async function allocateBatch(
  requests: readonly AllocateRequest[],
  context: AllocateContext,
): Promise<readonly AllocateOutcome[]> {
  const failures = new Map<string, unknown>();
  const fresh = new Set(requests.map(({ handle }) => handle).filter((handle) => holdsNothing(handle, context)));
  const borrowable: Stored<Block>[] = [];
  const choices = new Map<string, PoolChoice>();
  for (let fruitless = 0, before = Infinity; ;) {
    const wants = missing(
      requests.filter(({ handle }) => !failures.has(handle)),
      choices,
      context,
    );
    if (wants.length === 0) break;
    fruitless = wants.length < before ? 0 : fruitless + 1;
    before = wants.length;
    if (fruitless > MAX_ROUNDS) {
      for (const { request } of wants) failures.set(request.handle, contention('allocate', context));
      break;
    }
    await serve(wants, borrowable, failures, context);
  }
  await undoPartial(fresh, failures, context);
  return requests.map(({ handle, families }) =>
    failures.has(handle)
      ? { kind: 'failed', error: failures.get(handle) }
      : { kind: 'assigned', assignment: context.blocks.assignment(handle, families)! },
  );
}

/** The addresses that the requests do not have yet; a handle that asks twice gets one of each family. */
function missing(
  requests: readonly AllocateRequest[],
  choices: Map<string, PoolChoice>,
  context: AllocateContext,
): readonly Want[] {
  const wants = new Map<string, Want>();
  for (const request of requests) {
    const held = new Set(context.blocks.placesOf(request.handle).map(({ cidr }) => cidr.ip.family));
    for (const family of request.families) {
      if (held.has(family)) continue;
      const exact = request.addresses?.find((ip) => ip.family === family);
      const choice = choiceFor(request, family, choices, context);
      wants.set(`${family} ${request.handle}`, { request, family, exact, choice });
    }
  }
  return [...wants.values()];
}

/** Most requests of a batch ask the same of the pools, whose selectors are read once for all of them. */
function choiceFor(
  request: AllocateRequest,
  family: Family,
  choices: Map<string, PoolChoice>,
  { blocks, nodeLabels }: AllocateContext,
): PoolChoice {
  const { use = 'Workload', namespaceLabels, among } = request;
  const wanted = request.pools?.[family];
  const key = JSON.stringify([family, use, wanted, among, namespaceLabels]);
  const known = choices.get(key);
  if (known !== undefined) return known;
  const choice = qualifyPools(blocks.allPools(), { family, use, nodeLabels, namespaceLabels, among, wanted });
  choices.set(key, choice);
  return choice;
}

function holdsNothing(handle: string, { blocks }: AllocateContext): boolean {
  return blocks.placesOf(handle).length === 0;
}

async function serve(
  wants: readonly Want[],
  borrowable: Stored<Block>[],
  failures: Map<string, unknown>,
  context: AllocateContext,
): Promise<void> {
  const round = new Round({ now: context.now(), coolDownMs: context.coolDownMs });
  const unmet: Want[] = [];
  for (const want of wants) {
    const allocation = allocationOf(want, context);
    if (want.exact !== undefined) await assignExact(want, want.exact, round, failures, context);
    else if (!round.assignNext(candidates(want, borrowable, context), allocation)) unmet.push(want);
  }
  // Borrowed blocks are used once: after the write the node's own view or a fresh listing has them.
  borrowable.length = 0;
  await writeRound(round, context);
  if (unmet.length > 0) await makeRoom(unmet, borrowable, failures, context);
}

function candidates(
  { choice: { pools } }: Want,
  borrowable: readonly Stored<Block>[],
  context: AllocateContext,
): readonly Stored<Block>[] {
  const within = borrowable.filter(({ value }) => isWithin(value, pools));
  return within.length === 0 ? context.blocks.ownedIn(pools) : [...context.blocks.ownedIn(pools), ...within];
}

/** Finds more room for what the known blocks could not serve; wants for which there is none fail. */
async function makeRoom(
  unmet: readonly Want[],
  borrowable: Stored<Block>[],
  failures: Map<string, unknown>,
  context: AllocateContext,
): Promise<void> {
  const searched = new Map<PoolChoice, SluiceError | 'found'>();
  for (const want of unmet) {
    const outcome = searched.get(want.choice) ?? (await moreBlocks(want, borrowable, context));
    searched.set(want.choice, outcome);
    if (outcome !== 'found') failures.set(want.request.handle, outcome);
  }
}

/** A new block, else blocks of others to borrow from; the error says why there is neither. */
async function moreBlocks(
  { family, choice: { pools, rejections } }: Want,
  borrowable: Stored<Block>[],
  context: AllocateContext,
): Promise<SluiceError | 'found'> {
  const { node, store, blocks, config } = context;
  if (pools.length === 0) return noPool({ node, family }, rejections);
  // Every block of the cluster: to be read once at most.
  let listing: Promise<readonly Stored<Block>[]> | undefined;
  const list = (): Promise<readonly Stored<Block>[]> => (listing ??= store.listBlocks());
  if (config.autoAllocateBlocks) {
    const owned = blocks.ownedIn(pools).length;
    if (owned >= config.maxBlocksPerHost) return blockLimit({ node, family, pools }, owned);
    for (const pool of pools) {
      const claimed = await claimBlock(store, pool, claimantOf(context), blocks.taken, list);
      if (claimed !== undefined) blocks.put(claimed);
      if (claimed !== undefined) return 'found';
    }
  }
  const listed = await list();
  const coolDown = { now: context.now(), coolDownMs: context.coolDownMs };
  const lenders = config.strictAffinity ? [] : lendersOf(listed, pools, coolDown, node);
  borrowable.push(...lenders);
  if (lenders.length > 0) return 'found';
  const { reserved } = context;
  return exhausted({ node, family, pools, config, reserved, blocks: listed.map(({ value }) => value) }, coolDown);
}

function claimantOf({ node, config, reserved }: AllocateContext): Claimant {
  return { node, strictAffinity: config.strictAffinity, reserved };
}

/** The address that was asked for, wherever it lies: selectors and the assignment mode of its pool do not matter. */
async function assignExact(
  want: Want,
  ip: Ip,
  round: Round,
  failures: Map<string, unknown>,
  context: AllocateContext,
): Promise<void> {
  const { request } = want;
  const fail = (error: SluiceError): void => void failures.set(request.handle, error);
  const pool = context.blocks.poolOf(ip);
  if (pool === undefined) return fail(outsidePools(ip, context));
  const refused = request.adopt === true ? undefined : refusal(pool, request.use ?? 'Workload');
  if (refused !== undefined) return fail(taken(ip, `its pool ${pool.name} ${refused}`));
  const block = await blockOf(ip, pool, context);
  if (block === undefined)
    return fail(
      taken(ip, 'no block can be claimed around it: another node claims it, or blocks of another size are there'),
    );
  const { node, strictAffinity, cidr } = block.value;
  if (node !== context.node && (strictAffinity || context.config.strictAffinity))
    return fail(taken(ip, `the block ${formatCidr(cidr)} belongs to another node, and affinity is strict`));
  if (node === context.node) context.blocks.put(block);
  const holder = round.assignExactly(block, ordinalOf(block.value, ip), allocationOf(want, context));
  if (holder !== undefined) fail(taken(ip, `${holder.handle} holds it`));
}

function refusal(pool: IpPool, use: PoolUse): string | undefined {
  if (pool.disabled) return 'is disabled';
  return pool.allowedUses.includes(use) ? undefined : `is not for this use (${use})`;
}

/** The block in which `ip` lies, claimed for this node when it is nobody's. */
async function blockOf(ip: Ip, pool: IpPool, context: AllocateContext): Promise<Stored<Block> | undefined> {
  const known = context.blocks.blockOf(ip);
  if (known !== undefined) return known;
  // Blocks that were cut to another size stay as they are, so the address decides and not the pool's block size.
  const blocks = await context.store.listBlocks();
  const present = blocks.find(({ value }) => cidrContains(value.cidr, ip));
  if (present !== undefined && present.value.node !== undefined) return present;
  const cidr = present?.value.cidr ?? blockAround(pool, ip.value);
  if (present === undefined && blocks.some(({ value }) => overlaps(value.cidr, cidr))) return undefined;
  return (await claimCidr(context.store, cidr, claimantOf(context))) ?? (await context.store.getBlock(cidr));
}

/** A request that failed in one family must not keep the address of the other, unless it had that before. */
async function undoPartial(
  fresh: ReadonlySet<string>,
  failures: ReadonlyMap<string, unknown>,
  context: AllocateContext,
): Promise<void> {
  const partial = [...failures.keys()].filter((handle) => fresh.has(handle) && !holdsNothing(handle, context));
  if (partial.length > 0) await releaseBatch(partial, context);
}

function allocationOf({ request }: Want, { node, now }: AllocateContext): Allocation {
  const timestamp = formatRfc3339(now());
  return { handle: request.handle, attributes: { ...request.attributes, node, timestamp } };
}

function outsidePools(ip: Ip, { blocks }: AllocateContext): SluiceError<'address-outside-pools'> {
  const pools = blocks.allPools().map((pool) => `${pool.name} (${formatCidr(pool.cidr)})`);
  return new SluiceError(
    'address-outside-pools',
    `address ${formatIp(ip)} lies in no IPPool: there are ${pools.length === 0 ? 'none' : pools.join(', ')}`,
  );
}

function taken(ip: Ip, why: string): SluiceError<'address-taken'> {
  return new SluiceError('address-taken', `address ${formatIp(ip)} cannot be assigned: ${why}`);
}
