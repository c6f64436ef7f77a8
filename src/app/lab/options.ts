import type { Cidr, Family } from '../../base/ip/index.ts';
import { bitsOf, cidrContains, cidrCovers, formatCidr, networkOf, parseCidr, parseIp } from '../../base/ip/index.ts';
import { LAB_BACKENDS } from './lab-types.ts';
import type { LabIpFamily, LabOptions, LabProblem } from './lab-types.ts';
import { MAX_NODES, nodePlaces, UNDERLAY } from './universe/topology.ts';

/** What the user typed; absent fields take the defaults. */
export interface RawLabOptions {
  readonly name?: string | undefined;
  readonly nodes?: string | number | undefined;
  readonly backend?: string | undefined;
  readonly ipFamily?: string | undefined;
  /** Comma-separated where there are two families. */
  readonly podCidr?: string | undefined;
  readonly serviceCidr?: string | undefined;
  readonly apiPort?: string | number | undefined;
}

/** A request that can be followed, or everything that is wrong with it. */
export type LabOptionsResult =
  | { readonly kind: 'valid'; readonly options: LabOptions }
  | { readonly kind: 'invalid'; readonly problems: readonly LabProblem[] };

const FAMILIES: readonly LabIpFamily[] = ['ipv4', 'ipv6', 'dual'];
/** The name of a cluster that is not given one. */
export const DEFAULT_NAME = 'sluice';
const DEFAULTS = {
  podCidr: { 4: '10.244.0.0/16', 6: 'fd00:10:244::/56' },
  /** Of pods on the nodes' own segment: what its nodes leave of its subnets. */
  segmentCidr: { 4: '172.30.1.128/25', 6: 'fd00:30:1:0:1::/80' },
  serviceCidr: { 4: '10.96.0.0/16', 6: 'fd00:10:96::/112' },
} as const;

/** Prefix length of the address blocks that nodes take from the pool: 64 addresses in either family. */
const BLOCK_PREFIX: Readonly<Record<Family, number>> = { 4: 26, 6: 122 };
/** The same for pods on the nodes' own segment: 8 addresses in IPv4, where there are few. */
const SEGMENT_BLOCK_PREFIX: Readonly<Record<Family, number>> = { 4: 29, 6: 122 };
/** Widest and narrowest Service ranges: the API server's limit of 20 host bits; room for the addresses in use from the start. */
const SERVICE_PREFIX: Readonly<Record<Family, readonly [number, number]>> = { 4: [12, 27], 6: [108, 123] };
/** Ranges in which no pod or Service can have an address. */
const UNUSABLE: readonly (readonly [range: string, what: string])[] = [
  ['0.0.0.0/8', 'the "this network" range'],
  ['127.0.0.0/8', 'the loopback range'],
  ['169.254.0.0/16', 'the link-local range, where every pod has its gateway'],
  ['224.0.0.0/3', 'the multicast and reserved ranges'],
  ['::/8', 'the loopback and mapped ranges'],
  ['fe80::/10', 'the link-local range, where every pod has its gateway'],
  ['ff00::/8', 'the multicast range'],
];

/** Checks everything at once; `problems` has one entry for each thing to be changed. */
export function validateLabOptions(raw: RawLabOptions): LabOptionsResult {
  const problems: LabProblem[] = [];
  const complain = (option: string, message: string): void => void problems.push({ option, message });
  const name = raw.name ?? DEFAULT_NAME;
  // No longer than this, so that nodes' sockets, whose paths contain the name twice, are not too long.
  if (!/^[a-z0-9]([-a-z0-9]{0,18}[a-z0-9])?$/.test(name))
    complain(
      '--name',
      `"${name}" is not a name: use 1 to 20 of a-z, 0-9 and "-", beginning and ending with a letter or digit`,
    );
  const nodes = whole('--nodes', raw.nodes ?? 3, 1, MAX_NODES, complain);
  const backend = oneOf('--backend', raw.backend ?? 'vxlan', LAB_BACKENDS, complain);
  const ipFamily = oneOf('--ip-family', raw.ipFamily ?? 'ipv4', FAMILIES, complain);
  const apiPort = whole('--api-port', raw.apiPort ?? 0, 0, 65_535, complain);
  if (backend === 'ipip' && ipFamily === 'ipv6')
    complain('--backend', 'ipip carries IPv4 only: choose another backend, or --ip-family ipv4 or dual');
  const families: readonly Family[] = ipFamily === 'dual' ? [4, 6] : ipFamily === 'ipv6' ? [6] : [4];
  const onSegment = backend === 'macvlan';
  const podDefaults = onSegment ? DEFAULTS.segmentCidr : DEFAULTS.podCidr;
  const pods = cidrs('--pod-cidr', raw.podCidr, families, podDefaults, complain);
  const services = cidrs('--service-cidr', raw.serviceCidr, families, DEFAULTS.serviceCidr, complain);
  const blocks = onSegment ? SEGMENT_BLOCK_PREFIX : BLOCK_PREFIX;
  for (const cidr of pods) checkPool(cidr, nodes, blocks, complain);
  for (const cidr of services) checkServices(cidr, complain);
  checkOverlaps(onSegment ? [] : pods, services, complain);
  if (onSegment) for (const cidr of pods) checkSegment(cidr, nodes, complain);
  if (problems.length > 0) return { kind: 'invalid', problems };
  const text = (list: readonly Cidr[]): readonly string[] => list.map(formatCidr);
  return {
    kind: 'valid',
    options: { name, nodes, backend, ipFamily, podCidrs: text(pods), serviceCidrs: text(services), apiPort },
  };
}

type Complain = (option: string, message: string) => void;

function whole(option: string, value: string | number, least: number, most: number, complain: Complain): number {
  const number = typeof value === 'number' ? value : /^\d+$/.test(value) ? Number(value) : Number.NaN;
  if (!Number.isInteger(number) || number < least || number > most)
    complain(option, `${JSON.stringify(value)} is not a whole number from ${least} to ${most}`);
  return number;
}

function oneOf<T extends string>(option: string, value: string, allowed: readonly T[], complain: Complain): T {
  const found = allowed.find((candidate) => candidate === value);
  if (found === undefined) complain(option, `"${value}" is none of ${allowed.join(', ')}`);
  return found ?? (allowed[0] as T);
}

/** One CIDR per family in the order of `families`; those that cannot be read are left out. */
function cidrs(
  option: string,
  text: string | undefined,
  families: readonly Family[],
  defaults: Readonly<Record<Family, string>>,
  complain: Complain,
): readonly Cidr[] {
  const parts = (text ?? families.map((family) => defaults[family]).join(',')).split(',').map((part) => part.trim());
  const read = parts.flatMap((part) => {
    const cidr = parseCidr(part);
    if (cidr === undefined) {
      complain(option, `"${part}" is not a CIDR such as ${defaults[families[0] ?? 4]}`);
      return [];
    }
    const network = formatCidr(networkOf(cidr));
    if (network !== formatCidr(cidr)) complain(option, `${part} has bits beyond its prefix: did you mean ${network}?`);
    return [cidr];
  });
  if (read.length < parts.length) return read;
  const wanted = families.map((family) => `IPv${family}`).join(' and ');
  const ordered = families.flatMap((family) => read.filter((cidr) => cidr.ip.family === family));
  if (read.length !== families.length || ordered.length !== families.length || new Set(ordered).size !== read.length)
    complain(
      option,
      `${parts.join(',')} does not fit the IP family of the cluster: give one ${wanted} CIDR${families.length > 1 ? ' each, separated by a comma' : ''}`,
    );
  return ordered;
}

function checkPool(cidr: Cidr, nodes: number, blockPrefix: Readonly<Record<Family, number>>, complain: Complain): void {
  const { family } = cidr.ip;
  const spare = blockPrefix[family] - cidr.prefix;
  const blocks = spare < 0 ? 0 : 2 ** Math.min(spare, 40);
  if (!(nodes > blocks)) return;
  const needed = blockPrefix[family] - Math.ceil(Math.log2(nodes));
  const size = 2 ** (bitsOf(family) - blockPrefix[family]);
  complain(
    '--pod-cidr',
    `${formatCidr(cidr)} has room for ${blocks} blocks of ${size} addresses, but ${nodes} nodes need one each: use a /${needed} or wider, or fewer nodes`,
  );
}

/** Pods on the nodes' segment are in its subnet, where neither a node nor the router may have one of their addresses. */
function checkSegment(cidr: Cidr, nodes: number, complain: Complain): void {
  const { family } = cidr.ip;
  const { ipv4, ipv6 } = UNDERLAY.segments.a;
  const subnet = parsed(family === 4 ? `${ipv4}.0/24` : `${ipv6}/64`);
  const taken = nodePlaces(nodes, '', 'one-segment').flatMap(({ gateway, ...node }) =>
    [node, gateway].map((each) => parseIp(family === 4 ? each.ipv4 : each.ipv6)!),
  );
  if (cidrCovers(subnet, cidr) && !taken.some((ip) => cidrContains(cidr, ip))) return;
  complain(
    '--pod-cidr',
    `${formatCidr(cidr)} must be a part of ${formatCidr(subnet)}, the nodes' own segment, without their addresses and the router's: ${DEFAULTS.segmentCidr[family]}`,
  );
}

function checkServices(cidr: Cidr, complain: Complain): void {
  const [widest, narrowest] = SERVICE_PREFIX[cidr.ip.family];
  if (cidr.prefix < widest || cidr.prefix > narrowest)
    complain('--service-cidr', `${formatCidr(cidr)} must be between a /${widest} and a /${narrowest}`);
}

function checkOverlaps(pods: readonly Cidr[], services: readonly Cidr[], complain: Complain): void {
  for (const pod of pods) {
    const service = services.find((candidate) => overlap(pod, candidate));
    if (service !== undefined)
      complain(
        '--service-cidr',
        `${formatCidr(service)} overlaps the pods' ${formatCidr(pod)}: choose separate ranges`,
      );
  }
  const check = (option: string, cidr: Cidr): void => {
    for (const range of UNDERLAY.ranges)
      if (overlap(cidr, parsed(range)))
        complain(option, `${formatCidr(cidr)} overlaps ${range}, where the lab's nodes and the outside host live`);
    for (const [range, what] of UNUSABLE)
      if (overlap(cidr, parsed(range))) complain(option, `${formatCidr(cidr)} reaches into ${range}, ${what}`);
  };
  for (const cidr of pods) check('--pod-cidr', cidr);
  for (const cidr of services) check('--service-cidr', cidr);
}

function overlap(a: Cidr, b: Cidr): boolean {
  return a.ip.family === b.ip.family && (cidrContains(a, b.ip) || cidrContains(b, a.ip));
}

function parsed(text: string): Cidr {
  const cidr = parseCidr(text);
  if (cidr === undefined) throw new RangeError(`not a CIDR: ${text}`);
  return cidr;
}
