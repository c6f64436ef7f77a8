import { ByteReader, ByteWriter } from '../../base/bytes/index.ts';
import { ipToBytes } from '../../base/ip/index.ts';
import type { Ip } from '../../base/ip/index.ts';
import { parseMac } from '../netlink/link-codec.ts';

/** OpenFlow 1.3's version number, and types of messages (OpenFlow Switch Specification 1.3.5 §A.1). */
const VERSION = 4;
export const OFPT = {
  HELLO: 0,
  ERROR: 1,
  ECHO_REQUEST: 2,
  ECHO_REPLY: 3,
  FLOW_MOD: 14,
  MULTIPART_REQUEST: 18,
  MULTIPART_REPLY: 19,
  BARRIER_REQUEST: 20,
  BARRIER_REPLY: 21,
} as const;
const HEADER = 8;

/** The port of the bridge's own device. */
export const OFPP_LOCAL = 0xfffffffe;
const ANY = 0xffffffff;
const FLOW_MOD = { ADD: 0, DELETE: 3, DELETE_STRICT: 4 } as const;
const ALL_TABLES = 0xff;
/** Classes of match fields, and fields: OpenFlow's own, and Nicira's for tunnels (openvswitch/meta-flow.h). */
const BASIC = 0x8000;
const NICIRA = 0x0001;
const FIELD = {
  IN_PORT: 0,
  ETH_DST: 3,
  ETH_SRC: 4,
  TUN_IPV4_SRC: 31,
  TUN_IPV4_DST: 32,
  TUN_IPV6_SRC: 109,
  TUN_IPV6_DST: 110,
} as const;
const OFPAT_OUTPUT = 0;
const OFPAT_SET_FIELD = 25;
const OFPIT_APPLY_ACTIONS = 4;
const OFPMP_FLOW = 1;

/** A flow as Sluice needs them: frames between two hardware addresses, from one port to another. */
export interface Flow {
  readonly cookie: bigint;
  readonly priority: number;
  readonly inPort: number;
  readonly from?: string;
  readonly to?: string;
  /** The far end that a frame from a tunnel must have come from. */
  readonly tunnelSource?: Ip;
  /** The far end that a frame into a tunnel is sent to. */
  readonly tunnelDestination?: Ip;
  readonly outPort: number;
}

/** One message; `body` is what follows the header. */
export interface OpenFlowMessage {
  readonly type: number;
  readonly body: Uint8Array;
}

/** Writes one message: header (version, type, length, transaction id 0) and what `write` writes. */
export function encodeMessage(type: number, write: (writer: ByteWriter) => void = () => undefined): Uint8Array {
  const body = new ByteWriter(256);
  write(body);
  const writer = new ByteWriter(HEADER + body.length);
  writer.u8(VERSION);
  writer.u8(type);
  writer.u16be(HEADER + body.length);
  writer.u32be(0);
  writer.raw(body.view());
  return writer.view();
}

/** Adds a flow, in the place of one with the same match and priority. */
export function encodeAddFlow(flow: Flow): Uint8Array {
  return encodeFlowMod({ command: FLOW_MOD.ADD, cookie: flow.cookie, cookieMask: 0n, flow });
}

/** Removes the flow with the same match and priority. */
export function encodeDeleteFlow(flow: Flow): Uint8Array {
  return encodeFlowMod({ command: FLOW_MOD.DELETE_STRICT, cookie: 0n, cookieMask: 0n, flow });
}

/** Removes all flows whose cookie is this one. */
export function encodeDeleteCookie(cookie: bigint): Uint8Array {
  return encodeFlowMod({ command: FLOW_MOD.DELETE, cookie, cookieMask: 0xffff_ffff_ffff_ffffn, flow: undefined });
}

/** Asks for all flows. */
export function encodeFlowRequest(): Uint8Array {
  return encodeMessage(OFPT.MULTIPART_REQUEST, (writer) => {
    writer.u16be(OFPMP_FLOW);
    writer.zeros(6);
    writer.u8(ALL_TABLES);
    writer.zeros(3);
    writer.u32be(ANY);
    writer.u32be(ANY);
    writer.zeros(4 + 8 + 8);
    writeMatch(writer, () => undefined);
  });
}

/** The cookies of the flows in one reply to {@link encodeFlowRequest}, and whether there are more replies to come. */
export function decodeFlowReply(body: Uint8Array): { readonly cookies: readonly bigint[]; readonly more: boolean } {
  const more = (new ByteReader(body, 2).u16be() & 1) !== 0;
  const cookies: bigint[] = [];
  // Entry: length u16, then table, times, priority and flags up to the cookie at 24 (§A.3.5.2).
  for (let at = 8; at + 32 <= body.length;) {
    const length = new ByteReader(body, at).u16be();
    if (length < 32) break;
    cookies.push(new DataView(body.buffer, body.byteOffset + at + 24).getBigUint64(0));
    at += length;
  }
  return { cookies, more };
}

/** Type and code of an ERROR message. */
export function decodeError(body: Uint8Array): string {
  const reader = new ByteReader(body);
  return `OpenFlow error ${reader.u16be()}/${reader.u16be()}`;
}

/** Takes the bytes of a stream and gives messages. */
export class OpenFlowReader {
  #bytes: Uint8Array = new Uint8Array();

  push(bytes: Uint8Array): readonly OpenFlowMessage[] {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    const messages: OpenFlowMessage[] = [];
    while (this.#bytes.length >= HEADER) {
      const length = Math.max(HEADER, new ByteReader(this.#bytes, 2).u16be());
      if (this.#bytes.length < length) break;
      messages.push({ type: this.#bytes[1]!, body: this.#bytes.slice(HEADER, length) });
      this.#bytes = this.#bytes.subarray(length);
    }
    return messages;
  }
}

function encodeFlowMod(change: {
  readonly command: number;
  readonly cookie: bigint;
  readonly cookieMask: bigint;
  readonly flow: Flow | undefined;
}): Uint8Array {
  const { command, cookie, cookieMask, flow } = change;
  return encodeMessage(OFPT.FLOW_MOD, (writer) => {
    writer.u64be(cookie);
    writer.u64be(cookieMask);
    writer.u8(flow === undefined ? ALL_TABLES : 0);
    writer.u8(command);
    writer.zeros(4);
    writer.u16be(flow?.priority ?? 0);
    writer.u32be(ANY);
    writer.u32be(ANY);
    writer.u32be(ANY);
    writer.zeros(4);
    writeMatch(writer, () => flow && writeFields(writer, flow));
    if (flow !== undefined && command === FLOW_MOD.ADD) writeActions(writer, flow);
  });
}

/** `struct ofp_match`: type 1 (OXM), length without padding, fields, padded to eight bytes. */
function writeMatch(writer: ByteWriter, write: () => void): void {
  const start = writer.length;
  writer.u16be(1);
  writer.u16be(0);
  write();
  patch16(writer, start + 2, writer.length - start);
  padFrom(writer, start);
}

function writeFields(writer: ByteWriter, { inPort, from, to, tunnelSource }: Flow): void {
  writer.u32be(oxm(BASIC, FIELD.IN_PORT, 4));
  writer.u32be(inPort);
  if (to !== undefined) writeField(writer, BASIC, FIELD.ETH_DST, parseMac(to));
  if (from !== undefined) writeField(writer, BASIC, FIELD.ETH_SRC, parseMac(from));
  if (tunnelSource !== undefined)
    writeField(
      writer,
      NICIRA,
      tunnelSource.family === 4 ? FIELD.TUN_IPV4_SRC : FIELD.TUN_IPV6_SRC,
      ipToBytes(tunnelSource),
    );
}

function writeActions(writer: ByteWriter, { tunnelDestination, outPort }: Flow): void {
  const start = writer.length;
  writer.u16be(OFPIT_APPLY_ACTIONS);
  writer.u16be(0);
  writer.zeros(4);
  if (tunnelDestination !== undefined) {
    const action = writer.length;
    writer.u16be(OFPAT_SET_FIELD);
    writer.u16be(0);
    const field = tunnelDestination.family === 4 ? FIELD.TUN_IPV4_DST : FIELD.TUN_IPV6_DST;
    writeField(writer, NICIRA, field, ipToBytes(tunnelDestination));
    padFrom(writer, action);
    patch16(writer, action + 2, writer.length - action);
  }
  writer.u16be(OFPAT_OUTPUT);
  writer.u16be(16);
  writer.u32be(outPort);
  writer.zeros(8);
  patch16(writer, start + 2, writer.length - start);
}

function writeField(writer: ByteWriter, group: number, field: number, value: Uint8Array): void {
  writer.u32be(oxm(group, field, value.length));
  writer.raw(value);
}

/** Header of a match field: class, field, no mask, length (§7.2.3.2). */
function oxm(group: number, field: number, length: number): number {
  return ((group << 16) | (field << 9) | length) >>> 0;
}

function padFrom(writer: ByteWriter, start: number): void {
  writer.zeros(-(writer.length - start) & 7);
}

function patch16(writer: ByteWriter, at: number, value: number): void {
  writer.view().set([value >> 8, value & 0xff], at);
}
