import { attribute, attributeText, attributeU32be, beginNest, endNest } from '../../base/bytes/index.ts';
import type { ByteWriter } from '../../base/bytes/index.ts';
import { FIELD_LAYOUT } from '../../core/nft/model.ts';
import type { Field } from '../../core/nft/model.ts';
import { NFTA_DATA, NFTA_EXPR, NFTA_IMMEDIATE, NFTA_LIST_ELEM } from './constants.ts';

/** One expression by the kernel's name of it, as an element of NFTA_RULE_EXPRESSIONS; `write` writes its attributes. */
export function expression(writer: ByteWriter, name: string, write: () => void): void {
  const element = beginNest(writer, NFTA_LIST_ELEM);
  attributeText(writer, NFTA_EXPR.NAME, name);
  const data = beginNest(writer, NFTA_EXPR.DATA);
  write();
  endNest(writer, data);
  endNest(writer, element);
}

/** Bytes as `NFTA_DATA_VALUE` in an attribute of the type. */
export function value(writer: ByteWriter, type: number, bytes: Uint8Array): void {
  const nest = beginNest(writer, type);
  attribute(writer, NFTA_DATA.VALUE, bytes);
  endNest(writer, nest);
}

/** Bytes into registers. */
export function immediate(writer: ByteWriter, register: number, bytes: Uint8Array): void {
  expression(writer, 'immediate', () => {
    attributeU32be(writer, NFTA_IMMEDIATE.DREG, register);
    value(writer, NFTA_IMMEDIATE.DATA, bytes);
  });
}

/** A number as it sits in the register of `field`. */
export function numberBytes(field: Field, number: number): Uint8Array {
  const { bytes, order } = FIELD_LAYOUT[field];
  const result = new Uint8Array(bytes);
  for (let i = 0; i < bytes; i++) result[order === 'host' ? i : bytes - 1 - i] = number >>> (8 * i);
  return result;
}

/** A number as it sits in a register of the machine's own order, such as a mark. */
export function hostBytes(number: number): Uint8Array {
  return numberBytes('meta mark', number);
}

/** A number of 64 bits, in network order. */
export function u64be(number: number): Uint8Array {
  return Uint8Array.fromHex(number.toString(16).padStart(16, '0'));
}
