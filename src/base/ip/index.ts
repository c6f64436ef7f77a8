export { bitsOf, compareIp, equalIp, formatIp, ipFromBytes, ipToBytes, parseIp } from './address.ts';
export type { Family, Ip } from './address.ts';
export { cidrContains, cidrCovers, cidrSize, formatCidr, hostCidr, networkOf, parseCidr, rangeOf } from './cidr.ts';
export type { Cidr } from './cidr.ts';
export { cidrsOf } from './cidrs-of.ts';
export { contains, intersect, intervalSet, subtract, union } from './interval-set.ts';
export type { Interval, IntervalSet } from './interval-set.ts';
