import type { Family, Interval, Ip } from '../../base/ip/index.ts';
import { parseCidr, rangeOf } from '../../base/ip/index.ts';
import type { ClusterState } from '../../core/policy/cluster.ts';
import type { Peer, PortMatch, Rule } from '../../core/policy/model.ts';

/**
 * Where answers can change along the addresses of one family and along ports: between two neighbouring edges all addresses,
 * and all ports, are treated alike.
 */
export class Boundaries {
  readonly #state: ClusterState;
  readonly #addresses: { [family in Family]?: readonly bigint[] } = {};
  #ports: readonly bigint[] | undefined;

  constructor(state: ClusterState) {
    this.#state = state;
  }

  /** The parts of the range within which all addresses are treated alike. */
  splitAddresses(range: Interval, family: Family): Interval[] {
    return split(range, (this.#addresses[family] ??= addressEdges(this.#state, family)));
  }

  /** The parts of the range within which all ports are treated alike, whatever the protocol. */
  splitPorts(first: number, last: number): { readonly first: number; readonly last: number }[] {
    const parts = split({ first: BigInt(first), last: BigInt(last) }, (this.#ports ??= portEdges(this.#state)));
    return parts.map((part) => ({ first: Number(part.first), last: Number(part.last) }));
  }
}

/** `edges` are the first members of parts, ascending. */
export function split({ first, last }: Interval, edges: readonly bigint[]): Interval[] {
  const starts = [first, ...edges.filter((edge) => edge > first && edge <= last)];
  return starts.map((start, i) => ({ first: start, last: (starts[i + 1] ?? last + 1n) - 1n }));
}

function addressEdges(state: ClusterState, family: Family): readonly bigint[] {
  const edges = new Set<bigint>();
  const add = ({ first, last }: Interval) => edges.add(first).add(last + 1n);
  const addIp = (ip: Ip) => {
    if (ip.family === family) add({ first: ip.value, last: ip.value });
  };
  for (const peer of peersOf(state)) if (peer.kind === 'block' && peer.family === family) peer.ranges.forEach(add);
  for (const set of state.networkSets.values()) set.ranges[family].forEach(add);
  for (const pod of state.pods.values()) pod.addresses.forEach(addIp);
  for (const node of state.nodes.values()) [...node.addresses, ...node.tunnelAddresses].forEach(addIp);
  for (const host of state.hostEndpoints.values()) host.expectedIps.forEach(addIp);
  for (const slice of state.slices.values()) slice.forEach(({ ip }) => addIp(ip));
  for (const answers of state.domains.values()) answers.forEach(addIp);
  for (const { net } of [...state.settings.failsafeInbound, ...state.settings.failsafeOutbound]) {
    const cidr = net === undefined ? undefined : parseCidr(net);
    if (cidr?.ip.family === family) add(rangeOf(cidr));
  }
  return sorted(edges);
}

function portEdges(state: ClusterState): readonly bigint[] {
  const edges = new Set<bigint>();
  const add = (first: number, last: number) => edges.add(BigInt(first)).add(BigInt(last) + 1n);
  for (const port of portsOf(state)) if (port.kind === 'range') add(port.first, port.last);
  for (const pod of state.pods.values()) pod.ports.forEach(({ port }) => add(port, port));
  for (const host of state.hostEndpoints.values()) host.ports.forEach(({ port }) => add(port, port));
  for (const slice of state.slices.values()) slice.forEach(({ port }) => add(port, port));
  for (const service of state.services.values())
    for (const { targetPort, nodePort } of service.ports) {
      if (typeof targetPort === 'number') add(targetPort, targetPort);
      if (nodePort !== undefined) add(nodePort, nodePort);
    }
  for (const { port } of [...state.settings.failsafeInbound, ...state.settings.failsafeOutbound]) add(port, port);
  return sorted(edges);
}

function* rulesOf(state: ClusterState): Iterable<Rule> {
  for (const tier of state.tiers)
    for (const policy of tier.policies) {
      yield* policy.ingress;
      yield* policy.egress;
    }
  for (const profile of state.profiles.values()) {
    yield* profile.ingress;
    yield* profile.egress;
  }
}

function* peersOf(state: ClusterState): Iterable<Peer> {
  for (const { peers, conditions } of rulesOf(state)) {
    if (peers !== 'any') yield* peers;
    for (const condition of conditions ?? []) if (condition.kind === 'peer') yield* condition.peers;
  }
}

function* portsOf(state: ClusterState): Iterable<PortMatch> {
  for (const { ports, conditions } of rulesOf(state)) {
    if (ports !== 'any') yield* ports;
    for (const condition of conditions ?? []) if (condition.kind === 'port') yield* condition.ports;
  }
}

function sorted(edges: ReadonlySet<bigint>): readonly bigint[] {
  return [...edges].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}
