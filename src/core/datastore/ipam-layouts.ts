import { formatCidr, networkOf, parseCidr } from '../../base/ip/index.ts';
import type { Cidr } from '../../base/ip/index.ts';
import { affinityName, blockName } from '../ipam/index.ts';
import { parseObject } from './resource-layout.ts';
import type { EtcdLayout, StoredObject } from './stored-object.ts';

// Address management lies in etcd in a form of its own, older than the resources (libcalico-go/lib/backend/model/block.go,
// block_affinity.go, ipam_handle.go and ipam_config.go): the spec alone, with what is in the key left out.

const ROOT = '/calico/ipam/v2';

/** Labels and annotations have no place in these values. Calico ignores fields that it does not know. */
const METADATA_FIELD = 'sluice.dev/metadata';

type Fields = Readonly<Record<string, unknown>>;

/** `/calico/ipam/v2/assignment/ipv4/block/10.244.0.0-26`. */
export const BLOCK_LAYOUT: EtcdLayout = {
  whole: false,
  prefix: () => `${ROOT}/assignment/`,
  keyOf: (object) => blockKey(cidrOf(object)),
  keysOf: (name) => cidrsNamed(name).map(blockKey),
  encode: (object) => {
    const { affinity = null, ...spec } = specOf(object);
    return JSON.stringify({ affinity, sequenceNumber: 0, ...spec, ...extraOf(object) });
  },
  decode: (key, value) => {
    const cidr = cidrInKey(/^\/calico\/ipam\/v2\/assignment\/ipv[46]\/block\/([^/]+)$/.exec(key)?.[1]);
    const fields = parseObject(value);
    if (cidr === undefined || fields === undefined) return undefined;
    const { [METADATA_FIELD]: extra, affinity, hostAffinity, ...spec } = fields;
    const owner = affinity ?? (typeof hostAffinity === 'string' ? `host:${hostAffinity}` : undefined);
    return {
      metadata: { ...(extra as object | undefined), name: blockName(cidr) },
      spec: { ...spec, ...(owner === undefined || owner === null ? {} : { affinity: owner }) },
    };
  },
};

/** `/calico/ipam/v2/host/node-1/ipv4/block/10.244.0.0-26`. */
export const AFFINITY_LAYOUT: EtcdLayout = {
  whole: false,
  prefix: () => `${ROOT}/host/`,
  keyOf: (object) => affinityKey(String(specOf(object)['node']), cidrOf(object)),
  keysOf: (name) =>
    [...name.matchAll(/-/g)].flatMap(({ index }) =>
      cidrsNamed(name.slice(index + 1)).map((cidr) => affinityKey(name.slice(0, index), cidr)),
    ),
  encode: (object) => {
    const { node: _node, cidr: _cidr, deleted, ...rest } = specOf(object);
    return JSON.stringify({ ...rest, deleted: deleted === true || deleted === 'true', ...extraOf(object) });
  },
  decode: (key, value) => {
    const match = /^\/calico\/ipam\/v2\/host\/([^/]+)\/ipv[46]\/block\/([^/]+)$/.exec(key);
    const cidr = cidrInKey(match?.[2]);
    const fields = parseObject(value);
    if (match === null || cidr === undefined || fields === undefined) return undefined;
    const { [METADATA_FIELD]: extra, deleted, ...rest } = fields;
    const node = match[1]!;
    const spec = { ...rest, node, cidr: formatCidr(cidr), deleted: deleted === true ? 'true' : 'false' };
    return { metadata: { ...(extra as object | undefined), name: affinityName(node, cidr) }, spec };
  },
};

/** `/calico/ipam/v2/handle/<id>`. */
export const HANDLE_LAYOUT: EtcdLayout = {
  whole: false,
  prefix: () => `${ROOT}/handle/`,
  keyOf: (object) => {
    const id = specOf(object)['handleID'];
    return `${ROOT}/handle/${typeof id === 'string' ? id : object.metadata.name}`;
  },
  keysOf: (name) => [`${ROOT}/handle/${name}`],
  encode: (object) => {
    const { handleID: _, ...rest } = specOf(object);
    return JSON.stringify({ ...rest, ...extraOf(object) });
  },
  decode: (key, value) => {
    const id = /^\/calico\/ipam\/v2\/handle\/([^/]+)$/.exec(key)?.[1];
    const fields = parseObject(value);
    if (id === undefined || fields === undefined) return undefined;
    const { [METADATA_FIELD]: extra, ...rest } = fields;
    return { metadata: { ...(extra as object | undefined), name: id }, spec: { handleID: id, ...rest } };
  },
};

/** `/calico/ipam/v2/config`, with two of the three fields spelt otherwise than in the resource `default`. */
export const CONFIG_LAYOUT: EtcdLayout = {
  whole: false,
  prefix: () => `${ROOT}/config`,
  keyOf: () => `${ROOT}/config`,
  keysOf: (name) => (name === 'default' ? [`${ROOT}/config`] : []),
  encode: (object) => {
    const { strictAffinity, autoAllocateBlocks, ...rest } = specOf(object);
    const renamed = { strict_affinity: strictAffinity, auto_allocate_blocks: autoAllocateBlocks };
    return JSON.stringify({ ...renamed, ...rest, ...extraOf(object) });
  },
  decode: (key, value) => {
    const fields = key === `${ROOT}/config` ? parseObject(value) : undefined;
    if (fields === undefined) return undefined;
    const { [METADATA_FIELD]: extra, strict_affinity, auto_allocate_blocks, ...rest } = fields;
    // Calico leaves out what is false.
    const spec = {
      strictAffinity: strict_affinity === true,
      autoAllocateBlocks: auto_allocate_blocks === true,
      ...rest,
    };
    return { metadata: { ...(extra as object | undefined), name: 'default' }, spec };
  },
};

function blockKey(cidr: Cidr): string {
  return `${ROOT}/assignment/ipv${cidr.ip.family}/block/${formatCidr(cidr).replace('/', '-')}`;
}

function affinityKey(node: string, cidr: Cidr): string {
  return `${ROOT}/host/${node}/ipv${cidr.ip.family}/block/${formatCidr(cidr).replace('/', '-')}`;
}

function specOf({ spec }: StoredObject): Fields {
  return (spec ?? {}) as Fields;
}

function cidrOf(object: StoredObject): Cidr {
  const text = specOf(object)['cidr'];
  const cidr = typeof text === 'string' ? parseCidr(text) : undefined;
  if (cidr === undefined)
    throw new RangeError(`${object.metadata.name}: spec.cidr ${JSON.stringify(text)} is not a CIDR`);
  return networkOf(cidr);
}

function cidrInKey(text: string | undefined): Cidr | undefined {
  return text === undefined ? undefined : parseCidr(text.replace('-', '/'));
}

/** The networks that are named so, see `blockName`: the name has lost the difference between `.`, `:` and `/`. */
function cidrsNamed(name: string): readonly Cidr[] {
  const prefix = name.slice(name.lastIndexOf('-') + 1);
  const address = name.slice(0, -1 - prefix.length);
  return ['.', ':']
    .map((separator) => parseCidr(`${address.replaceAll('-', separator)}/${prefix}`))
    .filter((cidr) => cidr !== undefined)
    .filter((cidr) => blockName(networkOf(cidr)) === name);
}

function extraOf({ metadata: { labels, annotations } }: StoredObject): Fields {
  const extra = { ...(isEmpty(labels) ? {} : { labels }), ...(isEmpty(annotations) ? {} : { annotations }) };
  return isEmpty(extra) ? {} : { [METADATA_FIELD]: extra };
}

function isEmpty(record: object | undefined): boolean {
  return record === undefined || Object.keys(record).length === 0;
}
