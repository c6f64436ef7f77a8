import { cidrContains, equalIp, formatCidr, type Ip } from '../../base/ip/index.ts';
import type { ServiceInfo } from '../../core/policy/cluster.ts';
import type { Place } from '../place.ts';

/** Whom a Service's loadBalancerSourceRanges let use its load balancer's addresses; undefined where that is everybody. */
export function sourceRangesText({ key, guarded }: ServiceInfo): string | undefined {
  if (guarded === undefined) return undefined;
  const name = `the load balancer's addresses of ${key.replace('/', '/service/')}`;
  if (guarded.sources.length === 0) return `${name} are for nobody (loadBalancerSourceRanges names no range)`;
  return `${name} are for ${guarded.sources.map(formatCidr).join(', ')} alone (loadBalancerSourceRanges)`;
}

/** Whether packets from the place to the address end at loadBalancerSourceRanges, before any policy; undefined where that cannot be told. */
export function isShutOut({ guarded }: ServiceInfo, to: Ip, from: Place): boolean | undefined {
  if (guarded?.addresses.some((each) => equalIp(each, to)) !== true) return false;
  const sources = addressesOf(from)?.filter(({ family }) => family === to.family);
  if (sources === undefined || sources.length === 0) return undefined;
  const inside = sources.filter((ip) => guarded.sources.some((cidr) => cidrContains(cidr, ip)));
  return inside.length === 0 ? true : inside.length === sources.length ? false : undefined;
}

function addressesOf(place: Place): readonly Ip[] | undefined {
  if (place.kind === 'address') return [place.ip];
  return place.kind === 'pods' ? place.pods.flatMap(({ addresses }) => addresses) : undefined;
}
