import type { Family } from '../../src/base/ip/index.ts';
import { equalIp, parseIp } from '../../src/base/ip/index.ts';
import { serviceEndpoints } from '../../src/core/policy/index.ts';
import type {
  ClusterState,
  Flow,
  Party,
  PolicyEngine,
  PortMatch,
  PortProtocol,
  Rule,
} from '../../src/core/policy/index.ts';
import { OUTSIDE } from './arbitrary-cluster.ts';

/** What a flow is besides its ends. */
export type Traffic = Pick<Flow, 'protocol' | 'port' | 'sourcePort' | 'icmp'>;

/** A source port that no generated rule speaks of, as clients have it. */
export const EPHEMERAL = 40_000;

const PROTOCOLS: readonly PortProtocol[] = ['TCP', 'UDP', 'SCTP'];

/** Everyone with an address of the family: pods, nodes by each of their addresses, and addresses that are nobody's. */
export function addressedParties(engine: PolicyEngine, family: Family): Party[] {
  const { pods, nodes } = engine.state;
  return [
    ...[...pods.values()].filter((pod) => !pod.completed && !pod.hostNetwork).map((pod) => engine.pod(pod, family)),
    ...[...nodes.values()].flatMap((node) =>
      [...node.addresses, ...node.tunnelAddresses].map((ip): Party => ({ kind: 'node', node, ip })),
    ),
    ...OUTSIDE.map((text) => engine.address(parseIp(text)!)),
  ].filter((party) => party.ip?.family === family);
}

/**
 * The traffic on which the state's rules can turn: both sides of every boundary of their ports, source ports and types of
 * ICMP, each port that some name stands for, and some that no rule speaks of.
 */
export function tellingTraffic(state: ClusterState): Traffic[] {
  const rules = [
    ...state.tiers.flatMap(({ policies }) => policies.flatMap(({ ingress, egress }) => [...ingress, ...egress])),
    ...[...state.profiles.values()].flatMap(({ ingress, egress }) => [...ingress, ...egress]),
  ];
  const { failsafeInbound, failsafeOutbound } = state.settings;
  const found = new Map<string, Traffic>();
  const add = (traffic: Traffic) => found.set(JSON.stringify(traffic), traffic);
  for (const protocol of PROTOCOLS) add({ protocol, port: 9, sourcePort: EPHEMERAL });
  add({ protocol: 'ICMP' });
  add({ protocol: 'ICMP', icmp: { type: 3, code: 0 } });
  add({ protocol: '47' });
  for (const { protocol, port } of destinationPorts(state, rules)) add({ protocol, port, sourcePort: EPHEMERAL });
  // The well-known ports stay out: nothing else of a generated cluster is about them.
  for (const { protocol, port } of [...failsafeInbound, ...failsafeOutbound])
    if ([53, 80, 8080].includes(port)) add({ protocol, port, sourcePort: EPHEMERAL });
  for (const each of rules.flatMap(conditionsOf)) {
    if (each.kind === 'port' && each.side === 'source')
      for (const { protocol, port } of boundaries(state, each.ports)) add({ protocol, port: 80, sourcePort: port });
    if (each.kind === 'icmp') {
      const { type, code = 0 } = each;
      for (const icmp of [
        { type, code },
        { type, code: code + 1 },
        { type: type + 1, code },
      ])
        add({ protocol: 'ICMP', icmp });
    }
  }
  return [...found.values()].filter((each) => !looksLikeAnAnswer(state, each));
}

/**
 * Before connection tracking a packet from a port that nodes can always reach is an answer from there, whatever it is:
 * what it opens nobody can tell from one that answers, and `evaluate` speaks of connections.
 */
function looksLikeAnAnswer({ tiers, settings }: ClusterState, { protocol, sourcePort }: Traffic): boolean {
  const untracked = tiers.some(({ policies }) => policies.some(({ hosts }) => hosts?.doNotTrack === true));
  const open = [...settings.failsafeInbound, ...settings.failsafeOutbound];
  return untracked && open.some((each) => each.protocol === protocol && each.port === sourcePort);
}

/**
 * What a node sends from its tunnel's address to the own address of another one, which routing never makes it do: evaluate
 * takes it for masqueraded, and it is not when a policy lets it out untracked.
 */
export function leavesTunnelUntracked({ tiers }: ClusterState, { source, destination }: Flow): boolean {
  if (source.kind !== 'node' || destination.kind !== 'node' || source.ip === undefined) return false;
  const { ip, node } = source;
  return (
    node.tunnelAddresses.some((each) => equalIp(each, ip)) &&
    tiers.some(({ policies }) => policies.some(({ hosts }) => hosts?.doNotTrack === true))
  );
}

/** About `limit` flows of the cluster, spread evenly over all pairs and all of {@link tellingTraffic}; all if there are fewer. */
export function* tellingFlows(engine: PolicyEngine, limit: number): Iterable<Flow> {
  const traffic = tellingTraffic(engine.state);
  const pairs = ([4, 6] as const).flatMap((family) => {
    const parties = addressedParties(engine, family);
    return parties.flatMap((source) => parties.map((destination) => ({ source, destination, family })));
  });
  const asked = pairs.filter(({ source, destination }) => source.kind !== 'outside' || destination.kind !== 'outside');
  const total = asked.length * traffic.length;
  // A prime step meets every pair and, over the pairs, every traffic.
  const step = Math.max(1, Math.floor(total / limit));
  for (let i = step >> 1; i < total; i += step) {
    const pair = Math.floor(i / traffic.length);
    const flow = { ...asked[pair]!, ...traffic[(i + pair) % traffic.length]! };
    if (!leavesTunnelUntracked(engine.state, flow)) yield flow;
  }
}

interface PortOf {
  readonly protocol: PortProtocol;
  readonly port: number;
}

function destinationPorts(state: ClusterState, rules: readonly Rule[]): PortOf[] {
  const inConditions = rules.flatMap(conditionsOf).flatMap((each) => (each.kind === 'port' ? each.ports : []));
  const inRules = rules.flatMap(({ ports }) => (ports === 'any' ? [] : ports));
  const services = [...state.services.keys()].flatMap((key) => serviceEndpoints(state, key));
  return [...boundaries(state, [...inRules, ...inConditions]), ...services.flatMap(({ sockets }) => sockets)];
}

function boundaries(state: ClusterState, ports: readonly PortMatch[]): PortOf[] {
  return ports.flatMap((each): PortOf[] => {
    const { protocol } = each;
    if (each.kind === 'all') return [{ protocol, port: 80 }];
    const numbers =
      each.kind === 'range'
        ? [each.first - 1, each.first, each.last, each.last + 1]
        : [...state.pods.values(), ...state.hostEndpoints.values()]
            .flatMap((end) => end.ports)
            .filter((port) => port.name === each.name)
            .map(({ port }) => port);
    return numbers.filter((port) => port > 0 && port < 65_536).map((port) => ({ protocol, port }));
  });
}

function conditionsOf({ conditions }: Rule) {
  return conditions ?? [];
}
