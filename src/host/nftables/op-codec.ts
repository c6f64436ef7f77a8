import { hash } from 'node:crypto';
import { attribute, attributeNest, attributeText, attributeU32be, beginNest, endNest } from '../../base/bytes/index.ts';
import type { Attributes, ByteWriter } from '../../base/bytes/index.ts';
import { TABLE, TYPE_BYTES } from '../../core/nft/model.ts';
import type { FieldType, Hook, NftOp, Rule, SetSpec } from '../../core/nft/model.ts';
import { NLM_F_APPEND, NLM_F_CREATE, NLM_F_EXCL } from '../netlink/message.ts';
import {
  DEVICE_HOOKS,
  HOOKS,
  NFPROTO_INET,
  NFTA_CHAIN,
  NFTA_HOOK,
  NFTA_LIST_ELEM,
  NFTA_RULE,
  NFTA_SET,
  NFTA_SET_DESC,
  NFTA_SET_ELEM_LIST,
  NFTA_SET_FIELD_LEN,
  NFTA_TABLE_NAME,
  NFT_DATA_VERDICT,
  NFT_MSG,
  NF_ACCEPT,
  SET_FLAG,
} from './constants.ts';
import { encodeElement, lengthOf } from './element-codec.ts';
import type { Element } from './element-codec.ts';
import { encodeStatement } from './expression-codec.ts';

/** One message of a batch: its type within the subsystem, extra flags, and what writes its attributes. */
export type EmitMessage = (message: number, flags: number, write: () => void) => void;

/** Bytes of elements per message: the list is one attribute, of at most 65 535. An element takes some hundred at most. */
const ELEMENTS_PER_MESSAGE = 60_000;

/** nft's numbers of the data types, by which it prints a set (nftables/include/datatype.h). */
const TYPE_NUMBERS: Readonly<Record<FieldType, number>> = {
  ipv4_addr: 7,
  ipv6_addr: 8,
  ether_addr: 9,
  inet_proto: 12,
  inet_service: 13,
  mark: 19,
  ifname: 41,
  // nft's own integer type has no fixed size; a mark is a 32-bit number in host byte order too.
  integer: 19,
};
/** nft's notes to itself in a set's user data, without which it misprints lone keys in host byte order (libnftnl/udata.h). */
const KEY_BYTEORDER_ITEM = 0;
const BYTEORDER = { host: 1, network: 2 } as const;
const HOST_ORDER: ReadonlySet<FieldType> = new Set(['ifname', 'mark', 'integer']);
/** Bits per field of a concatenation's type number (nftables/include/datatype.h TYPE_BITS). */
const TYPE_BITS = 6;

/** Emits the messages for one step. */
export function encodeOp(writer: ByteWriter, op: NftOp, emit: EmitMessage, id: number): void {
  switch (op.op) {
    case 'add-table':
      return emit(NFT_MSG.NEWTABLE, NLM_F_CREATE, () => attributeText(writer, NFTA_TABLE_NAME, TABLE.name));
    case 'destroy-table':
      // Kernels before 6.3 cannot destroy what may be missing, but anyone can delete what was just created.
      emit(NFT_MSG.NEWTABLE, NLM_F_CREATE, () => attributeText(writer, NFTA_TABLE_NAME, TABLE.name));
      return emit(NFT_MSG.DELTABLE, 0, () => attributeText(writer, NFTA_TABLE_NAME, TABLE.name));
    case 'add-set':
      return emit(NFT_MSG.NEWSET, NLM_F_CREATE | NLM_F_EXCL, () => writeSet(writer, op.spec, id));
    case 'delete-set':
      return emit(NFT_MSG.DELSET, 0, () => {
        attributeText(writer, NFTA_SET.TABLE, TABLE.name);
        attributeText(writer, NFTA_SET.NAME, op.name);
      });
    case 'add-elements':
      return emitElements(writer, NFT_MSG.NEWSETELEM, NLM_F_CREATE | NLM_F_EXCL, op, emit);
    case 'delete-elements':
      return emitElements(writer, NFT_MSG.DELSETELEM, 0, op, emit);
    case 'add-chain':
      return emit(NFT_MSG.NEWCHAIN, NLM_F_CREATE | NLM_F_EXCL, () => {
        attributeText(writer, NFTA_CHAIN.TABLE, TABLE.name);
        attributeText(writer, NFTA_CHAIN.NAME, op.name);
        if (op.hook !== undefined) writeHook(writer, op.hook);
      });
    case 'flush-chain':
      return emit(NFT_MSG.DELRULE, 0, () => {
        attributeText(writer, NFTA_RULE.TABLE, TABLE.name);
        attributeText(writer, NFTA_RULE.CHAIN, op.name);
      });
    case 'add-rule':
      return emit(NFT_MSG.NEWRULE, NLM_F_CREATE | NLM_F_APPEND, () => {
        attributeText(writer, NFTA_RULE.TABLE, TABLE.name);
        attributeText(writer, NFTA_RULE.CHAIN, op.chain);
        attributeNest(writer, NFTA_RULE.EXPRESSIONS, () => {
          for (const statement of op.rule) encodeStatement(writer, statement);
        });
        attribute(writer, NFTA_RULE.USERDATA, fingerprint(op.rule));
      });
    case 'delete-chain':
      return emit(NFT_MSG.DELCHAIN, 0, () => {
        attributeText(writer, NFTA_CHAIN.TABLE, TABLE.name);
        attributeText(writer, NFTA_CHAIN.NAME, op.name);
      });
  }
}

/** Type of Sluice's own item in a rule's user data; nft knows 0 and 1 and skips others. */
const FINGERPRINT_ITEM = 0x53;
const FINGERPRINT_BYTES = 8;

/**
 * A rule's user data (type u8, length u8, value): a hash of the rule, by which it is recognised when the kernel's table
 * is read back. Whoever edits a rule with other tools makes a new rule without it.
 */
export function fingerprint(rule: Rule): Uint8Array {
  const data = new Uint8Array(2 + FINGERPRINT_BYTES);
  data.set([FINGERPRINT_ITEM, FINGERPRINT_BYTES]);
  data.set(hash('sha1', JSON.stringify(rule), 'buffer').subarray(0, FINGERPRINT_BYTES), 2);
  return data;
}

/** Payload prefix of every nf_tables message: `struct nfgenmsg` (linux/netfilter/nfnetlink.h). */
export function writeNfgenmsg(writer: ByteWriter, family = NFPROTO_INET, resource = 0): void {
  writer.u8(family);
  writer.u8(0);
  writer.u16be(resource);
}

/** What NFT_MSG_NEWSET tells of a set, with the fields in nft's own type names; `integer` comes back as `mark`. */
export function decodeSet(attributes: Attributes): { readonly name: string; readonly spec: SetSpec } | undefined {
  const name = attributes.text(NFTA_SET.NAME) ?? '';
  const flags = attributes.u32be(NFTA_SET.FLAGS) ?? 0;
  const key = fieldsOf(attributes.u32be(NFTA_SET.KEY_TYPE) ?? 0);
  if ((flags & SET_FLAG.ANONYMOUS) !== 0) return undefined;
  const dataType = attributes.u32be(NFTA_SET.DATA_TYPE) ?? 0;
  const size = attributes.nested(NFTA_SET.DESC)?.u32be(NFTA_SET_DESC.SIZE);
  return {
    name,
    spec: {
      name,
      key,
      ...((flags & SET_FLAG.INTERVAL) === 0 ? {} : { interval: true }),
      ...((flags & SET_FLAG.EVAL) === 0 ? {} : { dynamic: true }),
      ...((flags & SET_FLAG.MAP) === 0 ? {} : { data: dataType === NFT_DATA_VERDICT ? 'verdict' : fieldsOf(dataType) }),
      ...(size === undefined ? {} : { size }),
    },
  };
}

/** Whether two specifications are the same set to the kernel. */
export function sameWireType(a: SetSpec, b: SetSpec): boolean {
  const data = (spec: SetSpec): number =>
    spec.data === undefined ? 0 : spec.data === 'verdict' ? NFT_DATA_VERDICT : typeNumber(spec.data);
  return (
    typeNumber(a.key) === typeNumber(b.key) &&
    data(a) === data(b) &&
    (a.interval === true) === (b.interval === true) &&
    (a.dynamic === true) === (b.dynamic === true)
  );
}

function writeSet(writer: ByteWriter, spec: SetSpec, id: number): void {
  const { key, data } = spec;
  const concatenated = spec.interval === true && key.length > 1;
  const flags =
    (spec.interval === true ? SET_FLAG.INTERVAL : 0) |
    (concatenated ? SET_FLAG.CONCAT : 0) |
    (spec.dynamic === true ? SET_FLAG.EVAL | SET_FLAG.TIMEOUT : 0) |
    (data === undefined ? 0 : SET_FLAG.MAP);
  attributeText(writer, NFTA_SET.TABLE, TABLE.name);
  attributeText(writer, NFTA_SET.NAME, spec.name);
  attributeU32be(writer, NFTA_SET.FLAGS, flags);
  attributeU32be(writer, NFTA_SET.KEY_TYPE, typeNumber(key));
  attributeU32be(writer, NFTA_SET.KEY_LEN, lengthOf(key));
  if (data === 'verdict') attributeU32be(writer, NFTA_SET.DATA_TYPE, NFT_DATA_VERDICT);
  else if (data !== undefined) {
    attributeU32be(writer, NFTA_SET.DATA_TYPE, typeNumber(data));
    attributeU32be(writer, NFTA_SET.DATA_LEN, lengthOf(data));
  }
  // Else size is left out: the kernel takes it as a hard limit, not as the hint that it is in the model.
  if (spec.dynamic === true && spec.size !== undefined)
    attributeNest(writer, NFTA_SET.DESC, () => attributeU32be(writer, NFTA_SET_DESC.SIZE, spec.size!));
  attributeU32be(writer, NFTA_SET.ID, id);
  if (key.length === 1) attribute(writer, NFTA_SET.USERDATA, keyByteOrder(key[0]!));
  if (concatenated)
    attributeNest(writer, NFTA_SET.DESC, () =>
      attributeNest(writer, NFTA_SET_DESC.CONCAT, () => {
        for (const field of key)
          attributeNest(writer, NFTA_LIST_ELEM, () => attributeU32be(writer, NFTA_SET_FIELD_LEN, TYPE_BYTES[field]));
      }),
    );
}

function keyByteOrder(field: FieldType): Uint8Array {
  return Uint8Array.of(KEY_BYTEORDER_ITEM, 4, HOST_ORDER.has(field) ? BYTEORDER.host : BYTEORDER.network, 0, 0, 0);
}

function emitElements(
  writer: ByteWriter,
  message: number,
  flags: number,
  op: { readonly spec: SetSpec; readonly elements: readonly Element[] },
  emit: EmitMessage,
): void {
  const { spec, elements } = op;
  for (let next = 0; next < elements.length;)
    emit(message, flags, () => {
      attributeText(writer, NFTA_SET_ELEM_LIST.TABLE, TABLE.name);
      attributeText(writer, NFTA_SET_ELEM_LIST.SET, spec.name);
      const list = beginNest(writer, NFTA_SET_ELEM_LIST.ELEMENTS);
      const limit = writer.length + ELEMENTS_PER_MESSAGE;
      while (next < elements.length && writer.length < limit) encodeElement(writer, spec, elements[next++]!);
      endNest(writer, list);
    });
}

function writeHook(writer: ByteWriter, hook: Hook): void {
  attributeNest(writer, NFTA_CHAIN.HOOK, () => {
    attributeU32be(writer, NFTA_HOOK.HOOKNUM, { ...HOOKS, ...DEVICE_HOOKS }[hook.hook]);
    attributeU32be(writer, NFTA_HOOK.PRIORITY, hook.priority);
    if (hook.device !== undefined) attributeText(writer, NFTA_HOOK.DEV, hook.device);
  });
  attributeU32be(writer, NFTA_CHAIN.POLICY, NF_ACCEPT);
  attributeText(writer, NFTA_CHAIN.TYPE, hook.type);
}

function typeNumber(fields: readonly FieldType[]): number {
  return fields.reduce((number, field) => number * 2 ** TYPE_BITS + TYPE_NUMBERS[field], 0) % 2 ** 32;
}

function fieldsOf(number: number): FieldType[] {
  const fields: FieldType[] = [];
  for (let rest = number; rest !== 0; rest >>>= TYPE_BITS) {
    const found = Object.entries(TYPE_NUMBERS).find(([, type]) => type === (rest & (2 ** TYPE_BITS - 1)));
    fields.unshift((found?.[0] ?? 'integer') as FieldType);
  }
  return fields;
}
