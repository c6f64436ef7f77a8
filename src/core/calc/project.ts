import { parseCidr } from '../../base/ip/index.ts';
import type { PoolSpec } from './model.ts';

/** The fields of an IPPool object (`crd.projectcalico.org/v1`) that are read here. */
export interface PoolObject {
  readonly metadata?: { readonly name?: string };
  readonly spec?: { readonly cidr?: string; readonly natOutgoing?: boolean };
}

/** The pool; undefined when its CIDR is no CIDR. A disabled pool still counts: its addresses may be in use. */
export function poolSpec(object: PoolObject): PoolSpec | undefined {
  const cidr = parseCidr(object.spec?.cidr ?? '');
  if (cidr === undefined) return undefined;
  return { name: object.metadata?.name ?? '', cidr, natOutgoing: object.spec?.natOutgoing === true };
}
