import { messageOf } from '../../base/errors.ts';
import type { Cidr } from '../../base/ip/index.ts';
import {
  DEFAULT_IPAM_CONFIG,
  IPAM_CONFIG_NAME,
  RELEASED_ANNOTATION,
  affinityName,
  blockName,
  decodeAffinity,
  decodeBlock,
  decodeConfig,
  decodePool,
  encodeAffinity,
  encodeBlock,
} from '../../core/ipam/index.ts';
import type {
  Affinity,
  Block,
  BlockAffinitySpec,
  BlockStore,
  IpamBlockSpec,
  IpamConfigSpec,
  IpamResource,
  IpPool,
  IpPoolSpec,
  Stored,
} from '../../core/ipam/index.ts';
import { isAlreadyExists, isConflict, isNotFound } from '../kube-client/errors.ts';
import { listAll } from '../kube-client/list-all.ts';
import { BLOCK_AFFINITIES, IPAM_BLOCKS, IPAM_CONFIGS, IP_POOLS } from '../kube-client/resources.ts';
import type { KubeClient, KubeObject, Resource } from '../kube-client/types.ts';

/** Annotations that the codec writes. */
const OWN_ANNOTATIONS = [RELEASED_ANNOTATION];

/** What the store needs besides the API. */
export interface KubeBlockStoreDependencies {
  readonly client: KubeClient;
  /** Told of resources that cannot be read; they are left alone and their addresses are not given out. */
  readonly report: (message: string) => void;
}

/** Address management's store in Calico's resources of the Kubernetes API. A revision is a resourceVersion. */
export function kubeBlockStore({ client, report }: KubeBlockStoreDependencies): BlockStore {
  const blocks = new ResourceTable<Block, IpamBlockSpec>(client, IPAM_BLOCKS, {
    specKeys: ['cidr', 'affinity', 'allocations', 'unallocated', 'attributes', 'strictAffinity', 'deleted'],
    name: ({ cidr }) => blockName(cidr),
    encode: encodeBlock,
    decode: decodeBlock,
    keep: keepSequences,
    report,
  });
  const affinities = new ResourceTable<Affinity, BlockAffinitySpec>(client, BLOCK_AFFINITIES, {
    specKeys: ['cidr', 'node', 'state', 'deleted'],
    name: ({ node, cidr }) => affinityName(node, cidr),
    encode: encodeAffinity,
    decode: decodeAffinity,
    report,
  });
  return {
    listPools: async () => {
      const { items } = await listAll<IpamResource<IpPoolSpec>>(client, IP_POOLS);
      return items
        .toSorted(byAge)
        .map((item) => tryDecode<IpPool, IpPoolSpec>(item, decodePool, report))
        .filter((p) => p !== undefined);
    },
    getConfig: async () => {
      try {
        const { spec } = await client.get<KubeObject & { spec?: IpamConfigSpec }>(IPAM_CONFIGS, {
          name: IPAM_CONFIG_NAME,
        });
        return decodeConfig(spec);
      } catch (error) {
        if (isNotFound(error)) return DEFAULT_IPAM_CONFIG;
        throw error;
      }
    },
    listBlocks: () => blocks.list(),
    getBlock: (cidr: Cidr) => blocks.get(blockName(cidr)),
    createBlock: (block) => blocks.create(block),
    updateBlock: (block, revision) => blocks.update(block, revision),
    deleteBlock: (cidr, revision) => blocks.delete(blockName(cidr), revision),
    listAffinities: async (node) =>
      (await affinities.list()).filter(({ value }) => node === undefined || value.node === node),
    getAffinity: (node, cidr) => affinities.get(affinityName(node, cidr)),
    createAffinity: (affinity) => affinities.create(affinity),
    updateAffinity: (affinity, revision) => affinities.update(affinity, revision),
    deleteAffinity: ({ node, cidr }, revision) => affinities.delete(affinityName(node, cidr), revision),
  };
}

interface Codec<T, Spec> {
  /** The keys of the spec that `encode` writes or leaves out on purpose. */
  readonly specKeys: readonly string[];
  readonly name: (value: T) => string;
  readonly encode: (value: T) => IpamResource<Spec>;
  readonly decode: (object: IpamResource<Spec>) => T;
  /** What of the foreign keys of a spec is still true when `before` becomes `after`; absent: all. */
  readonly keep?: (foreign: Record<string, unknown>, before: T, after: T) => Record<string, unknown>;
  readonly report: (message: string) => void;
}

/** What somebody else keeps in a resource: a write must not lose it. */
interface Foreign<T> {
  /** The resource's own part, as it was read with the rest; undefined when it could not be read. */
  readonly value: T | undefined;
  readonly revision: string;
  readonly spec: Readonly<Record<string, unknown>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
}

/** One kind of resource with the conditional writes of {@link BlockStore}. */
class ResourceTable<T, Spec extends object> {
  private readonly client: KubeClient;
  private readonly resource: Resource;
  private readonly codec: Codec<T, Spec>;
  /** By name; only of resources that have something foreign, which Sluice's own do not. */
  private readonly foreign = new Map<string, Foreign<T>>();

  constructor(client: KubeClient, resource: Resource, codec: Codec<T, Spec>) {
    this.client = client;
    this.resource = resource;
    this.codec = codec;
  }

  async list(): Promise<readonly Stored<T>[]> {
    const { items } = await listAll<IpamResource<Spec>>(this.client, this.resource);
    return items.flatMap((item) => this.readable(item) ?? []);
  }

  /** What cannot be read is as little there as in a listing: a node goes on without it, and cannot create it either. */
  async get(name: string): Promise<Stored<T> | undefined> {
    try {
      return this.readable(await this.client.get<IpamResource<Spec>>(this.resource, { name }));
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async create(value: T): Promise<Stored<T> | 'exists'> {
    try {
      return this.stored(await this.client.create(this.resource, this.codec.encode(value)));
    } catch (error) {
      if (isAlreadyExists(error)) return 'exists';
      throw error;
    }
  }

  async update(value: T, revision: string): Promise<Stored<T> | 'conflict'> {
    try {
      return this.stored(await this.client.update(this.resource, this.replacement(value, revision)));
    } catch (error) {
      if (isConflict(error) || isNotFound(error)) return 'conflict';
      throw error;
    }
  }

  async delete(name: string, revision: string): Promise<'deleted' | 'conflict'> {
    try {
      await this.client.delete(this.resource, { name }, { preconditions: { resourceVersion: revision } });
      return 'deleted';
    } catch (error) {
      if (isConflict(error) || isNotFound(error)) return 'conflict';
      throw error;
    }
  }

  private replacement(value: T, revision: string): IpamResource<Spec> {
    const object = this.codec.encode(value);
    const { name, annotations } = object.metadata;
    const foreign = this.foreign.get(name);
    if (foreign?.revision !== revision)
      return { ...object, metadata: { ...object.metadata, resourceVersion: revision } };
    const { labels } = foreign;
    const metadata = {
      name,
      resourceVersion: revision,
      labels,
      annotations: { ...foreign.annotations, ...annotations },
    };
    const { keep } = this.codec;
    const kept =
      keep === undefined || foreign.value === undefined
        ? foreign.spec
        : keep({ ...foreign.spec }, foreign.value, value);
    return { ...object, metadata, spec: { ...kept, ...object.spec } };
  }

  private remember({ metadata, spec }: IpamResource<Spec>, value: T | undefined): void {
    const { annotations = {}, labels = {}, name, resourceVersion = '' } = metadata;
    const foreign: Foreign<T> = {
      value,
      revision: resourceVersion,
      spec: without(spec, this.codec.specKeys),
      annotations: without(annotations, OWN_ANNOTATIONS),
      labels,
    };
    const size = [foreign.spec, foreign.annotations, labels].reduce((sum, part) => sum + Object.keys(part).length, 0);
    if (size > 0) this.foreign.set(name, foreign);
    else this.foreign.delete(name);
  }

  private readable(object: IpamResource<Spec>): Stored<T> | undefined {
    const value = tryDecode(object, this.codec.decode, this.codec.report);
    this.remember(object, value);
    return value === undefined ? undefined : { value, revision: revisionOf(object) };
  }

  private stored(object: IpamResource<Spec>): Stored<T> {
    const value = this.codec.decode(object);
    this.remember(object, value);
    return { value, revision: revisionOf(object) };
  }
}

function tryDecode<T, Spec>(
  object: IpamResource<Spec>,
  decode: (object: IpamResource<Spec>) => T,
  report: (message: string) => void,
): T | undefined {
  try {
    return decode(object);
  } catch (error) {
    report(messageOf(error));
    return undefined;
  }
}

function without<V>(record: Readonly<Record<string, V>> | object, keys: readonly string[]): Record<string, V> {
  return Object.fromEntries(Object.entries(record).filter(([key]) => !keys.includes(key)));
}

/** RFC 3339 in UTC sorts as text; what came in the same second goes by name. */
function byAge({ metadata: a }: IpamResource<unknown>, { metadata: b }: IpamResource<unknown>): number {
  const [left, right] = [a, b].map(({ creationTimestamp = '', name }) => `${creationTimestamp} ${name}`);
  return left! < right! ? -1 : 1;
}

function revisionOf(object: IpamResource<unknown>): string {
  return object.metadata.resourceVersion ?? '';
}

/**
 * Calico counts the writes of a block and notes at which count each address was given, to tell from a late release that the
 * address has another owner by now. What changes hands here loses its note.
 */
function keepSequences(foreign: Record<string, unknown>, before: Block, after: Block): Record<string, unknown> {
  const { sequenceNumber, sequenceNumberForAllocation: notes } = foreign;
  const counted = typeof sequenceNumber === 'number' ? { sequenceNumber: countUp(sequenceNumber) } : {};
  if (typeof notes !== 'object' || notes === null) return { ...foreign, ...counted };
  const same = Object.entries(notes).filter(([ordinal]) => {
    const [was, is] = [before, after].map(({ allocations }) => allocations.get(Number(ordinal))?.handle);
    return is !== undefined && is === was;
  });
  return { ...foreign, ...counted, sequenceNumberForAllocation: Object.fromEntries(same) };
}

/** Calico begins at nanoseconds since 1970, where neighbouring numbers of ours are 256 apart. */
function countUp(number: number): number {
  return number + 1 > number ? number + 1 : number + 512;
}
