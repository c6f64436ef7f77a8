import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { equalIp, formatIp } from '../../src/base/ip/index.ts';
import { clusterState, EMPTY_STATE, nodeEndpoint, podEndpoint, PolicyEngine } from '../../src/core/policy/index.ts';
import type { ClusterObjects, ClusterState, Flow, Party, Verdict } from '../../src/core/policy/index.ts';
import type { ProbeAttempt } from '../../src/host/probe/port.ts';
import { probe } from '../../src/host/probe/probe.ts';
import { arbitraryObjects } from '../golden/arbitrary-objects.ts';
import type { GeneratedObjects } from '../golden/arbitrary-objects.ts';
import { foundCases } from '../golden/found-cases.ts';
import { tellingFlows } from '../golden/telling-flows.ts';
import { yamlOf } from '../golden/yaml-of.ts';
import { ClusterRig } from './rig/cluster-rig.ts';
import type { RigPlace } from './rig/cluster-rig.ts';
import { filterNodes } from './rig/filter-nodes.ts';
import { singleBackends } from './rig/single-backends.ts';

/** Generated clusters, and about how many flows of each are thought of; half of them can be tried here. */
const CASES = 100;
const FLOWS = 250;
/** Always the same clusters, unless another seed is asked for. */
const SEED = Number(process.env['SLUICE_SEED'] ?? 20_261_123);

let rig: ClusterRig;

beforeAll(async () => {
  rig = await ClusterRig.create(everyPlace());
}, 120_000);

afterAll(() => rig[Symbol.asyncDispose]());

test(`real packets pass exactly where evaluate says, in ${CASES} generated clusters of every API (seed ${SEED})`, async () => {
  const total = { tried: 0, denied: 0, masqueraded: 0, viaServices: 0 };
  await fc.assert(
    fc.asyncProperty(arbitraryObjects.map(tracked), async (objects) => {
      const { wrong, tried, denied, masqueraded, viaServices } = await tryOut(objects, clusterState(objects));
      total.tried += tried;
      total.denied += denied;
      total.masqueraded += masqueraded;
      total.viaServices += viaServices;
      if (wrong.length > 0) expect.fail(`${wrong.slice(0, 5).join('\n')}\n${yamlOf(objects)}`);
    }),
    { numRuns: CASES, seed: SEED, endOnFailure: true },
  );
  expect(total.tried).toBeGreaterThan(CASES * 50);
  expect(total.denied).toBeGreaterThan(total.tried / 10);
  expect(total.masqueraded).toBeGreaterThan(CASES);
  expect(total.viaServices).toBeGreaterThan(CASES);
}, 600_000);

test.each(foundCases())('and so they do in the case that was found as $name', async ({ objects, state }) => {
  const { wrong, tried } = await tryOut(objects, state);
  expect(wrong).toEqual([]);
  expect(tried).toBeGreaterThan(20);
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
  return {
    wrong,
    tried: expected.length,
    denied: expected.filter(({ verdict }) => !verdict.allowed).length,
    masqueraded: expected.filter(({ verdict }) => verdict.arrivesAs !== undefined).length,
    viaServices: expected.filter(({ attempt }) => attempt.via !== undefined).length,
  };
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

/** Without policies before connection tracking, which would have to allow the answers, too. */
function tracked(objects: GeneratedObjects): GeneratedObjects {
  const isTracked = ({ spec }: { readonly spec?: unknown }) => !JSON.stringify(spec).includes('"doNotTrack":true');
  return { ...objects, policies: objects.policies.filter(isTracked) };
}

interface Expected {
  readonly attempt: ProbeAttempt;
  readonly verdict: Verdict;
}

function directAttempts(engine: PolicyEngine): Expected[] {
  return [...tellingFlows(engine, FLOWS)].flatMap((flow) => {
    const [from, to] = [placeOf(flow.source), placeOf(flow.destination)];
    // The kernel chooses the source port and makes no other message of ICMP than an echo request.
    if (from === undefined || to === undefined || from === to || flow.icmp !== undefined) return [];
    const protocol = probedProtocol(flow);
    if (protocol === undefined) return [];
    const verdict = engine.evaluate(flow);
    const ends = { from: { ...from, id: from.name }, to: { ...to, id: to.name } };
    const address = flow.destination.ip!;
    const expectSilence = !verdict.allowed;
    return { verdict, attempt: { ...ends, protocol, address, port: flow.port ?? 0, expectSilence } };
  });
}

/** From every pod and node to each Service port behind which there is one place, by the Service's own address. */
function serviceAttempts(engine: PolicyEngine): Expected[] {
  return singleBackends(engine.state).flatMap(({ protocol, via, backend }) => {
    const destination = engine.address(backend.ip);
    const to = placeOf(destination);
    if (to === undefined) return [];
    return rig.places.flatMap((from): Expected[] => {
      const ip = from.addresses.find((each) => each.family === via.address.family)!;
      const source = engine.address(ip);
      // The outside has no way to such addresses, nor has a pod of another cluster.
      if (from === to || source.kind === 'outside') return [];
      const verdict = engine.evaluate({ source, destination, protocol, port: backend.port });
      const ends = { from: { ...from, id: from.name }, to: { ...to, id: to.name } };
      const attempt = {
        protocol: protocol === 'TCP' ? 'tcp' : 'udp',
        address: backend.ip,
        port: backend.port,
      } as const;
      return [{ verdict, attempt: { ...ends, ...attempt, via, expectSilence: !verdict.allowed } }];
    });
  });
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
