import { attribute, attributeNest, attributeU16be, attributeU32be, attributeU8 } from '../../base/bytes/index.ts';
import type { Attributes, ByteWriter } from '../../base/bytes/index.ts';
import { ipFromBytes, ipToBytes } from '../../base/ip/index.ts';
import type { FlowFilter, FlowTuple, TrackedFlow } from './port.ts';

/** CTA_* (linux/netfilter/nfnetlink_conntrack.h). */
const CTA = {
  TUPLE_ORIG: 1,
  TUPLE_REPLY: 2,
  STATUS: 3,
  TIMEOUT: 7,
  MARK: 8,
  ID: 12,
  ZONE: 18,
  MARK_MASK: 21,
} as const;
const CTA_TUPLE_IP = 1;
const CTA_TUPLE_PROTO = 2;
const CTA_IP = { 4: { source: 1, destination: 2 }, 6: { source: 3, destination: 4 } } as const;
const CTA_PROTO = { NUM: 1, SRC_PORT: 2, DST_PORT: 3 } as const;
const ICMP_ATTRIBUTES = { 4: { id: 4, type: 5, code: 6 }, 6: { id: 7, type: 8, code: 9 } } as const;

/** IANA protocol numbers that carry no ports but an ICMP query id. */
const ICMP: ReadonlySet<number> = new Set([1, 58]);

/** Attributes of a dump request; the kernel applies the mark itself (net/netfilter/nf_conntrack_netlink.c). */
export function encodeFlowFilter(writer: ByteWriter, filter: FlowFilter): void {
  if (filter.mark === undefined) return;
  attributeU32be(writer, CTA.MARK, filter.mark.value);
  attributeU32be(writer, CTA.MARK_MASK, filter.mark.mask);
}

/** Attributes that name one flow. */
export function encodeFlowName(writer: ByteWriter, flow: TrackedFlow): void {
  encodeTuple(writer, CTA.TUPLE_ORIG, flow.original);
  if (flow.zone !== 0) attributeU16be(writer, CTA.ZONE, flow.zone);
}

/** Attributes that tell this flow from a later one with the same tuple; deletions honour it. */
export function encodeFlowId(writer: ByteWriter, flow: TrackedFlow): void {
  attributeU32be(writer, CTA.ID, flow.id);
}

/** Attributes that change the masked bits of a flow's mark; the kernel clears them, then XORs the value in. */
export function encodeMark(writer: ByteWriter, mark: { readonly value: number; readonly mask: number }): void {
  attributeU32be(writer, CTA.MARK, mark.value & mark.mask);
  attributeU32be(writer, CTA.MARK_MASK, mark.mask);
}

/** The flow that IPCTNL_MSG_CT_NEW describes; undefined when a tuple is missing. */
export function decodeFlow(attributes: Attributes): TrackedFlow | undefined {
  const original = decodeTuple(attributes.nested(CTA.TUPLE_ORIG));
  const reply = decodeTuple(attributes.nested(CTA.TUPLE_REPLY));
  if (original === undefined || reply === undefined) return undefined;
  return {
    original,
    reply,
    mark: attributes.u32be(CTA.MARK) ?? 0,
    status: attributes.u32be(CTA.STATUS) ?? 0,
    timeout: attributes.u32be(CTA.TIMEOUT),
    id: attributes.u32be(CTA.ID) ?? 0,
    zone: attributes.u16be(CTA.ZONE) ?? 0,
  };
}

function encodeTuple(writer: ByteWriter, type: number, tuple: FlowTuple): void {
  const { family } = tuple.source;
  attributeNest(writer, type, () => {
    attributeNest(writer, CTA_TUPLE_IP, () => {
      attribute(writer, CTA_IP[family].source, ipToBytes(tuple.source));
      attribute(writer, CTA_IP[family].destination, ipToBytes(tuple.destination));
    });
    attributeNest(writer, CTA_TUPLE_PROTO, () => {
      attributeU8(writer, CTA_PROTO.NUM, tuple.protocol);
      if (tuple.sourcePort !== undefined) attributeU16be(writer, CTA_PROTO.SRC_PORT, tuple.sourcePort);
      if (tuple.destinationPort !== undefined) attributeU16be(writer, CTA_PROTO.DST_PORT, tuple.destinationPort);
      if (tuple.icmp === undefined) return;
      const types = ICMP_ATTRIBUTES[family];
      attributeU16be(writer, types.id, tuple.icmp.id);
      attributeU8(writer, types.type, tuple.icmp.type);
      attributeU8(writer, types.code, tuple.icmp.code);
    });
  });
}

function decodeTuple(tuple: Attributes | undefined): FlowTuple | undefined {
  const ip = tuple?.nested(CTA_TUPLE_IP);
  const proto = tuple?.nested(CTA_TUPLE_PROTO);
  const family = ip?.has(CTA_IP[6].source) === true ? 6 : 4;
  const source = ip?.bytes(CTA_IP[family].source);
  const destination = ip?.bytes(CTA_IP[family].destination);
  const protocol = proto?.u8(CTA_PROTO.NUM);
  if (proto === undefined || source === undefined || destination === undefined || protocol === undefined)
    return undefined;
  return {
    source: ipFromBytes(source),
    destination: ipFromBytes(destination),
    protocol,
    ...(ICMP.has(protocol) ? icmpOf(proto, family) : portsOf(proto)),
  };
}

function icmpOf(proto: Attributes, family: 4 | 6): Pick<FlowTuple, 'icmp'> {
  const types = ICMP_ATTRIBUTES[family];
  return {
    icmp: { id: proto.u16be(types.id) ?? 0, type: proto.u8(types.type) ?? 0, code: proto.u8(types.code) ?? 0 },
  };
}

function portsOf(proto: Attributes): Pick<FlowTuple, 'sourcePort' | 'destinationPort'> {
  const sourcePort = proto.u16be(CTA_PROTO.SRC_PORT);
  const destinationPort = proto.u16be(CTA_PROTO.DST_PORT);
  return sourcePort === undefined || destinationPort === undefined ? {} : { sourcePort, destinationPort };
}
