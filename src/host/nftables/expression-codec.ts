import {
  attribute,
  attributeNest,
  attributeText,
  attributeU16be,
  attributeU32be,
  attributeU8,
} from '../../base/bytes/index.ts';
import type { ByteWriter } from '../../base/bytes/index.ts';
import { NFPROTO } from '../../core/nft/model.ts';
import type { Statement } from '../../core/nft/model.ts';
import {
  NFTA_BYTEORDER,
  NFTA_EXTHDR,
  NFTA_IMMEDIATE,
  NFTA_LIMIT,
  NFTA_LOG,
  NFTA_NAT,
  NFTA_REJECT,
  NFT_BYTEORDER_HTON,
  NFT_EXTHDR_OP_TCPOPT,
  NFT_NAT,
  NFT_REG32_00,
  NFT_REG_VERDICT,
  NFT_REJECT,
  NFT_REJECT_ICMPX_PORT_UNREACH,
  NFT_RT,
} from './constants.ts';
import { expression, immediate, u64be } from './expression.ts';
import { loadKey, numgen, routed } from './load-codec.ts';
import { compare, compareField, matchAddress, matchInterface, matchRange } from './match-codec.ts';
import { lookup, lookupThrough, remember } from './map-codec.ts';
import { copyMark, setMark } from './mark-codec.ts';
import { writeVerdict } from './element-codec.ts';

/** Writes the kernel's expressions for one statement, as elements of NFTA_RULE_EXPRESSIONS. */
export function encodeStatement(writer: ByteWriter, statement: Statement): void {
  switch (statement.kind) {
    case 'interface':
      return matchInterface(writer, statement);
    case 'compare':
      return compareField(writer, statement);
    case 'range':
      return matchRange(writer, statement);
    case 'address':
      return matchAddress(writer, statement);
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

function nat(writer: ByteWriter, type: number, family: 4 | 6, portRegister: number | undefined): void {
  expression(writer, 'nat', () => {
    attributeU32be(writer, NFTA_NAT.TYPE, type);
    attributeU32be(writer, NFTA_NAT.FAMILY, NFPROTO[family]);
    attributeU32be(writer, NFTA_NAT.REG_ADDR_MIN, NFT_REG32_00);
    if (portRegister !== undefined) attributeU32be(writer, NFTA_NAT.REG_PROTO_MIN, portRegister);
  });
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
