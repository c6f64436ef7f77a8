import { attributeU32be } from '../../base/bytes/index.ts';
import type { ByteWriter } from '../../base/bytes/index.ts';
import { FIELD_LAYOUT } from '../../core/nft/model.ts';
import type { Field, Operand } from '../../core/nft/model.ts';
import {
  NFTA_CT,
  NFTA_FIB,
  NFTA_FIB_F,
  NFTA_HASH,
  NFTA_META,
  NFTA_NG,
  NFTA_PAYLOAD,
  NFTA_RT,
  NFT_CT,
  NFT_FIB_RESULT_ADDRTYPE,
  NFT_META,
  NFT_NG_RANDOM,
  NFT_PAYLOAD,
  NFT_REG32_00,
  NFT_RT,
} from './constants.ts';
import { expression } from './expression.ts';

/** Loads the operands side by side, each from a register of its own on. */
export function loadKey(writer: ByteWriter, key: readonly Operand[]): void {
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

/** Brings a field of the packet, or of what the kernel knows of it, into registers from `register` on. */
export function load(writer: ByteWriter, field: Field, register: number): void {
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
  }
}

/** Something about the route that the packet has. */
export function routed(writer: ByteWriter, key: number, register: number): void {
  expression(writer, 'rt', () => {
    attributeU32be(writer, NFTA_RT.KEY, key);
    attributeU32be(writer, NFTA_RT.DREG, register);
  });
}

/** A random number below `modulus`. */
export function numgen(writer: ByteWriter, modulus: number, register: number): void {
  expression(writer, 'numgen', () => {
    attributeU32be(writer, NFTA_NG.DREG, register);
    attributeU32be(writer, NFTA_NG.MODULUS, modulus);
    attributeU32be(writer, NFTA_NG.TYPE, NFT_NG_RANDOM);
  });
}

function registersOf(bytes: number): number {
  return (bytes + 3) >> 2;
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

function fibType(writer: ByteWriter, flags: number, register: number): void {
  expression(writer, 'fib', () => {
    attributeU32be(writer, NFTA_FIB.DREG, register);
    attributeU32be(writer, NFTA_FIB.RESULT, NFT_FIB_RESULT_ADDRTYPE);
    attributeU32be(writer, NFTA_FIB.FLAGS, flags);
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
