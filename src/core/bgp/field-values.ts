import { networkOf, parseCidr } from '../../base/ip/index.ts';
import type { Cidr } from '../../base/ip/index.ts';
import type { Fields } from './fields.ts';
import type { SecretKey } from './types.ts';
import { LONGEST_RESTART, seconds } from '../kube/bgp-values.ts';

/** A reference to a password. */
export function secretKey(spec: Fields, name: string): SecretKey | undefined {
  if (!spec.has(name)) return undefined;
  const reference = spec.object(name).object('secretKeyRef');
  const [secret, key] = [reference.text('name'), reference.text('key')];
  if (secret !== undefined && key !== undefined) return { name: secret, key };
  return spec.reject(name, 'must have secretKeyRef with name and key');
}

/** The restart time, in the range that can be told to a peer. */
export function restartTime(spec: Fields, name: string): number | undefined {
  return spec.read(name, `a duration of at most ${LONGEST_RESTART}s, such as 120s`, (value) => {
    const time = seconds(value);
    return time !== undefined && time <= LONGEST_RESTART ? time : undefined;
  });
}

/** A block of addresses, with its host bits cleared. */
export function block(value: unknown): Cidr | undefined {
  const cidr = typeof value === 'string' ? parseCidr(value) : undefined;
  return cidr === undefined ? undefined : networkOf(cidr);
}

/** Without the fields that are undefined. */
export function present<T extends object>(fields: { [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}
