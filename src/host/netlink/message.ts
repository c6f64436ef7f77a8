import { Attributes, ByteReader } from '../../base/bytes/index.ts';
import type { ByteWriter } from '../../base/bytes/index.ts';

/** One netlink message; `payload` is what follows `struct nlmsghdr` (linux/netlink.h). */
export interface NetlinkMessage {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly payload: Uint8Array;
}

/** Control message types (linux/netlink.h). */
export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;

/** Request flags (linux/netlink.h). */
export const NLM_F_REQUEST = 1;
export const NLM_F_ACK = 4;
export const NLM_F_DUMP = 0x300;
export const NLM_F_REPLACE = 0x100;
export const NLM_F_EXCL = 0x200;
export const NLM_F_CREATE = 0x400;
export const NLM_F_APPEND = 0x800;
/** Answer flag: the dumped table changed meanwhile, ask again. */
export const NLM_F_DUMP_INTR = 0x10;

const HEADER = 16;
const NLM_F_ACK_TLVS = 0x200;
const NLMSGERR_ATTR_MSG = 1;

/** Writes one message around the payload that `write` writes and fills in its length. */
export function writeMessage(
  writer: ByteWriter,
  header: { readonly type: number; readonly flags: number; readonly sequence: number },
  write: () => void,
): void {
  const start = writer.length;
  writer.u32(0);
  writer.u16(header.type);
  writer.u16(header.flags);
  writer.u32(header.sequence);
  writer.u32(0);
  write();
  writer.align(4);
  writer.patch32(start, writer.length - start);
}

/** The messages of one datagram; payloads are views of `bytes`. Throws a RangeError when a length is impossible. */
export function readMessages(bytes: Uint8Array): NetlinkMessage[] {
  const messages: NetlinkMessage[] = [];
  let at = 0;
  while (bytes.length - at >= HEADER) {
    const reader = new ByteReader(bytes, at);
    const length = reader.u32();
    const type = reader.u16();
    const flags = reader.u16();
    const sequence = reader.u32();
    if (length < HEADER || at + length > bytes.length)
      throw new RangeError(`netlink message claims ${length} bytes of ${bytes.length - at}`);
    messages.push({ type, flags, sequence, payload: bytes.subarray(at + HEADER, at + length) });
    at += (length + 3) & ~3;
  }
  return messages;
}

/**
 * What an NLMSG_ERROR says: `errno` is 0 for an acknowledgement, else positive; `remark` is the kernel's own text
 * (NETLINK_EXT_ACK). Expects NETLINK_CAP_ACK, so that only the request's header is echoed.
 */
export function readAck(message: NetlinkMessage): { readonly errno: number; readonly remark: string | undefined } {
  const reader = new ByteReader(message.payload);
  const errno = -reader.i32();
  const echoed = 4 + HEADER;
  if ((message.flags & NLM_F_ACK_TLVS) === 0 || message.payload.length < echoed)
    return { errno: errno === 0 ? 0 : errno, remark: undefined };
  return { errno, remark: new Attributes(message.payload.subarray(echoed)).text(NLMSGERR_ATTR_MSG) };
}
