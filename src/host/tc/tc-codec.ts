import {
  attribute,
  attributeNest,
  Attributes,
  attributeText,
  attributeU32,
  ByteReader,
  ByteWriter,
} from '../../base/bytes/index.ts';
import type { TokenBucket } from './port.ts';

/** Message types (linux/rtnetlink.h). */
export const RTM_TC = { NEWQDISC: 36, GETQDISC: 38, NEWTFILTER: 44, GETTFILTER: 46 } as const;

/** Places of a queue (linux/pkt_sched.h). */
const TC_H_ROOT = 0xffff_ffff;
const TC_H_INGRESS = 0xffff_fff1;
/** `1:` and `ffff:`, as everybody numbers them. */
const ROOT_HANDLE = 0x1_0000;
export const INGRESS_HANDLE = 0xffff_0000;

/** linux/rtnetlink.h. */
const TCA_KIND = 1;
const TCA_OPTIONS = 2;
/** `struct tcmsg`. */
const TCMSG = 20;
/** TCA_TBF_* and TC_LINKLAYER_ETHERNET (linux/pkt_sched.h). */
const TBF = { PARMS: 1, RATE64: 4, BURST: 6 } as const;
const ETHERNET = 1;
const MAX_U32 = 0xffff_ffff;
/** TCA_U32_* (linux/pkt_cls.h). */
const U32 = { SEL: 5, ACT: 7 } as const;
const TC_U32_TERMINAL = 1;
/** Actions (linux/pkt_cls.h, linux/tc_act/tc_mirred.h). */
const ACT = { KIND: 1, OPTIONS: 2 } as const;
const TCA_MIRRED_PARMS = 2;
const TC_ACT_STOLEN = 4;
const TCA_EGRESS_REDIR = 1;
/** Offset of `ifindex` in `struct tc_mirred`. */
const MIRRED_IFINDEX = 24;
/** The filter's place, and ETH_P_ALL in network order. */
const FIRST_OF_ALL = (1 << 16) | 0x0300;

/** Nanoseconds per tick of the kernel's packet scheduler (PSCHED_SHIFT, net/pkt_sched.h). */
const TICK = 64;

/** Payload of the RTM_NEWQDISC that makes a token bucket the root queue of `link`. */
export function encodeTokenBucket(writer: ByteWriter, link: number, { rate, burst, limit }: TokenBucket): void {
  writeTcmsg(writer, { link, handle: ROOT_HANDLE, parent: TC_H_ROOT });
  attributeText(writer, TCA_KIND, 'tbf');
  attributeNest(writer, TCA_OPTIONS, () => {
    const parms = new ByteWriter(36);
    parms.u8(0);
    // Else the kernel looks for a table of transmission times, which only old ones needed.
    parms.u8(ETHERNET);
    parms.zeros(6);
    parms.u32(Math.min(rate, MAX_U32));
    parms.zeros(12);
    parms.u32(limit);
    // In ticks, which do not reach far at low rates; the attribute says it in bytes.
    parms.u32(Math.min(Math.round(ticksOf(burst, rate)), MAX_U32));
    parms.u32(0);
    attribute(writer, TBF.PARMS, parms.view());
    if (rate > MAX_U32) {
      const wide = new ByteWriter(8);
      wide.u64(BigInt(rate));
      attribute(writer, TBF.RATE64, wide.view());
    }
    attributeU32(writer, TBF.BURST, burst);
  });
}

/** A token bucket at the root of a link, and the link; undefined for any other queue. */
export function decodeTokenBucket(
  payload: Uint8Array,
): { readonly link: number; readonly bucket: TokenBucket } | undefined {
  const reader = new ByteReader(payload);
  reader.skip(4);
  const link = reader.i32();
  reader.skip(4);
  const parent = reader.u32();
  const attributes = new Attributes(payload.subarray(TCMSG));
  const options = attributes.text(TCA_KIND) === 'tbf' ? attributes.nested(TCA_OPTIONS) : undefined;
  const parms = options?.bytes(TBF.PARMS);
  if (parent !== TC_H_ROOT || options === undefined || parms === undefined) return undefined;
  const fields = new ByteReader(parms);
  fields.skip(8);
  const narrow = fields.u32();
  fields.skip(12);
  const limit = fields.u32();
  const ticks = fields.u32();
  const wide = options.bytes(TBF.RATE64);
  const rate =
    wide === undefined ? narrow : Number(new DataView(wide.buffer, wide.byteOffset, 8).getBigUint64(0, true));
  return { link, bucket: { rate, burst: (ticks * TICK * rate) / 1e9, limit } };
}

/** The link of a queue; undefined for the kind that keeps nothing, which links have by themselves. */
export function decodeQueued(payload: Uint8Array): number | undefined {
  const reader = new ByteReader(payload);
  reader.skip(4);
  const link = reader.i32();
  return new Attributes(payload.subarray(TCMSG)).text(TCA_KIND) === 'noqueue' ? undefined : link;
}

/** Payload of the RTM_NEWQDISC that gives `link` a place for filters of what comes in. */
export function encodeIngress(writer: ByteWriter, link: number): void {
  writeTcmsg(writer, { link, handle: INGRESS_HANDLE, parent: TC_H_INGRESS });
  attributeText(writer, TCA_KIND, 'ingress');
}

/** Payload of the RTM_NEWTFILTER that leads everything which comes in by `link` through `to`: `u32` with action `mirred`. */
export function encodeDiversion(writer: ByteWriter, link: number, to: number): void {
  writeTcmsg(writer, { link, handle: 0, parent: INGRESS_HANDLE, info: FIRST_OF_ALL });
  attributeText(writer, TCA_KIND, 'u32');
  attributeNest(writer, TCA_OPTIONS, () => {
    attribute(writer, U32.SEL, matchAll());
    attributeNest(writer, U32.ACT, () =>
      attributeNest(writer, 1, () => {
        attributeText(writer, ACT.KIND, 'mirred');
        attributeNest(writer, ACT.OPTIONS, () => attribute(writer, TCA_MIRRED_PARMS, redirection(to)));
      }),
    );
  });
}

/** Where a filter of {@link encodeDiversion} leads; undefined for any other, and for what the kernel keeps around it. */
export function decodeDiversion(payload: Uint8Array): number | undefined {
  const action = new Attributes(payload.subarray(TCMSG)).nested(TCA_OPTIONS)?.nested(U32.ACT)?.nested(1);
  if (action?.text(ACT.KIND) !== 'mirred') return undefined;
  const parms = action.nested(ACT.OPTIONS)?.bytes(TCA_MIRRED_PARMS);
  return parms === undefined ? undefined : new DataView(parms.buffer, parms.byteOffset).getUint32(MIRRED_IFINDEX, true);
}

/** Payload that asks for the queues of all links, or for the filters at one place of a link. */
export function encodeTcDump(writer: ByteWriter, link = 0, parent = 0): void {
  writeTcmsg(writer, { link, handle: 0, parent });
}

/** Whether a bucket that was read is the one that was asked for: a burst is kept as time, in whole ticks of 32 bits. */
export function isSameBucket(asked: TokenBucket, read: TokenBucket): boolean {
  const ticks = ticksOf(asked.burst, asked.rate);
  const sameBurst = ticks > MAX_U32 || Math.abs(ticksOf(read.burst, read.rate) - ticks) <= 2 + ticks / 1000;
  return asked.rate === read.rate && asked.limit === read.limit && sameBurst;
}

function ticksOf(bytes: number, rate: number): number {
  return (bytes * 1e9) / rate / TICK;
}

interface Place {
  readonly link: number;
  readonly handle: number;
  readonly parent: number;
  readonly info?: number;
}

function writeTcmsg(writer: ByteWriter, { link, handle, parent, info = 0 }: Place): void {
  writer.u32(0);
  writer.u32(link);
  writer.u32(handle);
  writer.u32(parent);
  writer.u32(info);
}

/** `struct tc_u32_sel` with one key whose mask is empty. */
function matchAll(): Uint8Array {
  const writer = new ByteWriter(32);
  writer.u8(TC_U32_TERMINAL);
  writer.u8(0);
  writer.u8(1);
  writer.zeros(29);
  return writer.view();
}

/** `struct tc_mirred`. */
function redirection(to: number): Uint8Array {
  const writer = new ByteWriter(28);
  writer.zeros(8);
  writer.u32(TC_ACT_STOLEN);
  writer.zeros(8);
  writer.u32(TCA_EGRESS_REDIR);
  writer.u32(to);
  return writer.view();
}
