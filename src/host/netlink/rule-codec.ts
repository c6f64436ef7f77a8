import { Attributes, ByteReader, attribute, attributeU32, attributeU8 } from '../../base/bytes/index.ts';
import type { ByteWriter } from '../../base/bytes/index.ts';
import { ipFromBytes, ipToBytes } from '../../base/ip/index.ts';
import type { Cidr, Family } from '../../base/ip/index.ts';
import { AF_INET, AF_INET6 } from '../libc.ts';
import { familyNumber } from './address-codec.ts';
import type { Rule } from './port.ts';

/** FRA_* and FR_ACT_* (linux/fib_rules.h). */
const FRA = { DST: 1, SRC: 2, GOTO: 4, PRIORITY: 6, FWMARK: 10, TABLE: 15, FWMASK: 16, PROTOCOL: 21 } as const;
const FR_ACT = { TO_TBL: 1, GOTO: 2, NOP: 3 } as const;
const ALL_BITS = 0xffffffff;

/** Payload of RTM_NEWRULE and RTM_DELRULE: `struct fib_rule_hdr`, then attributes. */
export function encodeRule(writer: ByteWriter, rule: Rule): void {
  writer.u8(familyNumber(rule.family));
  writer.u8(rule.to?.prefix ?? 0);
  writer.u8(rule.from?.prefix ?? 0);
  writer.u8(0);
  writer.u8(rule.table > 255 ? 0 : rule.table);
  writer.u16(0);
  const { action } = rule;
  writer.u8(action === undefined ? FR_ACT.TO_TBL : action === 'nop' ? FR_ACT.NOP : FR_ACT.GOTO);
  writer.u32(0);
  attributeU32(writer, FRA.PRIORITY, rule.priority);
  if (action === undefined) attributeU32(writer, FRA.TABLE, rule.table);
  else if (action !== 'nop') attributeU32(writer, FRA.GOTO, action.goto);
  if (rule.to !== undefined) attribute(writer, FRA.DST, ipToBytes(rule.to.ip));
  if (rule.from !== undefined) attribute(writer, FRA.SRC, ipToBytes(rule.from.ip));
  if (rule.mark !== undefined) {
    attributeU32(writer, FRA.FWMARK, rule.mark.value);
    attributeU32(writer, FRA.FWMASK, rule.mark.mask);
  }
  if (rule.protocol !== undefined) attributeU8(writer, FRA.PROTOCOL, rule.protocol);
}

/** Payload of RTM_GETRULE. */
export function encodeRuleDump(writer: ByteWriter, family: Family): void {
  writer.u32(familyNumber(family));
  writer.u32(0);
  writer.u32(0);
}

/** The rule that an RTM_NEWRULE or RTM_DELRULE describes; undefined for actions that Sluice does not use. */
export function decodeRule(payload: Uint8Array): Rule | undefined {
  const reader = new ByteReader(payload);
  const number = reader.u8();
  const toPrefix = reader.u8();
  const fromPrefix = reader.u8();
  reader.skip(1);
  const table = reader.u8();
  reader.skip(2);
  const action = reader.u8();
  if (number !== AF_INET && number !== AF_INET6) return undefined;
  if (action !== FR_ACT.TO_TBL && action !== FR_ACT.NOP && action !== FR_ACT.GOTO) return undefined;
  const attributes = new Attributes(payload.subarray(12));
  // The kernel does not tell of a mark that is 0, only of its mask.
  const [value, mask] = [attributes.u32(FRA.FWMARK), attributes.u32(FRA.FWMASK)];
  const to = cidrOf(attributes.bytes(FRA.DST), toPrefix);
  const from = cidrOf(attributes.bytes(FRA.SRC), fromPrefix);
  const protocol = attributes.u8(FRA.PROTOCOL);
  return {
    family: number === AF_INET ? 4 : 6,
    priority: attributes.u32(FRA.PRIORITY) ?? 0,
    table: action === FR_ACT.TO_TBL ? (attributes.u32(FRA.TABLE) ?? table) : 0,
    ...(action === FR_ACT.NOP ? { action: 'nop' } : {}),
    ...(action === FR_ACT.GOTO ? { action: { goto: attributes.u32(FRA.GOTO) ?? 0 } } : {}),
    ...(value === undefined && mask === undefined ? {} : { mark: { value: value ?? 0, mask: mask ?? ALL_BITS } }),
    ...(to === undefined ? {} : { to }),
    ...(from === undefined ? {} : { from }),
    ...(protocol === undefined || protocol === 0 ? {} : { protocol }),
  };
}

function cidrOf(bytes: Uint8Array | undefined, prefix: number): Cidr | undefined {
  return bytes === undefined ? undefined : { ip: ipFromBytes(bytes), prefix };
}
