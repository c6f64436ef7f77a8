import { attributeU32be } from '../../base/bytes/index.ts';
import type { ByteWriter } from '../../base/bytes/index.ts';
import { FIELD_LAYOUT } from '../../core/nft/model.ts';
import type { Statement } from '../../core/nft/model.ts';
import { NFTA_BITWISE, NFTA_CMP, NFTA_RANGE, NFT_CMP, NFT_REG32_00 } from './constants.ts';
import { expression, numberBytes, value } from './expression.ts';
import { load } from './load-codec.ts';

/** A field, or the bits of it under a mask, with a number. */
export function compareField(writer: ByteWriter, statement: Extract<Statement, { kind: 'compare' }>): void {
  const { field, mask, op } = statement;
  load(writer, field, NFT_REG32_00);
  if (mask !== undefined)
    maskRegister(writer, NFT_REG32_00, numberBytes(field, mask), new Uint8Array(FIELD_LAYOUT[field].bytes));
  compare(writer, op, numberBytes(field, statement.value));
}

/** A field with two numbers between which it is, or is not. */
export function matchRange(
  writer: ByteWriter,
  { field, negate, first, last }: Extract<Statement, { kind: 'range' }>,
): void {
  load(writer, field, NFT_REG32_00);
  expression(writer, 'range', () => {
    attributeU32be(writer, NFTA_RANGE.SREG, NFT_REG32_00);
    attributeU32be(writer, NFTA_RANGE.OP, negate === true ? NFT_CMP.NEQ : NFT_CMP.EQ);
    value(writer, NFTA_RANGE.FROM_DATA, numberBytes(field, first));
    value(writer, NFTA_RANGE.TO_DATA, numberBytes(field, last));
  });
}

/** An interface's name, or how it begins. */
export function matchInterface(writer: ByteWriter, statement: Extract<Statement, { kind: 'interface' }>): void {
  const { name } = statement;
  const wildcard = name.endsWith('*');
  const text = wildcard ? name.slice(0, -1) : name;
  // A comparison of fewer bytes than the register holds is a prefix match.
  const bytes = new Uint8Array(wildcard ? text.length : 16);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  load(writer, statement.field, NFT_REG32_00);
  compare(writer, statement.op, bytes);
}

/** An address, or its first bits. */
export function matchAddress(writer: ByteWriter, statement: Extract<Statement, { kind: 'address' }>): void {
  const address = Uint8Array.fromHex(statement.address);
  load(writer, statement.field, NFT_REG32_00);
  if (statement.prefix !== undefined && statement.prefix < address.length * 8) {
    const mask = prefixMask(address.length, statement.prefix);
    maskRegister(writer, NFT_REG32_00, mask, new Uint8Array(address.length));
    for (const [i, byte] of mask.entries()) address[i]! &= byte;
  }
  compare(writer, statement.op, address);
}

/** The first registers with bytes. */
export function compare(writer: ByteWriter, op: '==' | '!=', bytes: Uint8Array): void {
  expression(writer, 'cmp', () => {
    attributeU32be(writer, NFTA_CMP.SREG, NFT_REG32_00);
    attributeU32be(writer, NFTA_CMP.OP, op === '==' ? NFT_CMP.EQ : NFT_CMP.NEQ);
    value(writer, NFTA_CMP.DATA, bytes);
  });
}

/** register := (register & mask) ^ xor */
export function maskRegister(writer: ByteWriter, register: number, mask: Uint8Array, xor: Uint8Array): void {
  expression(writer, 'bitwise', () => {
    attributeU32be(writer, NFTA_BITWISE.SREG, register);
    attributeU32be(writer, NFTA_BITWISE.DREG, register);
    attributeU32be(writer, NFTA_BITWISE.LEN, mask.length);
    value(writer, NFTA_BITWISE.MASK, mask);
    value(writer, NFTA_BITWISE.XOR, xor);
  });
}

function prefixMask(bytes: number, prefix: number): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_, i) => 0xff00 >> Math.min(8, Math.max(0, prefix - 8 * i)));
}
