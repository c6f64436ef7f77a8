import { equalIp, formatCidr, networkOf, parseIp } from '../../../base/ip/index.ts';
import type { Family } from '../../../base/ip/index.ts';
import { parseCalicoSelector } from '../calico-selector.ts';
import type { CalicoVocabulary } from '../calico-selector.ts';
import { calicoNet, calicoPort, calicoProtocol } from '../calico-values.ts';
import { isPresent, items, reject, rejectMissing, text } from './field.ts';
import type { Field } from './field.ts';

/** What is wrong with a text that is no block. */
export const NOT_A_NET = 'must be a block of addresses, (e.g. 10.9.8.0/24 or 2001:db8::/64)';

const EVERYTHING = { kind: 'everything' } as const;
const WITHOUT_GLOBAL: CalicoVocabulary = { prefix: '', all: EVERYTHING };

/** Checks a selector in Calico's language, where `global()` has no meaning. */
export function selectorField(field: Field): void {
  checkSelector(field, WITHOUT_GLOBAL);
}

/** Checks the `namespaceSelector` of a rule: `global()` may stand there, alone. */
export function ruleNamespaceField(field: Field): void {
  checkSelector(field, { ...WITHOUT_GLOBAL, global: EVERYTHING });
  const value = text(field) ?? '';
  if (/\bglobal\(/.test(value) && !/^\s*global\(\s*\)\s*$/.test(value)) reject(field, 'global() must stand alone');
}

function checkSelector(field: Field, vocabulary: CalicoVocabulary): void {
  const value = text(field);
  if (value === undefined) return;
  const parsed = parseCalicoSelector(value, vocabulary);
  if ('problem' in parsed) reject(field, `${parsed.problem.message} (column ${parsed.problem.column})`);
}

/** The number of a protocol; undefined when absent or, which is reported, unknown. */
export function protocolField(field: Field): number | undefined {
  if (!isPresent(field)) return undefined;
  const number = calicoProtocol(field.value);
  if (number === undefined) reject(field, 'must be TCP, UDP, SCTP, ICMP, ICMPv6, UDPLite or a number from 1 to 255');
  return number;
}

/** Checks a list of ports of a rule. */
export function portFields(list: Field): void {
  for (const port of items(list)) {
    const read = calicoPort(port.value);
    if (typeof read === 'string') reject(port, read);
  }
}

/** Checks a list of blocks, each without host bits; returns the families of those that are good. */
export function netFields(list: Field, strict: boolean): readonly Family[] {
  return items(list).flatMap((field) => {
    const net = calicoNet(field.value);
    if (net === undefined) {
      reject(field, NOT_A_NET);
      return [];
    }
    if (strict && !equalIp(networkOf(net).ip, net.ip))
      reject(field, `must be strictly masked: the block is ${formatCidr(networkOf(net))}`);
    return [net.ip.family];
  });
}

/** Checks an address. */
export function addressField(field: Field): void {
  const value = text(field);
  if (value === undefined) rejectMissing(field);
  else if (parseIp(value) === undefined) reject(field, 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)');
}
