import { messageOf, SluiceError } from '../../base/errors.ts';
import { formatIp, parseIp } from '../../base/ip/index.ts';
import type { Ip } from '../../base/ip/index.ts';
import type { Delta } from '../../core/calc/model.ts';
import { sha256 } from '../../base/sha256.ts';
import { formatRuntimeConfig, parseRuntimeConfig } from '../../core/cni/index.ts';
import type { Capabilities } from '../../core/cni/index.ts';
import { MACVLAN_MODES } from '../../core/routing/index.ts';
import type { MacvlanMode, SegmentPlace } from '../../core/routing/index.ts';

/** One pod interface that this node has wired: what must survive the agent to take the pod over again or to undo it. */
export interface EndpointRecord extends Capabilities {
  /** `handleOf(network, containerId, ifname)`: identity of the attachment and of its addresses. */
  readonly id: string;
  readonly network: string;
  readonly containerId: string;
  readonly ifname: string;
  readonly netns: string;
  readonly namespace: string;
  readonly pod: string;
  /** Host side. */
  readonly interface: string;
  /** Whether that is another network's bridge, with other pods on it. */
  readonly shared?: boolean;
  /** The pod's own port of that bridge, where it is known. */
  readonly port?: string;
  /** Of the pod's side. */
  readonly mac: string;
  readonly mtu: number;
  readonly addresses: readonly Ip[];
  /** Where the pod is on its node's own layer 2: `ifname` is that, and `interface` leads to the node alone. */
  readonly macvlan?: MacvlanPlace;
}

/** A pod's macvlan device. */
export interface MacvlanPlace {
  readonly master: string;
  readonly mode: MacvlanMode;
  /** In the order of the record's addresses. */
  readonly places: readonly SegmentPlace[];
  /** Packet mark by which the device knows what the pod's packet filter has let out; a secret from the pod. 0: none. */
  readonly seal: number;
}

/** Host side's hardware address on every pod link: pods have one permanent neighbour, whatever happens behind it. */
export const HOST_MAC = 'ee:ee:ee:ee:ee:ee';
/** In the pod, the link to its node where it has another to everybody else. */
export const NODE_LINK = 'to-node';
/** Prefix of the interfaces that are Sluice's; the packet filter drops unknown ones. */
export const INTERFACE_PREFIX = 'slc';

/** Host-side interface of an attachment: `slc` and 44 bits of the id's digest, which fills the kernel's 15 characters. */
export function interfaceName(id: string): string {
  return `${INTERFACE_PREFIX}${sha256(id).slice(0, 11)}`;
}

/**
 * The device that limits what an attachment sends; of the same digest. Not with the prefix of pods' interfaces: it is none.
 */
export function shaperName(id: string): string {
  return `slq${sha256(id).slice(0, 11)}`;
}

/** Hardware address of the pod's side: locally administered, from another part of the digest. */
export function podMac(id: string): string {
  const digits = sha256(id).slice(20, 30);
  return `02:${digits.match(/../g)!.join(':')}`;
}

/** The endpoint for the packet filter. */
export function endpointDelta({
  id,
  interface: link,
  shared,
  namespace,
  pod,
  addresses,
  hostPorts,
}: EndpointRecord): Delta {
  const more = { ...(shared === true ? { shared } : {}), ...(hostPorts === undefined ? {} : { hostPorts }) };
  const value = { id, interface: link, pod: `${namespace}/${pod}`, addresses, ...more };
  return { kind: 'local-endpoint', key: id, value };
}

/** One line of JSON. */
export function encodeRecord(record: EndpointRecord): string {
  const { addresses, macvlan, hostPorts: _, bandwidth: __, ...rest } = record;
  const places = macvlan?.places.map(({ prefix, gateway }) => ({
    prefix,
    ...(gateway === undefined ? {} : { gateway: formatIp(gateway) }),
  }));
  const runtimeConfig = formatRuntimeConfig(record);
  const plain = {
    ...rest,
    addresses: addresses.map(formatIp),
    ...(runtimeConfig === undefined ? {} : { runtimeConfig }),
  };
  return `${JSON.stringify(macvlan === undefined ? plain : { ...plain, macvlan: { ...macvlan, places } })}\n`;
}

/** Inverse of {@link encodeRecord}; throws `bad-record` on anything else. */
export function decodeRecord(text: string): EndpointRecord {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new SluiceError('bad-record', 'the endpoint record is not JSON', {}, error);
  }
  const fields = (typeof value === 'object' && value !== null ? value : {}) as Readonly<Record<string, unknown>>;
  const textOf = (key: string): string => {
    const field = fields[key];
    if (typeof field !== 'string') throw new SluiceError('bad-record', `the endpoint record has no ${key}`);
    return field;
  };
  const { addresses, mtu } = fields;
  const parsed = Array.isArray(addresses)
    ? addresses.map((each) => (typeof each === 'string' ? parseIp(each) : undefined))
    : [];
  if (parsed.length === 0 || parsed.includes(undefined) || typeof mtu !== 'number')
    throw new SluiceError('bad-record', 'the endpoint record has no valid addresses and MTU');
  return {
    id: textOf('id'),
    network: textOf('network'),
    containerId: textOf('containerId'),
    ifname: textOf('ifname'),
    netns: textOf('netns'),
    namespace: textOf('namespace'),
    pod: textOf('pod'),
    interface: textOf('interface'),
    ...(fields['shared'] === true ? { shared: true } : {}),
    ...(typeof fields['port'] === 'string' ? { port: fields['port'] } : {}),
    mac: textOf('mac'),
    mtu,
    addresses: parsed as readonly Ip[],
    ...decodeCapabilities(fields['runtimeConfig']),
    ...(fields['macvlan'] === undefined ? {} : { macvlan: decodeMacvlan(fields['macvlan']) }),
  };
}

function decodeCapabilities(value: unknown): Capabilities {
  try {
    return parseRuntimeConfig(value as Parameters<typeof parseRuntimeConfig>[0]);
  } catch (error) {
    throw new SluiceError('bad-record', `the endpoint record is not valid: ${messageOf(error)}`, {}, error);
  }
}

function decodeMacvlan(value: unknown): MacvlanPlace {
  const { master, mode, places, seal } = (value ?? {}) as Readonly<Record<string, unknown>>;
  const known = MACVLAN_MODES.find((each) => each === mode);
  if (typeof master !== 'string' || known === undefined || !Array.isArray(places) || typeof seal !== 'number')
    throw new SluiceError('bad-record', 'the endpoint record has no valid macvlan device');
  return { master, mode: known, places: places.map(decodePlace), seal };
}

function decodePlace(value: unknown): SegmentPlace {
  const { prefix, gateway } = (value ?? {}) as Readonly<Record<string, unknown>>;
  const via = typeof gateway === 'string' ? parseIp(gateway) : undefined;
  if (typeof prefix !== 'number' || (gateway !== undefined && via === undefined))
    throw new SluiceError('bad-record', 'the endpoint record has no valid place on a segment');
  return { prefix, ...(via === undefined ? {} : { gateway: via }) };
}
