import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { equalIp, formatIp } from '../../src/base/ip/index.ts';
import {
  clusterState,
  DIRECTIONS,
  EMPTY_STATE,
  nodeEndpoint,
  podEndpoint,
  PolicyEngine,
} from '../../src/core/policy/index.ts';
import type { ClusterObjects, ClusterState, Flow, Party, Verdict } from '../../src/core/policy/index.ts';
import type { ProbeAttempt } from '../../src/host/probe/port.ts';
import { probe } from '../../src/host/probe/probe.ts';
import { arbitraryObjects } from '../golden/arbitrary-objects.ts';
import { foundCases } from '../golden/found-cases.ts';
import { tellingFlows } from '../golden/telling-flows.ts';
import { yamlOf } from '../golden/yaml-of.ts';
import { ClusterRig } from './rig/cluster-rig.ts';
import type { RigPlace } from './rig/cluster-rig.ts';
import { filterNodes } from './rig/filter-nodes.ts';
import { frontendsOf } from './rig/frontends.ts';
import type { Frontend } from './rig/frontends.ts';

/** Generated clusters, and about how many flows of each are thought of; half of them can be tried here. */
const CASES = 100;
const FLOWS = 250;
/** Always the same clusters, unless another seed is asked for. */
const SEED = Number(process.env['SLUICE_SEED'] ?? 20_261_123);

let rig: ClusterRig;

beforeAll(async () => {
  rig = await ClusterRig.create(everyPlace());
});

afterAll(() => rig[Symbol.asyncDispose]());

test(`real packets pass exactly where evaluate says, in ${CASES} generated clusters of every API (seed ${SEED})`, async () => {
  const tried: Expected[] = [];
  await fc.assert(
    fc.asyncProperty(arbitraryObjects, async (objects) => {
      const { wrong, expected } = await tryOut(objects, clusterState(objects));
      tried.push(...expected);
      if (wrong.length > 0) expect.fail(`${wrong.slice(0, 5).join('\n')}\n${yamlOf(objects)}`);
    }),
    { numRuns: CASES, seed: SEED, endOnFailure: true },
  );
  const count = (isOne: (each: Expected) => boolean): number => tried.filter(isOne).length;
  expect(tried.length).toBeGreaterThan(CASES * 50);
  expect(count(({ verdict }) => !verdict.allowed)).toBeGreaterThan(tried.length / 10);
  expect(count(({ verdict }) => verdict.arrivesAs !== undefined)).toBeGreaterThan(CASES);
  expect(count(({ attempt }) => attempt.via !== undefined)).toBeGreaterThan(CASES);
  expect(count(({ verdict }) => verdict.flow.source.kind === 'outside' && isEntered(verdict))).toBeGreaterThan(CASES);
  expect(count(({ verdict }) => decidedUntracked(verdict))).toBeGreaterThan(CASES / 20);
}, 600_000);

function isEntered({ flow }: Verdict): boolean {
  return flow.entry !== undefined;
}

function decidedUntracked(verdict: Verdict): boolean {
  return DIRECTIONS.some((direction) => {
    const side = verdict[direction];
    return side.kind === 'rule' && side.policy.hosts?.doNotTrack === true;
  });
}

test.each(foundCases())('and so they do in the case that was found as $name', async ({ objects, state }) => {
  const { wrong, expected } = await tryOut(objects, state);
  expect(wrong).toEqual([]);
  expect(expected.length).toBeGreaterThan(20);
});

/** Tries the cluster out, and says what went otherwise than `evaluate` says. */
async function tryOut(objects: ClusterObjects, state: ClusterState) {
  const engine = new PolicyEngine(state);
  filterNodes(rig, objects, state);
  const expected = [...directAttempts(engine), ...serviceAttempts(engine)];
  const results = await probe(expected.map(({ attempt }) => attempt));
  const wrong = results.flatMap(({ attempt, verdict, evidence, message }, i) => {
    const { allowed } = expected[i]!.verdict;
    if (verdict === (allowed ? 'allowed' : 'denied')) return [];
    return `${nameOf(attempt)}: ${evidence} ${message ?? ''}, evaluate says ${allowed}`;
  });
  return { wrong, expected };
}

/** Both nodes with a pod at every address that a generated pod may have. */
function everyPlace(): ClusterState {
  const pods = [0, 1].flatMap((node) =>
    [0, 1, 2, 3, 4, 5].map((i) =>
      podEndpoint({
        metadata: { name: `pod-${node}${i}`, namespace: 'ns-0' },
        spec: { nodeName: `node-${node}`, containers: [] },
        status: {
          phase: 'Running',
          podIPs: [{ ip: `10.244.${node}.${i + 2}` }, { ip: `fd00:10:244::${node}:${i + 2}` }],
        },
      }),
    ),
  );
  const nodes = [0, 1].map((i) =>
    nodeEndpoint({
      metadata: { name: `node-${i}` },
      status: {
        addresses: [`172.30.1.${11 + i}`, `fd00:30:1::${11 + i}`].map((address) => ({ type: 'InternalIP', address })),
      },
    }),
  );
  return {
    ...EMPTY_STATE,
    pods: new Map(pods.map((pod) => [pod.key, pod])),
    nodes: new Map(nodes.map((node) => [node.name, node])),
  };
}

interface Expected {
  readonly attempt: ProbeAttempt;
  readonly verdict: Verdict;
}

function directAttempts(engine: PolicyEngine): Expected[] {
  const untracked = hasUntracked(engine.state);
  return [...tellingFlows(engine, FLOWS)].flatMap((flow) => {
    const [from, to] = [placeOf(flow.source), placeOf(flow.destination)];
    // The kernel chooses the source port and makes no other message of ICMP than an echo request.
    if (from === undefined || to === undefined || from === to || flow.icmp !== undefined) return [];
    if (isTranslated(engine.state, flow)) return [];
    const protocol = probedProtocol(flow);
    if (protocol === undefined) return [];
    const verdict = engine.evaluate(flow);
    // The answers of untracked connections are judged for themselves.
    if (protocol === 'tcp' && verdict.allowed && untracked) return [];
    const ends = { from: { ...from, id: from.name }, to: { ...to, id: to.name } };
    const address = flow.destination.ip!;
    const expectSilence = !verdict.allowed;
    return { verdict, attempt: { ...ends, protocol, address, port: flow.port ?? 0, expectSilence } };
  });
}

/** Whether the port is one of nodes for a Service, which is tried by {@link serviceAttempts}. */
function isTranslated({ services }: ClusterState, { destination, port }: Flow): boolean {
  if (destination.kind !== 'node') return false;
  return [...services.values()].some(({ ports }) => ports.some(({ nodePort }) => nodePort === port));
}

/**
 * From everyone to each Service port, by the Service's own addresses and by those of nodes, where it makes no difference
 * which backend is chosen.
 */
function serviceAttempts(engine: PolicyEngine): Expected[] {
  // What a policy lets out untracked is not translated.
  if (hasUntracked(engine.state)) return [];
  return frontendsOf(engine.state).flatMap((frontend) =>
    rig.places.flatMap((from) => attemptsBy(engine, frontend, from)),
  );
}

function attemptsBy(engine: PolicyEngine, { protocol, via, entry, backends }: Frontend, from: RigPlace): Expected[] {
  const source = engine.address(from.addresses.find((each) => each.family === via.address.family)!);
  // The outside has no way to a Service's own address, and a pod of another cluster none at all.
  if (source.kind === 'outside' && (from.kind !== 'outside' || entry === undefined)) return [];
  const ways = backends.map(({ ip, port }) => {
    const destination = engine.address(ip);
    const flow = { source, destination, protocol, port, ...(entry === undefined ? {} : { entry }) };
    return { ip, port, to: placeOf(destination), verdict: engine.evaluate(flow) };
  });
  const [first] = ways;
  if (!ways.every(({ verdict }) => verdict.allowed === first!.verdict.allowed)) return [];
  // A backend that is nobody's here may be a pod of another cluster.
  if (ways.some(({ to }) => to === undefined)) return [];
  if (source.kind === 'outside' && ways.some(({ to }) => isUntold(engine.state, to))) return [];
  return ways.flatMap(({ ip, port, to, verdict }): Expected[] => {
    if (to === undefined || to === from) return [];
    const ends = { from: { ...from, id: from.name }, to: { ...to, id: to.name } };
    const attempt = { protocol: protocol === 'TCP' ? 'tcp' : 'udp', address: ip, port } as const;
    return [{ verdict, attempt: { ...ends, ...attempt, via, expectSilence: !verdict.allowed } }];
  });
}

/** Between two outsiders nobody is asked; and without pools a node leads all connections on as its own. */
function isUntold({ pools }: ClusterState, to: RigPlace | undefined): boolean {
  return to === undefined || to.kind === 'outside' || pools.size === 0;
}

function hasUntracked({ tiers }: ClusterState): boolean {
  return tiers.some(({ policies }) => policies.some(({ hosts }) => hosts?.doNotTrack === true));
}

/** None for a party that this cluster does not have where the rig has a place. */
function placeOf(party: Party): RigPlace | undefined {
  return rig.places.find(
    ({ kind, addresses }) => kind === party.kind && addresses.some((each) => equalIp(each, party.ip!)),
  );
}

function probedProtocol({ protocol, sourcePort }: Flow): ProbeAttempt['protocol'] | undefined {
  if (protocol === 'ICMP') return 'icmp';
  const isUsual = sourcePort === 40_000;
  return isUsual && (protocol === 'TCP' || protocol === 'UDP' || protocol === 'SCTP')
    ? (protocol.toLowerCase() as 'tcp' | 'udp' | 'sctp')
    : undefined;
}

function nameOf({ from, to, protocol, address, port, via }: ProbeAttempt): string {
  const by = via === undefined ? '' : ` by ${formatIp(via.address)}:${via.port}`;
  return `${from.id} ${from.addresses.map(formatIp).join()} > ${to.id} ${formatIp(address)} ${protocol}/${port}${by}`;
}
