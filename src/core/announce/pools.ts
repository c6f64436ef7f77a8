import { cidrContains, parseCidr } from '../../base/ip/index.ts';
import type { Cidr, Ip } from '../../base/ip/index.ts';

/** Of an IPPool: which addresses of Services in its range nodes answer for, LoadBalancerIPs and ExternalIPs, by commas. */
export const ANNOUNCE_ANNOTATION = 'sluice.dev/announce';
/** Of an IPPool: the interfaces on which nodes answer, by commas; absent: those whose subnet has the address. */
export const INTERFACES_ANNOTATION = 'sluice.dev/announce-interfaces';

/** A range whose addresses are announced on the segments of nodes. */
export interface AnnouncedPool {
  readonly cidr: Cidr;
  /** Addresses of load balancers, as the status of their Services says. */
  readonly loadBalancerIps: boolean;
  readonly externalIps: boolean;
  /** Answered there whatever their subnets are. */
  readonly interfaces?: readonly string[];
}

/** What an IPPool may look like, as far as it matters here. */
export interface PoolObject {
  readonly metadata?: object | undefined;
  readonly spec?: unknown;
}

/** What the pool's annotations ask for; undefined: nothing; `problem`: what cannot be understood, and nothing is announced. */
export function announcedPool(
  pool: PoolObject,
): { readonly pool: AnnouncedPool } | { readonly problem: string } | undefined {
  const { annotations = {} } = (pool.metadata ?? {}) as { readonly annotations?: Readonly<Record<string, string>> };
  const kinds = listOf(annotations[ANNOUNCE_ANNOTATION]);
  if (kinds.length === 0) return undefined;
  const unknown = kinds.find((kind) => kind !== 'LoadBalancerIPs' && kind !== 'ExternalIPs');
  if (unknown !== undefined)
    return { problem: `${ANNOUNCE_ANNOTATION} knows LoadBalancerIPs and ExternalIPs, not "${unknown}"` };
  const { cidr: text = '' } = (pool.spec ?? {}) as { readonly cidr?: string };
  const cidr = parseCidr(text);
  if (cidr === undefined) return { problem: `its range "${text}" cannot be read` };
  const interfaces = listOf(annotations[INTERFACES_ANNOTATION]);
  return {
    pool: {
      cidr,
      loadBalancerIps: kinds.includes('LoadBalancerIPs'),
      externalIps: kinds.includes('ExternalIPs'),
      ...(interfaces.length === 0 ? {} : { interfaces }),
    },
  };
}

/** The pool that speaks for the address: the narrowest that has it. */
export function poolOf(address: Ip, pools: readonly AnnouncedPool[]): AnnouncedPool | undefined {
  return pools
    .filter(({ cidr }) => cidrContains(cidr, address))
    .toSorted((a, b) => b.cidr.prefix - a.cidr.prefix)
    .at(0);
}

function listOf(text: string | undefined): readonly string[] {
  return (text ?? '').split(',').flatMap((each) => (each.trim() === '' ? [] : [each.trim()]));
}
