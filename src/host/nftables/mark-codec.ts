import { attributeU32be } from '../../base/bytes/index.ts';
import type { ByteWriter } from '../../base/bytes/index.ts';
import type { Statement } from '../../core/nft/model.ts';
import { NFTA_CT, NFTA_META, NFT_CT, NFT_META, NFT_REG32_00 } from './constants.ts';
import { expression, hostBytes, immediate } from './expression.ts';
import { load } from './load-codec.ts';
import { maskRegister } from './match-codec.ts';

const ALL_BITS = 0xffffffff;

/** Bits of a mark; all others stay. */
export function setMark(writer: ByteWriter, statement: Extract<Statement, { kind: 'set-mark' }>): void {
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
export function copyMark(
  writer: ByteWriter,
  [from, to]: readonly ['meta mark' | 'ct mark', 'meta mark' | 'ct mark'],
  mask: number,
): void {
  load(writer, from, NFT_REG32_00);
  maskRegister(writer, NFT_REG32_00, hostBytes(mask), hostBytes(0));
  storeMark(writer, to, NFT_REG32_00);
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
