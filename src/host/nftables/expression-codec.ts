import {
  attribute,
  attributeNest,
  attributeText,
  attributeU16be,
  attributeU32be,
  attributeU8,
  beginNest,
  endNest,
} from '../../base/bytes/index.ts';
import type { ByteWriter } from '../../base/bytes/index.ts';
import { FIELD_LAYOUT } from '../../core/nft/model.ts';
import type { Field, Operand, Statement } from '../../core/nft/model.ts';
import { NFPROTO } from '../../core/nft/model.ts';
import {
  NFTA_BITWISE,
  NFTA_BYTEORDER,
  NFTA_CMP,
  NFTA_CT,
  NFTA_DATA,
  NFTA_DYNSET,
  NFTA_EXPR,
  NFTA_EXTHDR,
  NFTA_FIB,
  NFTA_FIB_F,
  NFTA_FWD,
  NFTA_HASH,
  NFTA_IMMEDIATE,
  NFTA_LIMIT,
  NFTA_LIST_ELEM,
  NFTA_LOG,
  NFTA_LOOKUP,
  NFTA_META,
  NFTA_NAT,
  NFTA_NG,
  NFTA_PAYLOAD,
  NFTA_RANGE,
  NFTA_REJECT,
  NFTA_RT,
  NFT_BYTEORDER_HTON,
  NFT_CMP,
  NFT_CT,
  NFT_DYNSET_OP_UPDATE,
  NFT_EXTHDR_OP_TCPOPT,
  NFT_FIB_RESULT_ADDRTYPE,
  NFT_LOOKUP_F_INV,
  NFT_META,
  NFT_NAT,
  NFT_NG_RANDOM,
  NFT_PAYLOAD,
  NFT_REG32_00,
  NFT_REG_VERDICT,
  NFT_REJECT,
  NFT_REJECT_ICMPX_PORT_UNREACH,
  NFT_RT,
} from './constants.ts';
import { writeVerdict } from './element-codec.ts';

const ALL_BITS = 0xffffffff;

/** Writes the kernel's expressions for one statement, as elements of NFTA_RULE_EXPRESSIONS. */
export function encodeStatement(writer: ByteWriter, statement: Statement): void {
  switch (statement.kind) {
    case 'interface':
      return encodeInterface(writer, statement);
    case 'compare': {
      const { bytes } = FIELD_LAYOUT[statement.field];
      load(writer, statement.field, NFT_REG32_00);
      if (statement.mask !== undefined)
        maskRegister(writer, NFT_REG32_00, numberBytes(statement.field, statement.mask), new Uint8Array(bytes));
      return compare(writer, statement.op, numberBytes(statement.field, statement.value));
    }
    case 'range':
      load(writer, statement.field, NFT_REG32_00);
      return expression(writer, 'range', () => {
        attributeU32be(writer, NFTA_RANGE.SREG, NFT_REG32_00);
        attributeU32be(writer, NFTA_RANGE.OP, statement.negate === true ? NFT_CMP.NEQ : NFT_CMP.EQ);
        value(writer, NFTA_RANGE.FROM_DATA, numberBytes(statement.field, statement.first));
        value(writer, NFTA_RANGE.TO_DATA, numberBytes(statement.field, statement.last));
      });
    case 'address':
      return encodeAddressMatch(writer, statement);
    case 'lookup':
      loadKey(writer, statement.key);
      return lookup(writer, statement.set, undefined, statement.negate === true);
    case 'vmap':
      if (statement.through !== undefined)
        return lookupThrough(writer, statement.key, statement.through, statement.map);
      loadKey(writer, statement.key);
      return lookup(writer, statement.map, NFT_REG_VERDICT, false);
    case 'counter':
      return expression(writer, 'counter', () => undefined);
    case 'limit':
      return expression(writer, 'limit', () => {
        attribute(writer, NFTA_LIMIT.RATE, u64be(statement.perSecond));
        attribute(writer, NFTA_LIMIT.UNIT, u64be(1));
        attributeU32be(writer, NFTA_LIMIT.BURST, statement.burst);
      });
    case 'log':
      return expression(writer, 'log', () => attributeText(writer, NFTA_LOG.PREFIX, statement.prefix));
    case 'copy':
      return expression(writer, 'log', () => attributeU16be(writer, NFTA_LOG.GROUP, statement.group));
    case 'notrack':
      return expression(writer, 'notrack', () => undefined);
    case 'set-mark':
      return setMark(writer, statement);
    case 'copy-mark':
      return copyMark(writer, ['ct mark', 'meta mark'], statement.mask);
    case 'save-mark':
      return copyMark(writer, ['meta mark', 'ct mark'], statement.mask);
    case 'dnat-map':
      loadKey(writer, statement.key);
      lookup(writer, statement.map, NFT_REG32_00, false);
      return nat(writer, NFT_NAT.DNAT, statement.family, NFT_REG32_00 + (statement.family === 4 ? 1 : 4));
    case 'remember':
      return remember(writer, statement);
    case 'chance':
      numgen(writer, statement.oneOf, NFT_REG32_00);
      return compare(writer, '==', new Uint8Array(4));
    case 'learn-device':
      return learnDevice(writer, statement);
    case 'pass-on':
      return passOn(writer, statement);
    case 'snat':
      immediate(writer, NFT_REG32_00, Uint8Array.fromHex(statement.address));
      return nat(writer, NFT_NAT.SNAT, statement.family, undefined);
    case 'masquerade':
      return expression(writer, 'masq', () => undefined);
    case 'clamp-mss':
      return clampMss(writer);
    case 'reject':
      return expression(writer, 'reject', () => {
        const reset = statement.with === 'tcp-reset';
        attributeU32be(writer, NFTA_REJECT.TYPE, reset ? NFT_REJECT.TCP_RST : NFT_REJECT.ICMPX_UNREACH);
        if (!reset) attributeU8(writer, NFTA_REJECT.ICMP_CODE, NFT_REJECT_ICMPX_PORT_UNREACH);
      });
    case 'verdict':
      return expression(writer, 'immediate', () => {
        attributeU32be(writer, NFTA_IMMEDIATE.DREG, NFT_REG_VERDICT);
        attributeNest(writer, NFTA_IMMEDIATE.DATA, () => writeVerdict(writer, statement.verdict));
      });
  }
}

function encodeInterface(writer: ByteWriter, statement: Extract<Statement, { kind: 'interface' }>): void {
  const { name } = statement;
  const wildcard = name.endsWith('*');
  const text = wildcard ? name.slice(0, -1) : name;
  // A comparison of fewer bytes than the register holds is a prefix match.
  const bytes = new Uint8Array(wildcard ? text.length : 16);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  load(writer, statement.field, NFT_REG32_00);
  compare(writer, statement.op, bytes);
}

function encodeAddressMatch(writer: ByteWriter, statement: Extract<Statement, { kind: 'address' }>): void {
  const address = Uint8Array.fromHex(statement.address);
  load(writer, statement.field, NFT_REG32_00);
  if (statement.prefix !== undefined && statement.prefix < address.length * 8) {
    const mask = prefixMask(address.length, statement.prefix);
    maskRegister(writer, NFT_REG32_00, mask, new Uint8Array(address.length));
    for (const [i, byte] of mask.entries()) address[i]! &= byte;
  }
  compare(writer, statement.op, address);
}

/** Loads the operands side by side, each from a register of its own on. */
function loadKey(writer: ByteWriter, key: readonly Operand[]): void {
  let register = NFT_REG32_00;
  for (const operand of key) {
    if (typeof operand === 'string') {
      load(writer, operand, register);
      register += registersOf(FIELD_LAYOUT[operand].bytes);
    } else if (operand.kind === 'numgen') {
      numgen(writer, operand.mod, register++);
    } else {
      jhash(writer, operand, register++);
    }
  }
}

function registersOf(bytes: number): number {
  return (bytes + 3) >> 2;
}

function load(writer: ByteWriter, field: Field, register: number): void {
  switch (field) {
    case 'meta iifname':
      return meta(writer, NFT_META.IIFNAME, register);
    case 'meta oifname':
      return meta(writer, NFT_META.OIFNAME, register);
    case 'meta nfproto':
      return meta(writer, NFT_META.NFPROTO, register);
    case 'meta l4proto':
      return meta(writer, NFT_META.L4PROTO, register);
    case 'meta mark':
      return meta(writer, NFT_META.MARK, register);
    case 'ct state':
      return conntrack(writer, NFT_CT.STATE, register);
    case 'ct status':
      return conntrack(writer, NFT_CT.STATUS, register);
    case 'ct mark':
      return conntrack(writer, NFT_CT.MARK, register);
    case 'ct direction':
      return conntrack(writer, NFT_CT.DIRECTION, register);
    case 'ip saddr':
      return payload(writer, NFT_PAYLOAD.NETWORK_HEADER, 12, 4, register);
    case 'ip daddr':
      return payload(writer, NFT_PAYLOAD.NETWORK_HEADER, 16, 4, register);
    case 'ip6 saddr':
      return payload(writer, NFT_PAYLOAD.NETWORK_HEADER, 8, 16, register);
    case 'ip6 daddr':
      return payload(writer, NFT_PAYLOAD.NETWORK_HEADER, 24, 16, register);
    case 'th sport':
      return payload(writer, NFT_PAYLOAD.TRANSPORT_HEADER, 0, 2, register);
    case 'th dport':
      return payload(writer, NFT_PAYLOAD.TRANSPORT_HEADER, 2, 2, register);
    case 'tcp flags':
      return payload(writer, NFT_PAYLOAD.TRANSPORT_HEADER, 13, 1, register);
    case 'icmp type':
    case 'icmpv6 type':
      return payload(writer, NFT_PAYLOAD.TRANSPORT_HEADER, 0, 1, register);
    case 'icmp code':
    case 'icmpv6 code':
      return payload(writer, NFT_PAYLOAD.TRANSPORT_HEADER, 1, 1, register);
    case 'meta protocol':
      return meta(writer, NFT_META.PROTOCOL, register);
    case 'arp saddr ip':
      return payload(writer, NFT_PAYLOAD.NETWORK_HEADER, 14, 4, register);
    case 'nd target':
      return payload(writer, NFT_PAYLOAD.TRANSPORT_HEADER, 8, 16, register);
    case 'ether saddr':
      return payload(writer, NFT_PAYLOAD.LL_HEADER, 6, 6, register);
    case 'fib daddr type':
      return fibType(writer, NFTA_FIB_F.DADDR, register);
    case 'fib saddr type':
      return fibType(writer, NFTA_FIB_F.SADDR, register);
    case 'rt ip nexthop':
      return routed(writer, NFT_RT.NEXTHOP4, register);
    case 'rt ip6 nexthop':
      return routed(writer, NFT_RT.NEXTHOP6, register);
    case '@nh,0,8':
    case '@nh,64,8':
    case '@nh,48,32':
    case '@nh,96,64':
    case '@nh,48,8':
    case '@nh,56,8':
    case '@nh,64,256':
    case '@th,0,32':
      return raw(writer, field, register);
  }
}

function meta(writer: ByteWriter, key: number, register: number): void {
  expression(writer, 'meta', () => {
    attributeU32be(writer, NFTA_META.KEY, key);
    attributeU32be(writer, NFTA_META.DREG, register);
  });
}

function conntrack(writer: ByteWriter, key: number, register: number): void {
  expression(writer, 'ct', () => {
    attributeU32be(writer, NFTA_CT.KEY, key);
    attributeU32be(writer, NFTA_CT.DREG, register);
  });
}

function payload(writer: ByteWriter, base: number, offset: number, length: number, register: number): void {
  expression(writer, 'payload', () => {
    attributeU32be(writer, NFTA_PAYLOAD.DREG, register);
    attributeU32be(writer, NFTA_PAYLOAD.BASE, base);
    attributeU32be(writer, NFTA_PAYLOAD.OFFSET, offset);
    attributeU32be(writer, NFTA_PAYLOAD.LEN, length);
  });
}

/** `@base,offset,length`, the numbers in bits. */
function raw(writer: ByteWriter, field: Field, register: number): void {
  const [base, offset] = field.split(',') as [string, string];
  const header = base === '@nh' ? NFT_PAYLOAD.NETWORK_HEADER : NFT_PAYLOAD.TRANSPORT_HEADER;
  payload(writer, header, Number(offset) / 8, FIELD_LAYOUT[field].bytes, register);
}

function fibType(writer: ByteWriter, flags: number, register: number): void {
  expression(writer, 'fib', () => {
    attributeU32be(writer, NFTA_FIB.DREG, register);
    attributeU32be(writer, NFTA_FIB.RESULT, NFT_FIB_RESULT_ADDRTYPE);
    attributeU32be(writer, NFTA_FIB.FLAGS, flags);
  });
}

/** Something about the route that the packet has. */
function routed(writer: ByteWriter, key: number, register: number): void {
  expression(writer, 'rt', () => {
    attributeU32be(writer, NFTA_RT.KEY, key);
    attributeU32be(writer, NFTA_RT.DREG, register);
  });
}

function numgen(writer: ByteWriter, modulus: number, register: number): void {
  expression(writer, 'numgen', () => {
    attributeU32be(writer, NFTA_NG.DREG, register);
    attributeU32be(writer, NFTA_NG.MODULUS, modulus);
    attributeU32be(writer, NFTA_NG.TYPE, NFT_NG_RANDOM);
  });
}

function jhash(writer: ByteWriter, operand: Extract<Operand, { kind: 'jhash' }>, register: number): void {
  const { bytes } = FIELD_LAYOUT[operand.of];
  load(writer, operand.of, register);
  expression(writer, 'hash', () => {
    attributeU32be(writer, NFTA_HASH.SREG, register);
    attributeU32be(writer, NFTA_HASH.DREG, register);
    attributeU32be(writer, NFTA_HASH.LEN, bytes);
    attributeU32be(writer, NFTA_HASH.MODULUS, operand.mod);
    attributeU32be(writer, NFTA_HASH.SEED, operand.seed);
  });
}

function compare(writer: ByteWriter, op: '==' | '!=', bytes: Uint8Array): void {
  expression(writer, 'cmp', () => {
    attributeU32be(writer, NFTA_CMP.SREG, NFT_REG32_00);
    attributeU32be(writer, NFTA_CMP.OP, op === '==' ? NFT_CMP.EQ : NFT_CMP.NEQ);
    value(writer, NFTA_CMP.DATA, bytes);
  });
}

/** register := (register & mask) ^ xor */
function maskRegister(writer: ByteWriter, register: number, mask: Uint8Array, xor: Uint8Array): void {
  expression(writer, 'bitwise', () => {
    attributeU32be(writer, NFTA_BITWISE.SREG, register);
    attributeU32be(writer, NFTA_BITWISE.DREG, register);
    attributeU32be(writer, NFTA_BITWISE.LEN, mask.length);
    value(writer, NFTA_BITWISE.MASK, mask);
    value(writer, NFTA_BITWISE.XOR, xor);
  });
}

function lookup(
  writer: ByteWriter,
  set: string,
  destination: number | undefined,
  negate: boolean,
  source = NFT_REG32_00,
): void {
  expression(writer, 'lookup', () => {
    attributeText(writer, NFTA_LOOKUP.SET, set);
    attributeU32be(writer, NFTA_LOOKUP.SREG, source);
    if (destination !== undefined) attributeU32be(writer, NFTA_LOOKUP.DREG, destination);
    if (negate) attributeU32be(writer, NFTA_LOOKUP.FLAGS, NFT_LOOKUP_F_INV);
  });
}

function immediate(writer: ByteWriter, register: number, bytes: Uint8Array): void {
  expression(writer, 'immediate', () => {
    attributeU32be(writer, NFTA_IMMEDIATE.DREG, register);
    value(writer, NFTA_IMMEDIATE.DATA, bytes);
  });
}

/**
 * A verdict from what another map has. nft 1.0 aborts when it lists a table where what comes out of a map is a key: so the
 * value has a number before it, the two are written from one register earlier on, and nft believes what was loaded before.
 */
function lookupThrough(writer: ByteWriter, key: readonly Operand[], through: string, map: string): void {
  const found = NFT_REG32_00 + 15;
  load(writer, 'meta mark', found);
  loadKey(writer, key);
  lookup(writer, through, found - 1, false);
  lookup(writer, map, NFT_REG_VERDICT, false, found);
}

/** The choice at the end of the sixteen registers leaves room for the key over IPv6, too. To nft as {@link lookupThrough}. */
function remember(writer: ByteWriter, statement: Extract<Statement, { kind: 'remember' }>): void {
  const { family } = statement;
  const words = family === 4 ? 1 : 4;
  const chosen = NFT_REG32_00 + 16 - words - 1;
  load(writer, family === 4 ? 'ip daddr' : 'ip6 daddr', chosen);
  load(writer, 'th dport', chosen + words);
  loadKey(writer, statement.choice);
  lookup(writer, statement.from, chosen - 1, false);
  loadKey(writer, statement.key);
  expression(writer, 'dynset', () => {
    attributeText(writer, NFTA_DYNSET.SET_NAME, statement.map);
    attributeU32be(writer, NFTA_DYNSET.OP, NFT_DYNSET_OP_UPDATE);
    attributeU32be(writer, NFTA_DYNSET.SREG_KEY, NFT_REG32_00);
    attributeU32be(writer, NFTA_DYNSET.SREG_DATA, chosen);
    attribute(writer, NFTA_DYNSET.TIMEOUT, u64be(statement.seconds * 1000));
  });
}

/** The last register: the key over IPv6 takes nine. */
const DEVICE = NFT_REG32_00 + 15;

function learnDevice(writer: ByteWriter, statement: Extract<Statement, { kind: 'learn-device' }>): void {
  meta(writer, NFT_META.OIF, DEVICE);
  loadKey(writer, statement.key);
  expression(writer, 'dynset', () => {
    attributeText(writer, NFTA_DYNSET.SET_NAME, statement.map);
    attributeU32be(writer, NFTA_DYNSET.OP, NFT_DYNSET_OP_UPDATE);
    attributeU32be(writer, NFTA_DYNSET.SREG_KEY, NFT_REG32_00);
    attributeU32be(writer, NFTA_DYNSET.SREG_DATA, DEVICE);
    attribute(writer, NFTA_DYNSET.TIMEOUT, u64be(statement.seconds * 1000));
  });
}

function passOn(writer: ByteWriter, statement: Extract<Statement, { kind: 'pass-on' }>): void {
  const { family, hops } = statement;
  loadKey(writer, statement.key);
  lookup(writer, statement.map, DEVICE, false);
  load(writer, family === 4 ? 'ip daddr' : 'ip6 daddr', NFT_REG32_00);
  if (hops !== undefined) lookup(writer, hops, NFT_REG32_00, false);
  expression(writer, 'fwd', () => {
    attributeU32be(writer, NFTA_FWD.SREG_DEV, DEVICE);
    attributeU32be(writer, NFTA_FWD.SREG_ADDR, NFT_REG32_00);
    attributeU32be(writer, NFTA_FWD.NFPROTO, NFPROTO[family]);
  });
}

function nat(writer: ByteWriter, type: number, family: 4 | 6, portRegister: number | undefined): void {
  expression(writer, 'nat', () => {
    attributeU32be(writer, NFTA_NAT.TYPE, type);
    attributeU32be(writer, NFTA_NAT.FAMILY, NFPROTO[family]);
    attributeU32be(writer, NFTA_NAT.REG_ADDR_MIN, NFT_REG32_00);
    if (portRegister !== undefined) attributeU32be(writer, NFTA_NAT.REG_PROTO_MIN, portRegister);
  });
}

function setMark(writer: ByteWriter, statement: Extract<Statement, { kind: 'set-mark' }>): void {
  const { target, mask } = statement;
  if (mask >>> 0 === ALL_BITS) immediate(writer, NFT_REG32_00, hostBytes(statement.value));
  else {
    load(writer, target, NFT_REG32_00);
    maskRegister(writer, NFT_REG32_00, hostBytes(~mask), hostBytes(statement.value));
  }
  storeMark(writer, target, NFT_REG32_00);
}

/**
 * The packet's other mark bits are lost: keeping them takes an OR of two registers, which kernels before 6.13 do not have
 * and at which nft 1.0 aborts when it lists the table.
 */
function copyMark(
  writer: ByteWriter,
  [from, to]: readonly ['meta mark' | 'ct mark', 'meta mark' | 'ct mark'],
  mask: number,
): void {
  load(writer, from, NFT_REG32_00);
  maskRegister(writer, NFT_REG32_00, hostBytes(mask), hostBytes(0));
  storeMark(writer, to, NFT_REG32_00);
}

/** The MSS that the routes carry, into option 2 of TCP (RFC 9293 §3.2), two bytes after its kind and length. */
function clampMss(writer: ByteWriter): void {
  routed(writer, NFT_RT.TCPMSS, NFT_REG32_00);
  expression(writer, 'byteorder', () => {
    attributeU32be(writer, NFTA_BYTEORDER.SREG, NFT_REG32_00);
    attributeU32be(writer, NFTA_BYTEORDER.DREG, NFT_REG32_00);
    attributeU32be(writer, NFTA_BYTEORDER.OP, NFT_BYTEORDER_HTON);
    attributeU32be(writer, NFTA_BYTEORDER.LEN, 2);
    attributeU32be(writer, NFTA_BYTEORDER.SIZE, 2);
  });
  expression(writer, 'exthdr', () => {
    attributeU32be(writer, NFTA_EXTHDR.SREG, NFT_REG32_00);
    attributeU8(writer, NFTA_EXTHDR.TYPE, 2);
    attributeU32be(writer, NFTA_EXTHDR.OFFSET, 2);
    attributeU32be(writer, NFTA_EXTHDR.LEN, 2);
    attributeU32be(writer, NFTA_EXTHDR.OP, NFT_EXTHDR_OP_TCPOPT);
  });
}

function storeMark(writer: ByteWriter, target: 'meta mark' | 'ct mark', register: number): void {
  if (target === 'meta mark')
    return expression(writer, 'meta', () => {
      attributeU32be(writer, NFTA_META.KEY, NFT_META.MARK);
      attributeU32be(writer, NFTA_META.SREG, register);
    });
  expression(writer, 'ct', () => {
    attributeU32be(writer, NFTA_CT.KEY, NFT_CT.MARK);
    attributeU32be(writer, NFTA_CT.SREG, register);
  });
}

function expression(writer: ByteWriter, name: string, write: () => void): void {
  const element = beginNest(writer, NFTA_LIST_ELEM);
  attributeText(writer, NFTA_EXPR.NAME, name);
  const data = beginNest(writer, NFTA_EXPR.DATA);
  write();
  endNest(writer, data);
  endNest(writer, element);
}

function value(writer: ByteWriter, type: number, bytes: Uint8Array): void {
  const nest = beginNest(writer, type);
  attribute(writer, NFTA_DATA.VALUE, bytes);
  endNest(writer, nest);
}

/** A number as it sits in the register of `field`. */
function numberBytes(field: Field, number: number): Uint8Array {
  const { bytes, order } = FIELD_LAYOUT[field];
  const result = new Uint8Array(bytes);
  for (let i = 0; i < bytes; i++) result[order === 'host' ? i : bytes - 1 - i] = number >>> (8 * i);
  return result;
}

function hostBytes(number: number): Uint8Array {
  return numberBytes('meta mark', number);
}

function prefixMask(bytes: number, prefix: number): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_, i) => 0xff00 >> Math.min(8, Math.max(0, prefix - 8 * i)));
}

function u64be(number: number): Uint8Array {
  return Uint8Array.fromHex(number.toString(16).padStart(16, '0'));
}
