import type { Condition } from '../model.ts';
import { onlyFields, readInteger } from '../normalise/fields.ts';
import { isRecord } from '../normalise/scope.ts';
import type { AskedProtocol } from './protocol.ts';
import type { CalicoScope } from './scope.ts';

const ICMP_NUMBERS = [1, 58];

/** `icmp` or `notICMP` of a rule: no condition when it asks for nothing. Undefined, and reported, when not understood. */
export function readIcmp(
  value: unknown,
  protocol: AskedProtocol,
  negate: boolean,
  path: string,
  scope: CalicoScope,
): readonly Condition[] | undefined {
  if (value === undefined || value === null) return [];
  if (!isRecord(value)) return scope.report(path, 'must be an object with type and code');
  if (!onlyFields(value, ['type', 'code'], path, scope)) return undefined;
  if (protocol === 'unreadable') return [];
  // What is not of some type of ICMP is ICMP of another one, whether the rule names the protocol or not.
  if (protocol === undefined ? !negate : !ICMP_NUMBERS.includes(protocol.number))
    return scope.report(path, 'needs protocol: ICMP or ICMPv6 in the rule');
  if (!isPresent(value['type']))
    return isPresent(value['code']) ? scope.report(`${path}.code`, 'needs a type beside it') : [];
  const type = readInteger(value['type'], [0, 254], `${path}.type`, scope);
  const code = isPresent(value['code']) ? readInteger(value['code'], [0, 255], `${path}.code`, scope) : 'any';
  if (type === undefined || code === undefined) return undefined;
  return [{ kind: 'icmp', type, ...(code === 'any' ? {} : { code }), negate }];
}

function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null;
}
