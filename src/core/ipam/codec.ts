import { SluiceError } from '../../base/errors.ts';
import { cidrSize, formatCidr, networkOf, parseCidr } from '../../base/ip/index.ts';
import type { Cidr } from '../../base/ip/index.ts';
import type { IpamHandle } from './handles.ts';
import { affinityName, blockName, LOAD_BALANCERS } from './names.ts';
import { BLOCK_SIZES, defaultBlockSize } from './pool.ts';
import type { Affinity, AffinityState, Allocation, Block, IpPool, PoolEncapsulation, PoolUse } from './types.ts';

/** Group and version of Calico's resources as the Kubernetes API stores them. */
const CALICO_API_VERSION = 'crd.projectcalico.org/v1';

/** Where a block keeps when its addresses were released: Calico has no field for it and ignores annotations. */
export const RELEASED_ANNOTATION = 'sluice.dev/released-at';

/** Calico's, for pools that do not say. */
const DEFAULT_USES: readonly PoolUse[] = ['Workload', 'Tunnel'];

/** What all of these resources look like on the wire. */
export interface IpamResource<Spec> {
  readonly apiVersion?: string | undefined;
  readonly kind?: string | undefined;
  readonly metadata: {
    readonly name: string;
    readonly resourceVersion?: string;
    readonly creationTimestamp?: string;
    readonly deletionTimestamp?: string;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly spec: Spec;
}

/** `IPAMBlock.spec` (libcalico-go/lib/apis/v3/ipam_block.go). */
export interface IpamBlockSpec {
  readonly cidr: string;
  /** `host:<node>`, or `virtual:load-balancer`. */
  readonly affinity?: string;
  /** By ordinal: an index into `attributes`, or null. */
  readonly allocations: readonly (number | null)[];
  readonly unallocated: readonly number[];
  readonly attributes: readonly {
    readonly handle_id?: string | null;
    readonly secondary?: Readonly<Record<string, string>>;
  }[];
  readonly strictAffinity: boolean;
  readonly deleted: boolean;
}

/** `BlockAffinity.spec`. */
export interface BlockAffinitySpec {
  readonly cidr: string;
  readonly node: string;
  readonly state: AffinityState;
  /** A string, as Calico has it. */
  readonly deleted: 'true' | 'false';
}

/** `IPAMHandle.spec`. */
export interface IpamHandleSpec {
  readonly handleID: string;
  /** Block → how many of its addresses. */
  readonly block: Readonly<Record<string, number>>;
  readonly deleted?: boolean;
}

/** `IPPool.spec`, as far as it is read here. */
export interface IpPoolSpec {
  readonly cidr: string;
  readonly blockSize?: number;
  readonly disabled?: boolean;
  readonly nodeSelector?: string;
  readonly namespaceSelector?: string;
  readonly allowedUses?: readonly PoolUse[];
  readonly assignmentMode?: IpPool['assignmentMode'];
  readonly disableBGPExport?: boolean;
  readonly natOutgoing?: boolean;
  readonly vxlanMode?: PoolEncapsulation;
  readonly ipipMode?: PoolEncapsulation;
}

/** The resource of a block; without `resourceVersion`, which belongs to the store. */
export function encodeBlock(block: Block): IpamResource<IpamBlockSpec> {
  const owned = [...block.allocations].sort(([a], [b]) => a - b);
  const index = new Map(owned.map(([ordinal], position) => [ordinal, position]));
  const size = Number(cidrSize(block.cidr));
  return resource(
    'IPAMBlock',
    blockName(block.cidr),
    {
      cidr: formatCidr(block.cidr),
      ...(block.node === undefined ? {} : { affinity: affinityOf(block.node) }),
      allocations: Array.from({ length: size }, (_, ordinal) => index.get(ordinal) ?? null),
      unallocated: block.free,
      attributes: owned.map(([, { handle, attributes }]) => ({ handle_id: handle, secondary: attributes })),
      strictAffinity: block.strictAffinity,
      deleted: false,
    },
    block.released.size === 0
      ? undefined
      : { [RELEASED_ANNOTATION]: JSON.stringify(Object.fromEntries(block.released)) },
  );
}

/** Inverse of {@link encodeBlock}; throws a SluiceError (`bad-resource`) that names the field. Calico's own blocks are read too. */
export function decodeBlock(object: IpamResource<IpamBlockSpec>): Block {
  const { metadata, spec } = object;
  const cidr = cidrField(object, 'spec.cidr', spec.cidr);
  const size = Number(cidrSize(cidr));
  if (size > 2 ** 12 || spec.allocations?.length !== size)
    throw bad(object, `spec.allocations must have one entry for each of the ${size} addresses of ${spec.cidr}`);
  const allocations = new Map<number, Allocation>();
  for (const [ordinal, index] of spec.allocations.entries()) {
    if (index === null) continue;
    const attribute = spec.attributes[index];
    if (attribute === undefined) throw bad(object, `spec.allocations[${ordinal}] refers to no attribute (${index})`);
    allocations.set(ordinal, { handle: attribute.handle_id ?? '', attributes: attribute.secondary ?? {} });
  }
  // An ordinal that is listed twice, or as free although it is owned, must never be given out because of that.
  const free = [...new Set(spec.unallocated)].filter(
    (ordinal) => Number.isInteger(ordinal) && ordinal >= 0 && ordinal < size && !allocations.has(ordinal),
  );
  return {
    cidr,
    node: ownerOf(spec.affinity),
    strictAffinity: spec.strictAffinity ?? false,
    allocations,
    free,
    released: decodeReleased(metadata.annotations?.[RELEASED_ANNOTATION], free),
  };
}

const VIRTUAL = `virtual:${LOAD_BALANCERS}`;

function affinityOf(owner: string): string {
  return owner === LOAD_BALANCERS ? VIRTUAL : `host:${owner}`;
}

function ownerOf(affinity: string | undefined): string | undefined {
  if (affinity === VIRTUAL) return LOAD_BALANCERS;
  return affinity?.startsWith('host:') === true ? affinity.slice('host:'.length) : undefined;
}

/** The resource of a node's claim. */
export function encodeAffinity({ node, cidr, state }: Affinity): IpamResource<BlockAffinitySpec> {
  return resource('BlockAffinity', affinityName(node, cidr), { cidr: formatCidr(cidr), node, state, deleted: 'false' });
}

/** Inverse of {@link encodeAffinity}; throws a SluiceError (`bad-resource`). */
export function decodeAffinity(object: IpamResource<BlockAffinitySpec>): Affinity {
  const { node, state, cidr } = object.spec;
  if (typeof node !== 'string' || node === '') throw bad(object, 'spec.node is missing');
  if (state !== 'pending' && state !== 'confirmed' && state !== 'pendingDeletion')
    throw bad(object, `spec.state is ${JSON.stringify(state)}: expected pending, confirmed or pendingDeletion`);
  return { node, state, cidr: cidrField(object, 'spec.cidr', cidr) };
}

/** The resource of a handle, which is named after it. */
export function encodeHandle({ handle, blocks }: IpamHandle): IpamResource<IpamHandleSpec> {
  return resource('IPAMHandle', handle, { handleID: handle, block: Object.fromEntries(blocks), deleted: false });
}

/** Inverse of {@link encodeHandle}. */
export function decodeHandle({ metadata, spec }: IpamResource<IpamHandleSpec>): IpamHandle {
  return { handle: metadata.name, blocks: new Map(Object.entries(spec.block ?? {})) };
}

/** Reads an IPPool with Calico's defaults; throws a SluiceError (`bad-resource`). A pool under deletion counts as disabled. */
export function decodePool(object: IpamResource<IpPoolSpec>): IpPool {
  const { metadata, spec } = object;
  const cidr = cidrField(object, 'spec.cidr', spec.cidr);
  const blockSize = spec.blockSize ?? defaultBlockSize(cidr.ip.family);
  const { min, max } = BLOCK_SIZES[cidr.ip.family];
  // A block lists each of its addresses: of a larger one there is no object.
  if (!Number.isInteger(blockSize) || blockSize < min || blockSize > max)
    throw bad(object, `spec.blockSize must be from ${min} to ${max}, not ${blockSize}`);
  if (blockSize < cidr.prefix)
    throw bad(
      object,
      `spec.blockSize ${blockSize} does not fit spec.cidr ${spec.cidr}: the pool must hold at least one block`,
    );
  return {
    name: metadata.name,
    cidr,
    blockSize,
    disabled: (spec.disabled ?? false) || metadata.deletionTimestamp !== undefined,
    nodeSelector: spec.nodeSelector ?? 'all()',
    namespaceSelector: spec.namespaceSelector ?? 'all()',
    allowedUses: spec.allowedUses === undefined || spec.allowedUses.length === 0 ? DEFAULT_USES : spec.allowedUses,
    assignmentMode: spec.assignmentMode ?? 'Automatic',
    disableBGPExport: spec.disableBGPExport ?? false,
    natOutgoing: spec.natOutgoing ?? false,
    vxlanMode: spec.vxlanMode ?? 'Never',
    ipipMode: spec.ipipMode ?? 'Never',
  };
}

function resource<Spec>(
  kind: string,
  name: string,
  spec: Spec,
  annotations?: Readonly<Record<string, string>>,
): IpamResource<Spec> {
  const metadata = annotations === undefined ? { name } : { name, annotations };
  return { apiVersion: CALICO_API_VERSION, kind, metadata, spec };
}

/** Tolerant: the cool-down is a precaution, and a block must not become unreadable because of it. */
function decodeReleased(text: string | undefined, free: readonly number[]): ReadonlyMap<number, number> {
  if (text === undefined) return new Map();
  try {
    const entries = Object.entries(JSON.parse(text) as Record<string, unknown>);
    const known = new Set(free);
    return new Map(
      entries
        .map(([ordinal, at]) => [Number(ordinal), at] as const)
        .filter((entry): entry is readonly [number, number] => known.has(entry[0]) && typeof entry[1] === 'number'),
    );
  } catch {
    return new Map();
  }
}

function cidrField(object: IpamResource<unknown>, path: string, text: string): Cidr {
  const cidr = typeof text === 'string' ? parseCidr(text) : undefined;
  if (cidr === undefined) throw bad(object, `${path} ${JSON.stringify(text)} is not a CIDR`);
  return networkOf(cidr);
}

function bad(object: IpamResource<unknown>, problem: string): SluiceError<'bad-resource'> {
  const what = `${object.kind ?? 'resource'} ${object.metadata?.name ?? '(no name)'}`;
  return new SluiceError('bad-resource', `${what}: ${problem}`, { name: object.metadata?.name });
}
