import { cidrContains, equalIp, formatIp, parseCidr, parseIp } from '../../base/ip/index.ts';
import type { Family, Ip } from '../../base/ip/index.ts';
import type { Service } from '../kube/types.ts';

/** What a Service of type LoadBalancer asks of address management; `problem`: what it says cannot be understood. */
export type AddressDemand =
  | {
      readonly kind: 'demand';
      readonly families: readonly Family[];
      /** Names or CIDRs of pools by family; absent: any pool for load balancers. */
      readonly pools?: Readonly<Partial<Record<Family, readonly string[]>>>;
      /** These very addresses, one of a family at most. */
      readonly addresses?: readonly Ip[];
    }
  | { readonly kind: 'problem'; readonly message: string };

/** Classes of load balancers that are served here, besides Services that name none: Calico's, and Sluice's own. */
const CLASSES: readonly string[] = ['calico', 'sluice.dev/load-balancer'];

/** Annotations as Calico names them, each a JSON list of texts. */
const ANNOTATIONS = {
  addresses: 'projectcalico.org/loadBalancerIPs',
  4: 'projectcalico.org/ipv4pools',
  6: 'projectcalico.org/ipv6pools',
} as const;

/** What the Service asks for; undefined when no address is to be given to it here. */
export function addressDemand({ metadata, spec }: Service): AddressDemand | undefined {
  const { type, loadBalancerClass, loadBalancerIP = '' } = spec ?? {};
  if (type !== 'LoadBalancer' || metadata?.deletionTimestamp !== undefined) return undefined;
  if (loadBalancerClass !== undefined && !CLASSES.includes(loadBalancerClass)) return undefined;
  const annotations = metadata?.annotations ?? {};
  const named = (spec?.ipFamilies ?? ['IPv4']).map((family): Family => (family === 'IPv6' ? 6 : 4));
  const lists = Object.values(ANNOTATIONS).map((name) => [name, listOf(annotations[name])] as const);
  const unreadable = lists.find(([, list]) => list === 'unreadable');
  if (unreadable !== undefined)
    return problem(`annotation ${unreadable[0]} must be a JSON list of texts, like '["198.51.100.7"]'`);
  const texts = (name: string): readonly string[] => (lists.find(([each]) => each === name)?.[1] ?? []) as string[];
  const asked = texts(ANNOTATIONS.addresses);
  const wanted = asked.length > 0 ? asked : loadBalancerIP === '' ? [] : [loadBalancerIP];
  const pools = { 4: texts(ANNOTATIONS[4]), 6: texts(ANNOTATIONS[6]) };
  const chosen = named.filter((family) => pools[family].length > 0);
  return wanted.length > 0
    ? exactly(wanted, named)
    : {
        kind: 'demand',
        families: named,
        ...(chosen.length === 0 ? {} : { pools: Object.fromEntries(chosen.map((each) => [each, pools[each]])) }),
      };
}

/** Whether an address that the Service has is one that it would get. */
export function satisfies(
  demand: Extract<AddressDemand, { kind: 'demand' }>,
  held: readonly { readonly ip: Ip; readonly pool: string | undefined }[],
): boolean {
  const { families, addresses, pools } = demand;
  if (held.length !== families.length || !families.every((each) => held.some(({ ip }) => ip.family === each)))
    return false;
  if (addresses !== undefined) return held.every(({ ip }) => addresses.some((each) => equalIp(each, ip)));
  return held.every(({ ip, pool }) => pools?.[ip.family]?.some((named) => named === pool || isIn(ip, named)) ?? true);
}

function isIn(ip: Ip, range: string): boolean {
  const cidr = parseCidr(range);
  return cidr !== undefined && cidrContains(cidr, ip);
}

function exactly(texts: readonly string[], families: readonly Family[]): AddressDemand {
  const addresses = texts.map((text) => ({ text, ip: parseIp(text) }));
  const wrong = addresses.find(({ ip }) => ip === undefined);
  if (wrong !== undefined) return problem(`"${wrong.text}" is not an address`);
  const ips = addresses.map(({ ip }) => ip!);
  for (const family of [4, 6] as const) {
    const same = ips.filter((ip) => ip.family === family);
    if (same.length > 1)
      return problem(`a Service can have one IPv${family} address, not ${same.map(formatIp).join(' and ')}`);
    if (same.length === 1 && !families.includes(family))
      return problem(`${formatIp(same[0]!)} is of none of the Service's families (spec.ipFamilies)`);
  }
  return { kind: 'demand', families: ips.map(({ family }) => family), addresses: ips };
}

function listOf(text: string | undefined): readonly string[] | 'unreadable' {
  if (text === undefined || text === '') return [];
  try {
    const value: unknown = JSON.parse(text);
    if (Array.isArray(value) && value.every((each) => typeof each === 'string')) return value;
  } catch {
    // Told by the caller, with an example.
  }
  return 'unreadable';
}

function problem(message: string): AddressDemand {
  return { kind: 'problem', message };
}
