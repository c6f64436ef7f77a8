import { cidrCovers, cidrSize, networkOf, parseCidr, type Cidr } from '../../base/ip/index.ts';
import { defaultBlockSize, validatePool, type IpPool } from '../../core/ipam/index.ts';

/** An IPPool object, as far as its status depends on it. */
export interface PoolObject {
  readonly metadata?: { readonly name?: string; readonly creationTimestamp?: string };
  readonly spec?: {
    readonly cidr?: string;
    readonly blockSize?: number;
    readonly disabled?: boolean;
    readonly nodeSelector?: string;
    readonly namespaceSelector?: string;
  };
  readonly status?: PoolStatus;
}

/** An IPAMBlock in short. */
export interface BlockSummary {
  readonly cidr: Cidr;
  /** How many addresses of it are held. */
  readonly allocated: number;
}

/** What `kubectl get ippools` shows. */
export interface PoolStatus {
  readonly blocks: number;
  readonly allocated: number;
  /** Number of addresses, as text because an IPv6 pool has more than a number holds. */
  readonly capacity: string;
  readonly conditions: readonly PoolCondition[];
}

/** Whether addresses of the pool are given out, to pods or to Services, and if not, what is wrong with it. */
export interface PoolCondition {
  readonly type: 'Usable';
  readonly status: 'True' | 'False';
  readonly reason: 'Valid' | 'Disabled' | 'Exhausted' | 'Invalid';
  readonly message: string;
  readonly lastTransitionTime: string;
}

/** The status of one pool beside all pools and blocks. `now` is RFC 3339. */
export function poolStatus(
  pool: PoolObject,
  pools: readonly PoolObject[],
  blocks: readonly BlockSummary[],
  now: string,
): PoolStatus {
  const parsed = readPool(pool);
  const within = parsed === undefined ? [] : blocks.filter(({ cidr }) => cidrCovers(parsed.cidr, cidr));
  const allocated = within.reduce((sum, block) => sum + block.allocated, 0);
  const capacity = parsed === undefined ? 0n : cidrSize(parsed.cidr);
  // Of two pools that overlap, only the younger one is at fault: agents go on with the other.
  const others = pools.filter((each) => ageOf(each) < ageOf(pool)).flatMap((each) => readPool(each) ?? []);
  const verdict = judge(pool, parsed, others, BigInt(allocated) >= capacity);
  const before = pool.status?.conditions?.find(({ type }) => type === 'Usable');
  const lastTransitionTime = before?.status === verdict.status ? before.lastTransitionTime : now;
  return {
    blocks: within.length,
    allocated,
    capacity: String(capacity),
    conditions: [{ type: 'Usable', ...verdict, lastTransitionTime }],
  };
}

/** Sorts by age, then by name. */
function ageOf({ metadata }: PoolObject): string {
  return `${metadata?.creationTimestamp ?? ''} ${metadata?.name ?? ''}`;
}

/** The pool as address management reads it; undefined when its CIDR is none. */
function readPool({ metadata, spec }: PoolObject): IpPool | undefined {
  const cidr = parseCidr(spec?.cidr ?? '');
  if (cidr === undefined) return undefined;
  return {
    name: metadata?.name ?? '',
    cidr: networkOf(cidr),
    blockSize: spec?.blockSize ?? defaultBlockSize(cidr.ip.family),
    disabled: spec?.disabled === true,
    nodeSelector: spec?.nodeSelector ?? 'all()',
    namespaceSelector: spec?.namespaceSelector ?? 'all()',
    allowedUses: [],
    assignmentMode: 'Automatic',
    disableBGPExport: false,
    natOutgoing: false,
    vxlanMode: 'Never',
    ipipMode: 'Never',
  };
}

function judge(
  object: PoolObject,
  pool: IpPool | undefined,
  others: readonly IpPool[],
  full: boolean,
): Pick<PoolCondition, 'status' | 'reason' | 'message'> {
  if (pool === undefined) {
    const message = `spec.cidr: '${object.spec?.cidr}' is not an address range; write it like 10.244.0.0/16`;
    return { status: 'False', reason: 'Invalid', message };
  }
  const issues = validatePool(pool, others);
  if (issues.length > 0) {
    const message = issues.map((issue) => `${issue.path}: ${issue.message}`).join('; ');
    return { status: 'False', reason: 'Invalid', message };
  }
  if (pool.disabled) return { status: 'False', reason: 'Disabled', message: 'spec.disabled is true: no new addresses' };
  if (full) return { status: 'False', reason: 'Exhausted', message: 'every address of the pool is held' };
  return { status: 'True', reason: 'Valid', message: 'addresses of this pool are given out' };
}
