import { ProtoReader } from '../protobuf/proto-reader.ts';
import { ProtoWriter } from '../protobuf/proto-writer.ts';
import type {
  Compare,
  KeyRange,
  KeyValue,
  Operation,
  RangeResult,
  TxnRequest,
  TxnResult,
  WatchEvent,
} from './types.ts';

// Field numbers: etcd api/etcdserverpb/rpc.proto and api/mvccpb/kv.proto, the same since 3.0.

const COMPARE_TARGET = { version: 0, create: 1, mod: 2 } as const;
/** Fields of the number that is compared with, by target. */
const COMPARE_FIELD = { version: 4, create: 5, mod: 6 } as const;
const COMPARE_RESULT = { equal: 0, greater: 1, less: 2, unequal: 3 } as const;

/** The key after all keys that begin with `prefix`: etcd's way to say a prefix. */
export function prefixEnd(prefix: string): Buffer {
  const end = Buffer.from(prefix);
  for (let i = end.length - 1; i >= 0; i--) {
    if (end[i]! === 0xff) continue;
    end[i]!++;
    return end.subarray(0, i + 1);
  }
  return Buffer.of(0);
}

function keys(writer: ProtoWriter, range: KeyRange): ProtoWriter {
  if ('key' in range) return writer.text(1, range.key);
  return writer.text(1, range.from ?? range.prefix).bytes(2, prefixEnd(range.prefix));
}

/** `RangeRequest`, whole or as a part of a transaction. */
export function encodeRange(range: KeyRange): ProtoWriter {
  return keys(new ProtoWriter(), range).integer(3, range.limit).integer(4, range.revision).flag(8, range.keysOnly);
}

function encodeOperation(operation: Operation): ProtoWriter {
  const writer = new ProtoWriter();
  switch (operation.kind) {
    case 'range':
      return writer.message(1, encodeRange(operation.range));
    case 'put':
      return writer.message(
        2,
        new ProtoWriter().text(1, operation.key).text(2, operation.value).integer(3, operation.lease),
      );
    case 'delete':
      return writer.message(3, keys(new ProtoWriter(), operation.range));
  }
}

function encodeCompare({ key, target, is = 'equal', value }: Compare): ProtoWriter {
  return new ProtoWriter()
    .integer(1, COMPARE_RESULT[is])
    .integer(2, COMPARE_TARGET[target])
    .text(3, key)
    .integer(COMPARE_FIELD[target], value);
}

/** `TxnRequest`. */
export function encodeTxn({ when, success, failure = [] }: TxnRequest): Buffer {
  return new ProtoWriter()
    .messages(1, when.map(encodeCompare))
    .messages(2, success.map(encodeOperation))
    .messages(3, failure.map(encodeOperation))
    .finish();
}

/** A watch of a range from a revision on, with what each key was before and with progress notes. */
export function encodeWatchCreate(range: KeyRange, startRevision: number): Buffer {
  const create = keys(new ProtoWriter(), range).integer(3, startRevision).flag(4, true).flag(6, true);
  return new ProtoWriter().message(1, create).finish();
}

/** `LeaseGrantRequest`; `id` 0 has etcd choose one. */
export function encodeLeaseGrant(id: number, seconds: number): Buffer {
  return new ProtoWriter().integer(1, seconds).integer(2, id).finish();
}

/** Of a keep-alive and of a revocation: both name just the lease. */
export function encodeLeaseId(id: number): Buffer {
  return new ProtoWriter().integer(1, id).finish();
}

/** `CompactionRequest`; answered when what is older is gone from the disk, too. */
export function encodeCompaction(revision: number): Buffer {
  return new ProtoWriter().integer(1, revision).flag(2, true).finish();
}

/** `AuthenticateRequest`. */
export function encodeAuthenticate(name: string, password: string): Buffer {
  return new ProtoWriter().text(1, name).text(2, password).finish();
}

/** The token of an `AuthenticateResponse`; empty when it has none. */
export function decodeToken(message: Buffer): string {
  let token = '';
  for (const { number, bytes } of new ProtoReader(message).fields()) if (number === 2) token = bytes.toString();
  return token;
}

/** Of a keep-alive: seconds that the lease has left; 0 when there is no such lease any more. */
export function decodeKeepAlive(message: Buffer): number {
  let seconds = 0;
  for (const { number, varint } of new ProtoReader(message).fields()) if (number === 3) seconds = varint;
  return seconds;
}

/** `RangeResponse`. Throws a RangeError when it is malformed, as all that decode do. */
export function decodeRange(message: Buffer): RangeResult {
  const items: KeyValue[] = [];
  let revision = 0;
  let more = false;
  for (const { number, bytes, varint } of new ProtoReader(message).fields()) {
    if (number === 1) revision = decodeHeader(bytes);
    if (number === 2) items.push(decodeKeyValue(bytes));
    if (number === 3) more = varint === 1;
  }
  return { items, revision, more };
}

/** `TxnResponse`. */
export function decodeTxn(message: Buffer): TxnResult {
  const ranges: (readonly KeyValue[])[] = [];
  let revision = 0;
  let succeeded = false;
  for (const { number, bytes, varint } of new ProtoReader(message).fields()) {
    if (number === 1) revision = decodeHeader(bytes);
    if (number === 2) succeeded = varint === 1;
    if (number !== 3) continue;
    for (const response of new ProtoReader(bytes).fields())
      if (response.number === 1) ranges.push(decodeRange(response.bytes).items);
  }
  return { succeeded, revision, ranges };
}

/** One message of a watch stream. */
export interface WatchMessage {
  readonly revision: number;
  readonly created: boolean;
  readonly canceled: boolean;
  /** Not 0: the watch asked for a revision before this one, and those are no longer kept. */
  readonly compactRevision: number;
  readonly reason: string;
  readonly events: readonly WatchEvent[];
}

/** `WatchResponse`. */
export function decodeWatch(message: Buffer): WatchMessage {
  const events: WatchEvent[] = [];
  const result = { revision: 0, created: false, canceled: false, compactRevision: 0, reason: '', events };
  for (const { number, bytes, varint } of new ProtoReader(message).fields()) {
    if (number === 1) result.revision = decodeHeader(bytes);
    if (number === 3) result.created = varint === 1;
    if (number === 4) result.canceled = varint === 1;
    if (number === 5) result.compactRevision = varint;
    if (number === 6) result.reason = bytes.toString();
    if (number === 11) events.push(decodeEvent(bytes));
  }
  return result;
}

function decodeEvent(message: Buffer): WatchEvent {
  let kind: WatchEvent['kind'] = 'put';
  let item: KeyValue | undefined;
  let previous: KeyValue | undefined;
  for (const { number, bytes, varint } of new ProtoReader(message).fields()) {
    if (number === 1) kind = varint === 1 ? 'delete' : 'put';
    if (number === 2) item = decodeKeyValue(bytes);
    if (number === 3) previous = decodeKeyValue(bytes);
  }
  if (item === undefined) throw new RangeError('an event without a key');
  return { kind, item, previous };
}

function decodeKeyValue(message: Buffer): KeyValue {
  const item = { key: '', value: '', createRevision: 0, modRevision: 0, version: 0, lease: 0 };
  for (const { number, bytes, varint } of new ProtoReader(message).fields()) {
    if (number === 1) item.key = bytes.toString();
    if (number === 2) item.createRevision = varint;
    if (number === 3) item.modRevision = varint;
    if (number === 4) item.version = varint;
    if (number === 5) item.value = bytes.toString();
    if (number === 6) item.lease = varint;
  }
  return item;
}

function decodeHeader(message: Buffer): number {
  let revision = 0;
  for (const { number, varint } of new ProtoReader(message).fields()) if (number === 3) revision = varint;
  return revision;
}
