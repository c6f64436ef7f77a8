import { cidrContains, formatCidr, formatIp } from '../../base/ip/index.ts';
import type { Ip } from '../../base/ip/index.ts';
import type { World } from './garbage.ts';
import { isLeak } from './garbage.ts';
import { planHandles } from './handles.ts';
import type { IpamHandle } from './handles.ts';
import { isWithin, overlaps } from './pool.ts';
import type { Affinity, Block, IpPool } from './types.ts';
import { allocationsIn, blockText, holderText } from './usage.ts';

/** Everything that address management keeps, and what it is about. */
export interface IpamState {
  readonly pools: readonly IpPool[];
  readonly blocks: readonly Block[];
  readonly affinities: readonly Affinity[];
  readonly handles: readonly IpamHandle[];
  readonly world: World;
  /** Pods that have addresses of their own and have not ended. */
  readonly pods: readonly { readonly name: string; readonly ips: readonly Ip[] }[];
  /** Epoch milliseconds. */
  readonly now: number;
}

/** Something that is not as it should be. */
export interface IpamProblem {
  readonly kind:
    | 'leaked'
    | 'not-allocated'
    | 'held-by-another'
    | 'outside-pools'
    | 'overlapping-blocks'
    | 'block-of-missing-node'
    | 'stale-affinity'
    | 'missing-affinity'
    | 'missing-handle'
    | 'wrong-handle'
    | 'leaked-handle';
  readonly message: string;
  readonly ip?: Ip;
  readonly handle?: string;
}

/** How young an address may be without its pod being known yet, milliseconds. */
const GRACE_MS = 60_000;

/** Everything that does not fit together; empty when all is well. */
export function checkState(state: IpamState): readonly IpamProblem[] {
  return [
    ...leaks(state),
    ...podsWithoutAddress(state),
    ...blockProblems(state),
    ...affinityProblems(state),
    ...handleProblems(state),
  ];
}

function leaks({ blocks, world, now }: IpamState): readonly IpamProblem[] {
  return allocationsIn(blocks)
    .filter(({ ip, allocation }) => isLeak(ip, allocation, world, { now, graceMs: GRACE_MS }))
    .map(({ ip, allocation }) => ({
      kind: 'leaked',
      ip,
      handle: allocation.handle,
      message: `${formatIp(ip)} is held for ${holderText(allocation)}, which does not exist`,
    }));
}

/** Addresses that pods use although address management would give them to others, or has done so. */
function podsWithoutAddress({ pods, pools, blocks }: IpamState): readonly IpamProblem[] {
  const held = new Map(allocationsIn(blocks).map(({ ip, allocation }) => [formatIp(ip), allocation]));
  return pods.flatMap(({ name, ips }) =>
    ips.flatMap((ip): readonly IpamProblem[] => {
      const holder = held.get(formatIp(ip));
      const { namespace, pod } = holder?.attributes ?? {};
      if (holder !== undefined && (pod === undefined || `${namespace}/${pod}` === name)) return [];
      if (holder !== undefined)
        return [
          { kind: 'held-by-another', ip, message: `${formatIp(ip)} of pod ${name} is held for ${holderText(holder)}` },
        ];
      if (!pools.some((pool) => cidrContains(pool.cidr, ip))) return [];
      return [{ kind: 'not-allocated', ip, message: `${formatIp(ip)} of pod ${name} is held by nobody` }];
    }),
  );
}

function blockProblems({ blocks, pools, world }: IpamState): readonly IpamProblem[] {
  return blocks.flatMap((block, index): readonly IpamProblem[] => {
    const other = blocks.slice(0, index).find((each) => overlaps(each.cidr, block.cidr));
    return [
      ...(other === undefined
        ? []
        : [{ kind: 'overlapping-blocks', message: `${blockText(block)} overlaps ${blockText(other)}` } as const]),
      ...(isWithin(block, pools)
        ? []
        : [{ kind: 'outside-pools', message: `${blockText(block)} lies in no IPPool` } as const]),
      ...(block.node === undefined || world.nodeExists(block.node)
        ? []
        : [{ kind: 'block-of-missing-node', message: `${blockText(block)}: there is no such node` } as const]),
    ];
  });
}

function affinityProblems({ blocks, affinities }: IpamState): readonly IpamProblem[] {
  const key = (node: string | undefined, cidr: Block['cidr']): string => `${node} ${formatCidr(cidr)}`;
  const owned = new Set(blocks.map(({ node, cidr }) => key(node, cidr)));
  const confirmed = new Set(
    affinities.filter(({ state }) => state === 'confirmed').map((each) => key(each.node, each.cidr)),
  );
  return [
    ...affinities
      .filter(({ node, cidr }) => !owned.has(key(node, cidr)))
      .map(({ node, cidr, state }): IpamProblem => {
        const message = `the ${state} claim of ${node} on ${formatCidr(cidr)} has no block`;
        return { kind: 'stale-affinity', message };
      }),
    ...blocks
      .filter(({ node, cidr }) => node !== undefined && !confirmed.has(key(node, cidr)))
      .map((block): IpamProblem => ({
        kind: 'missing-affinity',
        message: `${blockText(block)} has no confirmed claim`,
      })),
  ];
}

function handleProblems({ blocks, handles }: IpamState): readonly IpamProblem[] {
  const holders = blocks.map(({ cidr, allocations }) => ({
    cidr,
    handles: [...allocations.values()].map(({ handle }) => handle),
  }));
  const { create, correct, remove } = planHandles(holders, handles);
  const about = (kind: IpamProblem['kind'], handle: string, what: string): IpamProblem => ({
    kind,
    handle,
    message: `IPAMHandle ${handle} ${what}`,
  });
  return [
    ...create.map(({ handle }) => about('missing-handle', handle, 'is missing')),
    ...correct.map(({ handle }) => about('wrong-handle', handle, 'does not count what its blocks say')),
    ...remove.map((handle) => about('leaked-handle', handle, 'holds nothing')),
  ];
}
