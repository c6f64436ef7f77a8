import type { ClusterState } from './cluster.ts';
import { PolicyEngine } from './evaluate.ts';
import type { Flow, FlowProtocol, Party, Verdict } from './flow.ts';

/** One connection to predict, between parties made by the engine's own methods. */
export interface Probe {
  readonly source: Party;
  readonly destination: Party;
  readonly protocol: FlowProtocol;
  /** Destination port; absent for protocols without ports. */
  readonly port?: number;
}

/** A probe and what will happen to it. */
export interface Prediction<P extends Probe> {
  readonly probe: P;
  readonly verdict: Verdict;
}

/** Predicts many connections in one cluster state, in the order given; `sluice probe` compares the kernel with it. */
export function predictMatrix<P extends Probe>(
  engine: PolicyEngine | ClusterState,
  probes: Iterable<P>,
): Prediction<P>[] {
  const judge = engine instanceof PolicyEngine ? engine : new PolicyEngine(engine);
  return Array.from(probes, (probe) => ({ probe, verdict: judge.evaluate(flowOf(probe)) }));
}

/** The flow of a probe. */
export function flowOf({ source, destination, protocol, port }: Probe): Flow {
  return { source, destination, protocol, ...(port === undefined ? {} : { port }) };
}
