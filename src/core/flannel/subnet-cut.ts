import { bitsOf, cidrContains, equalIp, formatCidr, formatIp, networkOf, rangeOf } from '../../base/ip/index.ts';
import type { Cidr, Family } from '../../base/ip/index.ts';
import { FieldReader } from './field-reader.ts';
import { parseFields } from './json-fields.ts';
import { FAMILIES } from './lease.ts';
import { parseNetConf } from './net-conf.ts';
import type { NetConf } from './net-conf.ts';

/** How a network is cut into the subnets of its nodes, where flannel itself does that. */
export interface SubnetCut {
  readonly network: Cidr;
  /** Of every subnet's prefix. */
  readonly length: number;
  /** Where the first and the last subnet that may be given out begin. */
  readonly first: bigint;
  readonly last: bigint;
}

/** Of the families that the network has; IPv4 is always one. */
export type SubnetCuts = Readonly<Partial<Record<Family, SubnetCut>>>;

/** The same with what only etcd needs: how subnets are cut. */
export type EtcdNetConfReading =
  | { readonly kind: 'read'; readonly netConf: NetConf; readonly cuts: SubnetCuts }
  | { readonly kind: 'bad'; readonly problems: readonly string[] };

const NAMES: Readonly<Record<Family, Readonly<Record<'length' | 'first' | 'last', string>>>> = {
  4: { length: 'SubnetLen', first: 'SubnetMin', last: 'SubnetMax' },
  6: { length: 'IPv6SubnetLen', first: 'IPv6SubnetMin', last: 'IPv6SubnetMax' },
};

/** Each node gets as much where the network has room for four and nobody says otherwise; else a quarter of it. */
const USUAL_LENGTH = { 4: 24, 6: 64 } as const;

/** Reads what flannel keeps under `config` in etcd: its `net-conf.json` with how subnets are cut. */
export function parseEtcdNetConf(text: string): EtcdNetConfReading {
  const reading = parseNetConf(text);
  if (reading.kind === 'bad') return reading;
  const { networks } = reading.netConf;
  const problems: string[] = [];
  // Keys are named after the IPv4 subnet, so that flannel's own nodes would all take the same one.
  if (networks[4] === undefined)
    problems.push(
      "EnableIPv4 is false: leases in etcd need IPv4, flannel's too; without it, they can be in Nodes alone",
    );
  const reader = new FieldReader(parseFields(text)!, '', problems);
  const cuts: Partial<Record<Family, SubnetCut>> = {};
  for (const family of FAMILIES) {
    const cut = networks[family] && cutOf(networks[family], reader, problems);
    if (cut !== undefined) cuts[family] = cut;
  }
  return problems.length > 0 ? { kind: 'bad', problems } : { kind: 'read', netConf: reading.netConf, cuts };
}

/** The first subnet of a network is left out unless it is asked for: its address would be the network's own. */
function cutOf(network: Cidr, reader: FieldReader, problems: string[]): SubnetCut | undefined {
  const { family } = network.ip;
  const names = NAMES[family];
  const length =
    reader.whole(names.length, [0, bitsOf(family)], 0) || Math.max(USUAL_LENGTH[family], network.prefix + 2);
  // Four subnets at least, and in each of them room for a tunnel, a bridge and a pod.
  if (length < network.prefix + 2 || length > bitsOf(family) - 2) {
    const least = network.prefix + 2;
    problems.push(
      `${names.length} is ${length}, must be from ${least} to ${bitsOf(family) - 2}: ` +
        `at least four subnets in ${formatCidr(network)}, of four addresses or more`,
    );
    return undefined;
  }
  const bound = (name: string): bigint | undefined => {
    const ip = reader.address(name, family);
    // flannel takes an address of zeros for none.
    if (ip === undefined || ip.value === 0n) return undefined;
    if (!cidrContains(network, ip)) problems.push(`${name} is ${formatIp(ip)}, which is not in ${formatCidr(network)}`);
    else if (!equalIp(networkOf({ ip, prefix: length }).ip, ip))
      problems.push(`${name} is ${formatIp(ip)}, where no subnet of /${length} begins`);
    return ip.value;
  };
  const range = rangeOf(network);
  const size = 1n << BigInt(bitsOf(family) - length);
  const [first, last] = [bound(names.first) ?? range.first + size, bound(names.last) ?? range.last + 1n - size];
  if (first > last) problems.push(`${names.first} is after ${names.last}: there is no subnet`);
  return { network, length, first, last };
}
