import { attribute, attributeText, attributeU32be } from '../../base/bytes/index.ts';
import type { ByteWriter } from '../../base/bytes/index.ts';
import type { Operand, Statement } from '../../core/nft/model.ts';
import {
  NFTA_DYNSET,
  NFTA_LOOKUP,
  NFT_DYNSET_OP_UPDATE,
  NFT_LOOKUP_F_INV,
  NFT_REG32_00,
  NFT_REG_VERDICT,
} from './constants.ts';
import { expression, u64be } from './expression.ts';
import { load, loadKey } from './load-codec.ts';

/** Whether the key, from `source` on, is in the set, or what the map has for it, into `destination`. */
export function lookup(
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

/**
 * A verdict from what another map has. nft 1.0 aborts when it lists a table where what comes out of a map is a key: so the
 * value has a number before it, the two are written from one register earlier on, and nft believes what was loaded before.
 */
export function lookupThrough(writer: ByteWriter, key: readonly Operand[], through: string, map: string): void {
  const found = NFT_REG32_00 + 15;
  load(writer, 'meta mark', found);
  loadKey(writer, key);
  lookup(writer, through, found - 1, false);
  lookup(writer, map, NFT_REG_VERDICT, false, found);
}

/** The choice at the end of the sixteen registers leaves room for the key over IPv6, too. To nft as {@link lookupThrough}. */
export function remember(writer: ByteWriter, statement: Extract<Statement, { kind: 'remember' }>): void {
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
