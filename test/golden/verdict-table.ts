import { parseIp } from '../../src/base/ip/index.ts';
import type { Family } from '../../src/base/ip/index.ts';
import { clusterState, PolicyEngine } from '../../src/core/policy/index.ts';
import type { ClusterObjects, Flow, FlowProtocol, Party } from '../../src/core/policy/index.ts';
import { OUTSIDE, PORTS } from './arbitrary-cluster.ts';

const KINDS: readonly (readonly [FlowProtocol, number | undefined])[] = [
  ...PORTS.map((port) => ['TCP', port] as const),
  ['UDP', 53],
  ['SCTP', 80],
  ['ICMP', undefined],
];

/** Whether each flow of the cluster is allowed, by a text that names the flow and not the objects' order. */
export function verdictTable(objects: ClusterObjects): Map<string, boolean> {
  const engine = new PolicyEngine(clusterState(objects));
  const table = new Map<string, boolean>();
  for (const family of [4, 6] as const) {
    const parties = partiesOf(engine, family);
    for (const [from, source] of parties)
      for (const [to, destination] of parties)
        for (const [protocol, port] of KINDS) {
          const flow: Flow = { source, destination, protocol, ...(port === undefined ? {} : { port }) };
          table.set(`${from} ${to} ${protocol} ${port} IPv${family}`, engine.evaluate(flow).allowed);
        }
  }
  return table;
}

/** The flows on which two tables disagree; flows that only one of them has do not count. */
export function disagreements(one: ReadonlyMap<string, boolean>, other: ReadonlyMap<string, boolean>): string[] {
  return [...one].flatMap(([flow, allowed]) => {
    const found = other.get(flow);
    return found === undefined || found === allowed ? [] : [`${flow}: ${allowed} became ${found}`];
  });
}

function partiesOf(engine: PolicyEngine, family: Family): [string, Party][] {
  const { pods, nodes } = engine.state;
  return [
    ...[...pods.values()]
      .filter((pod) => !pod.completed)
      .map((pod): [string, Party] => [pod.key, engine.pod(pod, family)]),
    ...[...nodes.values()].map((node): [string, Party] => [node.name, engine.node(node, family)]),
    ...OUTSIDE.map((text) => parseIp(text)!)
      .filter((ip) => ip.family === family)
      .map((ip): [string, Party] => [`outside ${ip.value}`, engine.address(ip)]),
  ];
}
