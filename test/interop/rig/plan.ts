import { parseCidr, parseIp } from '../../../src/base/ip/index.ts';
import type { Cidr, Family, Ip } from '../../../src/base/ip/index.ts';
import type { BackendName } from '../../../src/core/routing/index.ts';

/** Nodes with the segment that each is on. */
export const SEGMENTS = { 'node-1': 1, 'node-2': 1, 'node-3': 2 } as const;

/** Pods with the node of each. */
export const PODS = { 'web-1': 'node-1', 'client-1': 'node-1', 'web-2': 'node-2', 'web-3': 'node-3' } as const;

export type NodeName = keyof typeof SEGMENTS;
export type PodName = keyof typeof PODS;
export type PlaceName = PodName | NodeName | 'outside';

/** Who is where in a {@link RoutedNodes}. */
export interface Plan {
  readonly backend: BackendName;
  readonly family: Family;
  readonly nodes: readonly NodeName[];
  readonly pods: readonly PodName[];
  readonly pool: string;
  /** Address of a place. */
  readonly ip: (place: PlaceName) => string;
  readonly router: (segment: number | 'outside') => string;
  /** Bits of a segment's prefix. */
  readonly prefix: number;
  readonly block: (node: NodeName) => string;
  /** The node's address in the overlay. */
  readonly tunnel: (node: NodeName) => string;
  readonly serviceIp: (number: number) => string;
  /** All addresses of Services. */
  readonly services: string;
  /** Another address of the node, of which its Node object knows nothing. */
  readonly unlisted: (node: NodeName) => string;
  /** The source of what `from` itself sends to the pods of `to`. */
  readonly sourceOf: (from: NodeName, to: NodeName) => string;
}

/** The plan for one backend and family. host-gw has no node on the second segment, which it could not reach. */
export function planOf(backend: BackendName, family: Family): Plan {
  const nodes = (Object.keys(SEGMENTS) as NodeName[]).filter((node) => backend !== 'host-gw' || SEGMENTS[node] === 1);
  const pods = (Object.keys(PODS) as PodName[]).filter((pod) => nodes.includes(PODS[pod]));
  const v4 = family === 4;
  const number = (node: NodeName): number => Number(node.slice(-1));
  const inBlock = (node: NodeName, last: number): string =>
    v4 ? `10.244.${number(node)}.${last}` : `fd00:10:244::${number(node)}0${last}`;
  const nodeIp = (node: NodeName): string =>
    v4 ? `172.30.${SEGMENTS[node]}.1${number(node)}` : `fd00:30:${SEGMENTS[node]}::1${number(node)}`;
  const ip = (place: PlaceName): string => {
    if (place === 'outside') return v4 ? '203.0.113.10' : '2001:db8:113::10';
    if (place in SEGMENTS) return nodeIp(place as NodeName);
    return inBlock(PODS[place as PodName], place.startsWith('client') ? 3 : 2);
  };
  const wrapped = (from: NodeName, to: NodeName): boolean =>
    backend === 'vxlan' || (backend === 'cross-subnet' && SEGMENTS[from] !== SEGMENTS[to]);
  return {
    backend,
    family,
    nodes,
    pods,
    ip,
    pool: v4 ? '10.244.0.0/16' : 'fd00:10:244::/64',
    prefix: v4 ? 24 : 64,
    router: (segment) =>
      segment === 'outside'
        ? v4
          ? '203.0.113.1'
          : '2001:db8:113::1'
        : v4
          ? `172.30.${segment}.1`
          : `fd00:30:${segment}::1`,
    block: (node) => (v4 ? `10.244.${number(node)}.0/24` : `fd00:10:244::${number(node)}00/120`),
    tunnel: (node) => inBlock(node, 1),
    unlisted: (node) =>
      v4 ? `172.30.${SEGMENTS[node]}.2${number(node)}` : `fd00:30:${SEGMENTS[node]}::2${number(node)}`,
    services: v4 ? '10.96.0.0/24' : 'fd00:10:96::/64',
    serviceIp: (n) => (v4 ? `10.96.0.${n}` : `fd00:10:96::${n}`),
    sourceOf: (from, to) => (wrapped(from, to) ? inBlock(from, 1) : nodeIp(from)),
  };
}

/** The host-side interface of a pod and the hardware address of its own end. */
export function podLink(pod: PodName): { readonly interface: string; readonly mac: string } {
  const number = Object.keys(PODS).indexOf(pod) + 1;
  return { interface: `slc0000000000${number}`, mac: `02:00:00:00:00:0${number}` };
}

/** Hardware address of a node's eth0. */
export function underlayMac(node: NodeName): string {
  return `02:00:00:00:01:0${node.slice(-1)}`;
}

export const ipOf = (text: string): Ip => parseIp(text)!;
export const cidrOf = (text: string): Cidr => parseCidr(text)!;
