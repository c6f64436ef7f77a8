import type { Family } from '../../src/base/ip/index.ts';
import type { Flow, FlowProtocol, Party, PolicyEngine } from '../../src/core/policy/index.ts';
import { MODEL_PORTS, STRANGERS } from './arbitrary-model.ts';

/** Everyone who can send or receive in the family: pods, nodes by each of their addresses, strangers, one by its name. */
export function partiesOf(engine: PolicyEngine, family: Family): Party[] {
  const { pods, nodes } = engine.state;
  const strangers = STRANGERS.filter((ip) => ip.family === family);
  return [
    ...[...pods.values()].filter((pod) => !pod.completed).map((pod) => engine.pod(pod, family)),
    ...[...nodes.values()].flatMap((node) =>
      [...node.addresses, ...node.tunnelAddresses]
        .filter((ip) => ip.family === family)
        .map((ip): Party => ({ kind: 'node', node, ip })),
    ),
    ...strangers.map((ip) => engine.address(ip)),
    ...strangers.slice(0, 1).map((ip): Party => ({ kind: 'outside', ip, domain: 'other.example.com' })),
  ];
}

/** Everything that one party may try with another, with few ports so that all pairs can be asked. */
export function flowsBetween(source: Party, destination: Party, family: Family): Flow[] {
  const ends = { source, destination, family };
  const withPorts = (['TCP', 'UDP', 'SCTP'] as const).flatMap((protocol): Flow[] => [
    ...MODEL_PORTS.map((port): Flow => ({ ...ends, protocol, port })),
    { ...ends, protocol, port: 80, sourcePort: 81 },
  ]);
  const icmp: FlowProtocol = 'ICMP';
  return [
    ...withPorts,
    { ...ends, protocol: icmp },
    { ...ends, protocol: icmp, icmp: { type: 3, code: 1 } },
    { ...ends, protocol: '47' },
  ];
}

/** Every flow of the cluster. */
export function* flowsOf(engine: PolicyEngine): Iterable<Flow> {
  for (const family of [4, 6] as const) {
    const parties = partiesOf(engine, family);
    for (const source of parties) for (const destination of parties) yield* flowsBetween(source, destination, family);
  }
}

/** Every flow from outside by a port of a node that is translated. */
export function* enteringFlowsOf(engine: PolicyEngine): Iterable<Flow> {
  for (const family of [4, 6] as const) {
    const parties = partiesOf(engine, family);
    for (const source of parties)
      for (const destination of parties) yield* entering(engine, source, destination, family);
  }
}

/** From outside by a port of each node that is translated to the destination. */
function* entering(engine: PolicyEngine, source: Party, destination: Party, family: Family): Iterable<Flow> {
  if (source.kind !== 'outside' || destination.kind === 'outside') return;
  for (const node of engine.state.nodes.values())
    for (const ip of node.addresses.filter((each) => each.family === family))
      for (const port of MODEL_PORTS)
        yield { source, destination, family, protocol: 'TCP', port: 80, entry: { node, ip, port } };
}
