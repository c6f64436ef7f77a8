import { Attributes, ByteReader, ByteWriter, attributeList } from '../../base/bytes/index.ts';
import type { SluiceError } from '../../base/errors.ts';
import type { NftOp, Transaction } from '../../core/nft/model.ts';
import { errnoError } from '../errno.ts';
import type { ErrnoCode } from '../errno.ts';
import { NLM_F_REQUEST, readAck, writeMessage } from '../netlink/message.ts';
import type { NetlinkMessage } from '../netlink/message.ts';
import {
  NFNL_MSG_BATCH_BEGIN,
  NFNL_MSG_BATCH_END,
  NFTA_LIST_ELEM,
  NFTA_SET_ELEM_LIST,
  SUBSYSTEM,
  messageType,
} from './constants.ts';
import { decodeElementKey } from './element-codec.ts';
import { encodeOp, writeNfgenmsg } from './op-codec.ts';

/** A transaction as the bytes of one send, with what is needed to say which step an error is about. */
export interface EncodedBatch {
  readonly bytes: Uint8Array;
  /** Sequence number of the first message; each following message has the next one. */
  readonly sequence: number;
  /** For each message in order: the index of its step (-1 for the batch's own two) and its offset in `bytes`. */
  readonly messages: readonly { readonly step: number; readonly offset: number }[];
}

/** AF_UNSPEC, which the batch's own messages carry. */
const UNSPECIFIED = 0;
const MESSAGE_HEADER = 16;
const NFGENMSG = 4;

/** Encodes the transaction between NFNL_MSG_BATCH_BEGIN and _END (net/netfilter/nfnetlink.c `nfnetlink_rcv_batch`). */
export function encodeBatch(transaction: Transaction, sequence: number, family?: number): EncodedBatch {
  const writer = new ByteWriter(1024);
  const messages: { step: number; offset: number }[] = [];
  const emit = (step: number, type: number, flags: number, write: () => void): void => {
    const header = { type, flags: NLM_F_REQUEST | flags, sequence: sequence + messages.length };
    messages.push({ step, offset: writer.length });
    writeMessage(writer, header, write);
  };
  emit(-1, NFNL_MSG_BATCH_BEGIN, 0, () => writeNfgenmsg(writer, UNSPECIFIED, SUBSYSTEM));
  for (const [step, op] of transaction.entries()) {
    const emitStep = (message: number, flags: number, write: () => void): void =>
      emit(step, messageType(message), flags, () => {
        writeNfgenmsg(writer, family);
        write();
      });
    encodeOp(writer, op, emitStep, step + 1);
  }
  emit(-1, NFNL_MSG_BATCH_END, 0, () => writeNfgenmsg(writer, UNSPECIFIED, SUBSYSTEM));
  return { bytes: writer.view(), sequence, messages };
}

/** The error that an NLMSG_ERROR in answer to `batch` stands for; undefined when it is about something else. */
export function batchError(
  answer: NetlinkMessage,
  batch: EncodedBatch,
  transaction: Transaction,
): SluiceError<ErrnoCode> | undefined {
  const message = batch.messages[answer.sequence - batch.sequence];
  const { errno, remark } = readAck(answer);
  if (message === undefined || errno === 0) return undefined;
  const op = transaction[message.step];
  if (op === undefined) return errnoError(errno, 'committing a packet filter transaction', {}, remark);
  const element = 'elements' in op ? blamedElement(answer, batch.bytes, message.offset) : undefined;
  const what = element === undefined ? describeOp(op) : `${describeOp(op)}, element ${element},`;
  return errnoError(errno, what, { op: summaryOf(op), ...(element === undefined ? {} : { element }) }, remark);
}

/** NLMSGERR_ATTR_OFFS: where in the request the attribute is that the kernel objects to. */
const NLMSGERR_ATTR_OFFS = 2;

function blamedElement(answer: NetlinkMessage, bytes: Uint8Array, offset: number): string | undefined {
  const extras = answer.payload.length > 4 + MESSAGE_HEADER ? answer.payload.subarray(4 + MESSAGE_HEADER) : undefined;
  const at = extras === undefined ? undefined : new Attributes(extras).u32(NLMSGERR_ATTR_OFFS);
  if (at === undefined) return undefined;
  const length = new ByteReader(bytes, offset).u32();
  const body = bytes.subarray(offset + MESSAGE_HEADER + NFGENMSG, offset + length);
  // Walk to the list, then to the element that starts at the offset.
  for (const [type, list] of attributeList(body)) {
    if (type !== NFTA_SET_ELEM_LIST.ELEMENTS) continue;
    for (const [kind, element] of attributeList(list))
      if (kind === NFTA_LIST_ELEM && element.byteOffset - bytes.byteOffset - 4 === offset + at)
        return decodeElementKey(element);
  }
  return undefined;
}

/** A step in words. */
export function describeOp(op: NftOp): string {
  switch (op.op) {
    case 'add-table':
      return 'adding the table';
    case 'destroy-table':
      return 'deleting the table';
    case 'add-set':
      return `adding set ${op.spec.name}`;
    case 'delete-set':
      return `deleting set ${op.name}`;
    case 'add-elements':
      return `adding ${op.elements.length} elements to set ${op.spec.name}`;
    case 'delete-elements':
      return `deleting ${op.elements.length} elements from set ${op.spec.name}`;
    case 'add-chain':
      return `adding chain ${op.name}`;
    case 'flush-chain':
      return `emptying chain ${op.name}`;
    case 'add-rule':
      return `adding a rule to chain ${op.chain}`;
    case 'delete-chain':
      return `deleting chain ${op.name}`;
  }
}

/** The step without its elements, which may be many. */
function summaryOf(op: NftOp): Readonly<Record<string, unknown>> {
  return 'elements' in op ? { ...op, elements: op.elements.length } : { ...op };
}
