import { compareIp, formatIp } from '../../base/ip/index.ts';
import type { Cidr, Ip } from '../../base/ip/index.ts';
import type { ServicePortSpec, ServiceSpec, SliceEndpoint, SliceSpec } from './model.ts';

/** Where a connection can be sent. */
export interface Backend {
  readonly address: Ip;
  readonly port: number;
  readonly node?: string;
}

/** One address and port that is translated, with the backends it is spread over, all of its family. */
export interface Frontend {
  /** Absent for a NodePort: any address of the node; for own clients, any address of any node. */
  readonly address?: Ip;
  /** Whom it is for: the node itself and its pods, or all that comes from elsewhere. */
  readonly clients: 'own' | 'outside';
  readonly family: 4 | 6;
  readonly protocol: ServicePortSpec['protocol'];
  readonly port: number;
  /** Sorted by address, then port; without duplicates. */
  readonly backends: readonly Backend[];
  /** For how many seconds after its last connection a client comes to the same backend; absent: to any. */
  readonly affinitySeconds?: number;
  /** For clients from elsewhere: the backends may be on other nodes, so that their answers must be led back through this one. */
  readonly anyNode: boolean;
  /** The only sources that may use it, of its family; absent: all. */
  readonly sources?: readonly Cidr[];
}

/** Where the clients are: the node, and the zone that it says it is in. */
export interface Place {
  readonly node: string;
  readonly zone?: string | undefined;
}

/**
 * Every frontend of the Service on the node, given the Service's slices. Frontends without backends are listed too. Own
 * clients are led to the backend here, whatever they address: externalTrafficPolicy is not for them.
 */
export function frontendsOf(service: ServiceSpec, slices: Iterable<SliceSpec>, place: Place): Frontend[] {
  const all = [...slices];
  const clusterIps = new Set(service.clusterIps.map(formatIp));
  const guarded = new Set(service.guarded?.addresses.map(formatIp));
  return service.ports.flatMap((port) => {
    const listed = endpointsOf(port, all);
    const anywhere = backendsAmong(preferred(listed, place), listed);
    const here = backendsAmong(listed.filter((each) => each.node === place.node));
    const { affinitySeconds } = service;
    const common = { protocol: port.protocol, ...(affinitySeconds === undefined ? {} : { affinitySeconds }) };
    const split = { anywhere: byFamily(anywhere), here: byFamily(here) };
    const frontends = service.addresses.flatMap((address): Frontend[] => {
      const { family } = address;
      const text = formatIp(address);
      const internalLocal = service.internalLocal === true && clusterIps.has(text);
      const outsideLocal = internalLocal || service.externalLocal;
      const sources = service.guarded?.sources.filter(({ ip }) => ip.family === family);
      const guard = sources !== undefined && guarded.has(text) ? { sources } : {};
      const front = { ...common, address, family, port: port.port, ...guard };
      return [
        { ...front, clients: 'own', backends: split[internalLocal ? 'here' : 'anywhere'][family], anyNode: false },
        {
          ...front,
          clients: 'outside',
          backends: split[outsideLocal ? 'here' : 'anywhere'][family],
          anyNode: !outsideLocal,
        },
      ];
    });
    if (port.nodePort === undefined) return frontends;
    // A Service offers its NodePort in the families of its ClusterIPs.
    for (const family of new Set(service.clusterIps.map((address) => address.family))) {
      const nodePort = { ...common, family, port: port.nodePort };
      const outside = split[service.externalLocal ? 'here' : 'anywhere'][family];
      frontends.push(
        { ...nodePort, clients: 'outside', backends: outside, anyNode: !service.externalLocal },
        { ...nodePort, clients: 'own', backends: split.anywhere[family], anyNode: false },
      );
    }
    return frontends;
  });
}

/** Where connections to one port of a Service may go, on any node and of any family; sorted, without duplicates. */
export function backendsOf(port: ServicePortSpec, slices: Iterable<SliceSpec>): Backend[] {
  return backendsAmong(endpointsOf(port, [...slices]));
}

/**
 * How many ready endpoints the node itself has, as load balancers ask: those that terminate shall get nothing new. A pod
 * has an address of each family and is one endpoint: the family with more of them counts.
 */
export function endpointsHere(service: ServiceSpec, slices: Iterable<SliceSpec>, node: string): number {
  const all = [...slices];
  const here = service.ports.flatMap((port) =>
    endpointsOf(port, all).filter((each) => each.ready && each.node === node),
  );
  const countOf = (family: 4 | 6): number =>
    new Set(here.flatMap(({ address }) => (address.family === family ? formatIp(address) : []))).size;
  return Math.max(countOf(4), countOf(6));
}

/**
 * The nodes that have endpoints for clients of externalTrafficPolicy Local: ready ones, or where no node has any, such as
 * still serve while they terminate.
 */
export function nodesServing(service: ServiceSpec, slices: Iterable<SliceSpec>): ReadonlySet<string> {
  const all = [...slices];
  const endpoints = service.ports.flatMap((port) => endpointsOf(port, all));
  const ready = endpoints.filter((each) => each.ready);
  return new Set((ready.length > 0 ? ready : endpoints).flatMap(({ node }) => node ?? []));
}

function byFamily(backends: readonly Backend[]): Readonly<Record<4 | 6, readonly Backend[]>> {
  const [v4, v6] = ([4, 6] as const).map((family) => backends.filter(({ address }) => address.family === family));
  return { 4: v4!, 6: v6! };
}

interface Candidate extends Backend, Pick<SliceEndpoint, 'ready' | 'zones' | 'nodes'> {}

function endpointsOf(port: ServicePortSpec, slices: readonly SliceSpec[]): Candidate[] {
  return slices.flatMap(({ ports, endpoints }) => {
    const target = ports.find((each) => each.name === port.name && each.protocol === port.protocol);
    return target === undefined ? [] : endpoints.map((each) => ({ ...each, port: target.port }));
  });
}

/**
 * The ready endpoints that hints mean for clients here: those of the node where every ready one has a hint of nodes, or else
 * those of the zone likewise. One without a hint, or none for here, and hints count for nothing: nobody shall be left out.
 */
function preferred(candidates: readonly Candidate[], { node, zone }: Place): readonly Candidate[] {
  const ready = candidates.filter((each) => each.ready);
  for (const [here, kind] of [
    [node, 'nodes'],
    [zone, 'zones'],
  ] as const) {
    if (here === undefined || ready.some((each) => each[kind] === undefined)) continue;
    const meant = ready.filter((each) => each[kind]?.includes(here));
    if (meant.length > 0) return meant;
  }
  return ready;
}

/** Ready endpoints; when there is none, those of `fallback` that still serve while they terminate. */
function backendsAmong(candidates: readonly Candidate[], fallback = candidates): Backend[] {
  const ready = candidates.filter((each) => each.ready);
  return sortedUnique(ready.length > 0 ? ready : fallback);
}

/** Slices may list one address twice, even on different nodes. */
function sortedUnique(backends: readonly Backend[]): Backend[] {
  const order = (a: Backend, b: Backend) => compareIp(a.address, b.address) || a.port - b.port;
  const sorted = backends.toSorted(order);
  return sorted.filter((each, i) => i === 0 || order(each, sorted[i - 1]!) !== 0);
}
