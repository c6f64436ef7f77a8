import { SluiceError } from '../../base/errors.ts';
import { cidrCovers, formatCidr, formatIp } from '../../base/ip/index.ts';
import type { Family, Ip } from '../../base/ip/index.ts';
import { formatRfc3339 } from '../../base/rfc3339.ts';
import type { AllocateOutcome } from './allocator.ts';
import { nextFree, ordinalOf } from './block.ts';
import { claimBlock, claimCidr } from './claim.ts';
import { exhausted, noPool } from './exhausted.ts';
import { blockAround, poolsFor } from './pool.ts';
import { contention, MAX_ROUNDS, releaseBatch, writeRound } from './release-batch.ts';
import type { BatchContext } from './release-batch.ts';
import { Round } from './round.ts';
import type { Stored } from './store.ts';
import type { AllocateRequest, Allocation, Block, IpPool } from './types.ts';

/** A batch's view of the node that allocates. */
export interface AllocateContext extends BatchContext {
  readonly node: string;
  readonly nodeLabels: Readonly<Record<string, string>>;
  readonly strictAffinity: boolean;
}

/** One address still to be found. */
interface Want {
  readonly request: AllocateRequest;
  readonly family: Family;
  readonly exact: Ip | undefined;
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
  for (let fruitless = 0, before = Infinity; ;) {
    const wants = missing(
      requests.filter(({ handle }) => !failures.has(handle)),
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
function missing(requests: readonly AllocateRequest[], { blocks }: AllocateContext): readonly Want[] {
  const wants = new Map<string, Want>();
  for (const request of requests) {
    const held = new Set(blocks.placesOf(request.handle).map(({ cidr }) => cidr.ip.family));
    for (const family of request.families) {
      if (held.has(family)) continue;
      const exact = request.addresses?.find((ip) => ip.family === family);
      wants.set(`${family} ${request.handle}`, { request, family, exact });
    }
  }
  return [...wants.values()];
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
  want: Want,
  borrowable: readonly Stored<Block>[],
  context: AllocateContext,
): readonly Stored<Block>[] {
  const pools = eligible(want, context);
  const within = borrowable.filter(({ value }) => pools.some((pool) => cidrCovers(pool.cidr, value.cidr)));
  return [...context.blocks.ownedIn(pools), ...within];
}

/** Finds more room for what the known blocks could not serve; wants for which there is none fail. */
async function makeRoom(
  unmet: readonly Want[],
  borrowable: Stored<Block>[],
  failures: Map<string, unknown>,
  context: AllocateContext,
): Promise<void> {
  const searched = new Map<string, SluiceError | 'found'>();
  for (const want of unmet) {
    const pools = eligible(want, context);
    const key = `${want.family} ${pools.map((pool) => pool.name).join(' ')}`;
    const outcome =
      searched.get(key) ??
      ((await moreBlocks(pools, borrowable, context)) ? 'found' : await outOfAddresses(want, pools, context));
    searched.set(key, outcome);
    if (outcome !== 'found') failures.set(want.request.handle, outcome);
  }
}

async function moreBlocks(
  pools: readonly IpPool[],
  borrowable: Stored<Block>[],
  context: AllocateContext,
): Promise<boolean> {
  for (const pool of pools) {
    const claimed = await claimBlock(context.store, pool, context);
    if (claimed === undefined) continue;
    context.blocks.put(claimed);
    return true;
  }
  if (context.strictAffinity) return false;
  const coolDown = { now: context.now(), coolDownMs: context.coolDownMs };
  const lenders = (await context.store.listBlocks())
    .filter(({ value }) => !value.strictAffinity || value.node === context.node)
    .filter(({ value }) => pools.some((pool) => cidrCovers(pool.cidr, value.cidr)))
    .filter(({ value }) => nextFree(value, coolDown) !== undefined)
    // The emptiest lender first: its owner will miss the address least.
    .sort((a, b) => b.value.free.length - a.value.free.length);
  borrowable.push(...lenders);
  return lenders.length > 0;
}

async function outOfAddresses(want: Want, pools: readonly IpPool[], context: AllocateContext): Promise<SluiceError> {
  const { node, strictAffinity } = context;
  const { family, request } = want;
  if (pools.length === 0) return noPool({ node, family, pools }, context.blocks.allPools(), request.pools);
  const blocks = (await context.store.listBlocks()).map(({ value }) => value);
  const coolDown = { now: context.now(), coolDownMs: context.coolDownMs };
  return exhausted({ node, family, pools, blocks, strictAffinity }, coolDown);
}

async function assignExact(
  want: Want,
  ip: Ip,
  round: Round,
  failures: Map<string, unknown>,
  context: AllocateContext,
): Promise<void> {
  const pool = context.blocks.poolOf(ip);
  if (pool === undefined) {
    failures.set(want.request.handle, outsidePools(ip, context));
    return;
  }
  const cidr = blockAround(pool, ip.value);
  const block =
    context.blocks.get(cidr) ??
    (await claimCidr(context.store, cidr, context)) ??
    (context.strictAffinity ? undefined : await context.store.getBlock(cidr));
  if (block === undefined || (block.value.strictAffinity && block.value.node !== context.node)) {
    failures.set(want.request.handle, taken(ip, `the block ${formatCidr(cidr)} belongs to another node`));
    return;
  }
  if (block.value.node === context.node) context.blocks.put(block);
  const holder = round.assignExactly(block, ordinalOf(block.value, ip), allocationOf(want, context));
  if (holder !== undefined) failures.set(want.request.handle, taken(ip, `${holder.handle} holds it`));
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

function eligible({ family, request }: Want, { blocks, nodeLabels }: AllocateContext): readonly IpPool[] {
  return poolsFor(blocks.allPools(), { family, nodeLabels, names: request.pools });
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
