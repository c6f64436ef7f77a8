import { PolicyEngine, clusterState } from '../src/core/policy/index.ts';
import type { Flow, Verdict } from '../src/core/policy/index.ts';
import { median } from './harness.ts';
import type { Bench, Figure } from './harness.ts';
import { generateCluster } from './reach-cluster.ts';

/** Six policies each: a default deny and five allows. */
const NAMESPACES = 167;
const FLOWS = 50_000;
const ROUNDS = 101;

/** Between pods drawn at random, most of them of different namespaces, on the ports that the policies speak of and others. */
export const bench: Bench = {
  name: 'evaluate',
  about: `verdicts a second on one core, ${NAMESPACES * 20} pods, ${NAMESPACES * 6} policies`,
  run(note) {
    const state = clusterState(generateCluster(NAMESPACES));
    const engine = new PolicyEngine(state);
    const flows = drawFlows(engine);
    note(`${state.pods.size} pods, ${state.tiers.flatMap((tier) => tier.policies).length} policies`);
    const first = rate(engine, flows);
    const rates = Array.from({ length: ROUNDS }, () => rate(engine, flows));
    const allowed = flows.filter((flow) => engine.evaluate(flow).allowed).length;
    const figures: Figure[] = [
      { figure: 'verdicts', value: median(rates), unit: '/s', bar: { atLeast: 1_000_000 } },
      { figure: 'in the first round, which compiles', value: first, unit: '/s' },
      { figure: 'of them allowed', value: (100 * allowed) / flows.length, unit: '%' },
    ];
    return Promise.resolve(figures);
  },
};

/** Verdicts a second of processor time: what else the machine does is no property of the engine. */
function rate(engine: PolicyEngine, flows: readonly Flow[]): number {
  const start = process.cpuUsage();
  let last: Verdict | undefined;
  for (const flow of flows) last = engine.evaluate(flow);
  const { user, system } = process.cpuUsage(start);
  const seconds = (user + system) / 1e6;
  return last === undefined ? 0 : flows.length / seconds;
}

/** Half of the flows stay inside one namespace, so that allows are among them. */
function drawFlows(engine: PolicyEngine): Flow[] {
  const random = generator(7);
  const pods = [...engine.state.pods.values()];
  const byNamespace = Map.groupBy(pods, (pod) => pod.namespace);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  return Array.from({ length: FLOWS }, (_, i): Flow => {
    const source = pick(pods);
    const destination = pick(i % 2 === 0 ? pods : byNamespace.get(source.namespace)!);
    return {
      source: engine.pod(source, 4),
      destination: engine.pod(destination, 4),
      protocol: 'TCP',
      port: pick([80, 8080, 5432, 443, 53]),
    };
  });
}

/** Mulberry32: the same flows in every run. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
