import { expect } from 'vitest';
import type { Family } from '../../src/base/ip/index.ts';
import { PolicyEngine } from '../../src/core/policy/index.ts';
import type { ClusterState, Flow, Party } from '../../src/core/policy/index.ts';
import { formatPorts, includesTraffic, reach } from '../../src/core/reach/index.ts';
import type { Endpoint, Reachability } from '../../src/core/reach/index.ts';
import { flowsBetween, partiesOf } from './model-flows.ts';

/** Asks both readers about every flow between all parties, in every family. */
export function expectAgreement(state: ClusterState): void {
  const engine = new PolicyEngine(state);
  const reachability = reach(state);
  for (const family of reachability.families) {
    const parties = partiesOf(engine, family).filter((party) => party.kind !== 'outside' || party.domain === undefined);
    for (const source of parties)
      for (const destination of parties) expectPair(engine, reachability, source, destination, family);
  }
}

function expectPair(
  engine: PolicyEngine,
  reachability: Reachability,
  source: Party,
  destination: Party,
  family: Family,
) {
  const from = endpointOf(reachability, source);
  const to = endpointOf(reachability, destination);
  const set = reachability.connection(from, to).byFamily[family];
  if (set === undefined) return;
  for (const flow of flowsBetween(source, destination, family)) {
    if (flow.sourcePort !== undefined) continue;
    const expected = engine.evaluate(flow).allowed;
    if (includesTraffic(set, flow, family) !== expected)
      expect.fail(`evaluate says ${expected}, reach ${formatPorts(set)}: ${textOf(flow)}`);
  }
}

function endpointOf(reachability: Reachability, party: Party): Endpoint {
  const endpoint =
    party.kind === 'pod'
      ? reachability.resolve({ kind: 'pod', key: party.pod.key })
      : party.ip !== undefined
        ? reachability.resolve({ kind: 'address', ip: party.ip })
        : party.kind === 'node'
          ? reachability.resolve({ kind: 'node', name: party.node.name })
          : undefined;
  if (endpoint === undefined) expect.fail(`reach knows nothing of ${textOf(party)}`);
  return endpoint;
}

function textOf(value: Flow | Party): string {
  return JSON.stringify(value, (_, each: unknown) => (typeof each === 'bigint' ? each.toString(16) : each));
}
