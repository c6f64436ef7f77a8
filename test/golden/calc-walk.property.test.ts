import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseCidr, parseIp } from '../../src/base/ip/index.ts';
import { PolicyEngine } from '../../src/core/policy/index.ts';
import type { ClusterState, Party } from '../../src/core/policy/index.ts';
import { createCalcEngine } from '../../src/core/calc/index.ts';
import type { CalcEngine, Delta, HostPort } from '../../src/core/calc/index.ts';
import type { NetworkPolicy } from '../../src/core/kube/types.ts';
import { addressKey, applyTransaction, CT_STATE, EMPTY_RULESET, TCP_FLAG } from '../../src/core/nft/index.ts';
import type { Ruleset } from '../../src/core/nft/index.ts';
import { frontendKey } from '../../src/core/nft/compile-service.ts';
import { interpret } from '../../src/core/nft/interpret.ts';
import { followingChange, podTables } from '../../src/core/nft/pod-table.ts';
import type { PodSite } from '../../src/core/nft/pod-table.ts';
import { plainRuleset } from '../../src/core/nft/plain.ts';
import type { VirtualServer } from '../../src/core/service/virtual-servers.ts';
import { arbitraryCluster, PORTS } from './arbitrary-cluster.ts';
import { deltasOf, packetArrives } from './compiled-node.ts';
import type { Place } from './compiled-node.ts';
import { arbitraryModel } from './arbitrary-model.ts';
import { deltasOfState, flowArrives, flowsOf, textOf } from './compiled-state.ts';
import type { OracleCluster } from './oracle.ts';

const NODE = 'node-0';

/** Services of few addresses, names and ports, so that they collide. */
const arbitraryServices: fc.Arbitrary<Delta[]> = fc
  .array(
    fc.record({
      name: fc.constantFrom('a', 'b', 'c'),
      addresses: fc.subarray(['10.96.0.1', '10.96.0.2', 'fd00:10:96::1'], { minLength: 1 }),
      protocol: fc.constantFrom('TCP' as const, 'UDP' as const),
      // One is the port that all Services have.
      nodePort: fc.constantFrom(undefined, 30001, 30002, 80),
      externalLocal: fc.boolean(),
      affinity: fc.constantFrom(undefined, 10, 3600),
      zones: fc.constantFrom(undefined, ['z1'], ['z2']),
      sources: fc.option(fc.subarray(['198.51.100.0/24', '198.51.100.64/26', '2001:db8::/32'])),
      endpoints: fc.shuffledSubarray(['10.244.0.2', '10.244.0.3', '10.244.1.4', 'fd00:10:244::0:2']),
      ready: fc.boolean(),
      slice: fc.constantFrom('s0', 's1', 's2'),
    }),
    { maxLength: 4 },
  )
  .map((shapes) =>
    shapes.flatMap(
      ({
        name,
        addresses,
        protocol,
        nodePort,
        slice,
        endpoints,
        ready,
        sources,
        affinity,
        zones,
        ...rest
      }): Delta[] => {
        const ips = addresses.map((each) => parseIp(each)!);
        const port = { name: '', protocol, port: 80 };
        const ports = [nodePort === undefined ? port : { ...port, nodePort }];
        return [
          {
            kind: 'service',
            key: name,
            value: {
              key: name,
              addresses: ips,
              clusterIps: ips.slice(0, 1),
              ...(sources === null
                ? {}
                : { guarded: { addresses: ips.slice(1), sources: sources.map((each) => parseCidr(each)!) } }),
              ports,
              ...(affinity === undefined ? {} : { affinitySeconds: affinity }),
              ...rest,
            },
          },
          {
            kind: 'slice',
            key: slice,
            value: {
              key: slice,
              service: name,
              ports: [{ name: '', protocol, port: 8080 }],
              endpoints: endpoints.map((ip, i) => ({
                address: parseIp(ip)!,
                node: `node-${i % 2}`,
                ready,
                ...(zones === undefined ? {} : { zones }),
              })),
            },
          },
        ];
      },
    ),
  );

/** Of few numbers and addresses, so that pods claim the same. */
const arbitraryHostPorts: fc.Arbitrary<HostPort[]> = fc.array(
  fc.record(
    {
      protocol: fc.constantFrom('TCP' as const, 'UDP' as const),
      hostPort: fc.constantFrom(53, 8080),
      containerPort: fc.constantFrom(80, 5353),
      hostIp: fc.constantFrom('0.0.0.0', '::', '192.0.2.1', '2001:db8::1').map((each) => parseIp(each)!),
    },
    { requiredKeys: ['protocol', 'hostPort', 'containerPort'] },
  ),
  { maxLength: 2 },
);

/** Every second local endpoint is given some. */
function withHostPorts(deltas: readonly Delta[], hostPorts: readonly HostPort[][]): Delta[] {
  return deltas.map((delta, i) =>
    delta.kind === 'local-endpoint' && delta.value !== undefined && i % 2 === 0
      ? { ...delta, value: { ...delta.value, hostPorts: hostPorts[i % hostPorts.length]! } }
      : delta,
  );
}

const arbitraryState = arbitraryModel({ addressless: false }).map(({ state }) => state);

/** All that one node can hear of a cluster; later deltas of one object replace earlier ones. */
const arbitraryDeltas: fc.Arbitrary<Delta[]> = fc
  .tuple(
    fc.oneof(
      arbitraryCluster.map((cluster) => deltasOf(cluster, NODE)),
      arbitraryState.map((state) => deltasOfState(state, NODE)),
    ),
    arbitraryServices,
    fc.array(arbitraryHostPorts, { minLength: 1, maxLength: 3 }),
  )
  .map(([deltas, services, hostPorts]) => latest([...withHostPorts(deltas, hostPorts), ...services]));

/** Services, and the node by whose addresses NodePorts are reached; a Service may name one of them, too. */
const arbitraryInMode: fc.Arbitrary<Delta[]> = fc
  .tuple(
    arbitraryServices,
    fc.subarray(['192.168.0.1', '192.168.0.2', '10.96.0.2', 'fd00:168::1']).map((addresses): Delta => {
      const node = { kind: 'node', key: NODE, name: NODE, labels: {}, tunnelAddresses: [] } as const;
      return { kind: 'node', key: NODE, value: { ...node, addresses: addresses.map((each) => parseIp(each)!) } };
    }),
  )
  .map(([services, node]) => latest([...services, node]));

function latest(deltas: readonly Delta[]): Delta[] {
  return [...new Map(deltas.map((delta) => [`${delta.kind} ${delta.key}`, delta])).values()];
}

/** An engine and the kernel that it keeps, as the transactions leave it. */
class Walk {
  readonly engine: CalcEngine;
  kernel: Ruleset = EMPTY_RULESET;
  /** What IPVS has been told. */
  readonly servers = new Map<string, VirtualServer>();

  constructor(services: 'nftables' | 'ipvs' = 'nftables') {
    this.engine = createCalcEngine({ node: NODE, services });
  }

  apply(deltas: Iterable<Delta>): void {
    for (const delta of deltas) this.engine.apply(delta);
  }

  flush(): ReturnType<CalcEngine['flush']> {
    const update = this.engine.flush();
    this.kernel = applyTransaction(this.kernel, update.transaction);
    for (const key of update.servers) {
      const server = this.engine.virtualServers().get(key);
      if (server === undefined) this.servers.delete(key);
      else this.servers.set(key, server);
    }
    return update;
  }
}

function fresh(deltas: readonly Delta[]): Ruleset {
  const walk = new Walk();
  walk.apply(deltas);
  walk.flush();
  return walk.kernel;
}

function deletions(deltas: readonly Delta[]): Delta[] {
  return deltas.map(({ kind, key }) => ({ kind, key }) as Delta);
}

/** The local endpoints, as if their packets did not cross the node. */
function sitesOf(deltas: readonly Delta[]): (PodSite & { readonly pod: string })[] {
  return deltas.flatMap((delta) =>
    delta.kind === 'local-endpoint' && delta.value !== undefined
      ? [{ ...delta.value, ifname: 'eth0', nodeLink: 'to-node', seal: 7 }]
      : [],
  );
}

describe('the calculation', () => {
  it('ends in the same ruleset whatever happened before, and its transactions lead the kernel there', () => {
    fc.assert(
      fc.property(arbitraryDeltas, arbitraryDeltas, fc.infiniteStream(fc.nat(1_000_000)), (goal, other, choices) => {
        const random = (below: number): number => (choices.next().value as number) % below;
        const walk = new Walk();
        const pool = [...goal, ...other, ...deletions(goal), ...deletions(other)];
        for (let step = 0; step < pool.length; step++) {
          walk.apply([pool[random(pool.length)]!]);
          if (random(4) === 0) walk.flush();
        }
        const wanted = new Set(goal.map(({ kind, key }) => `${kind} ${key}`));
        const rest = deletions(other).filter(({ kind, key }) => !wanted.has(`${kind} ${key}`));
        const last = [...goal, ...rest];
        while (last.length > 0) walk.apply(last.splice(random(last.length), 1));
        walk.flush();
        expect(plainRuleset(walk.kernel)).toEqual(plainRuleset(fresh(goal)));
        expect(plainRuleset(walk.engine.ruleset())).toEqual(plainRuleset(walk.kernel));
      }),
      { numRuns: 300 },
    );
  });

  it('asks the same of IPVS whatever happened before, and leads there just what it asks', () => {
    fc.assert(
      fc.property(arbitraryInMode, arbitraryInMode, fc.infiniteStream(fc.nat(1_000_000)), (goal, other, choices) => {
        const random = (below: number): number => (choices.next().value as number) % below;
        const walk = new Walk('ipvs');
        const pool = [...goal, ...other, ...deletions(goal), ...deletions(other)];
        for (let step = 0; step < pool.length; step++) {
          walk.apply([pool[random(pool.length)]!]);
          if (random(4) === 0) walk.flush();
        }
        walk.apply([...deletions(other), ...goal]);
        walk.flush();
        const direct = new Walk('ipvs');
        direct.apply(goal);
        direct.flush();
        expect(plainRuleset(walk.kernel)).toEqual(plainRuleset(direct.kernel));
        expect(new Map(walk.servers)).toEqual(direct.servers);
        const led = [4, 6].flatMap((family) => [...walk.kernel.sets.get(`balanced${family}`)!.elements.keys()]);
        expect(new Set(led)).toEqual(new Set([...walk.servers.values()].map(frontendKey)));
      }),
      { numRuns: 200 },
    );
  });

  it('leads the tables of pods that have their own to what follows from the node in whatever order', () => {
    fc.assert(
      fc.property(arbitraryDeltas, arbitraryDeltas, fc.infiniteStream(fc.nat(1_000_000)), (one, other, choices) => {
        const random = (below: number): number => (choices.next().value as number) % below;
        const walk = new Walk();
        const pool = [...one, ...other, ...deletions(one), ...deletions(other)];
        const held = sitesOf(pool).map((site) => ({ site, table: EMPTY_RULESET, kernel: EMPTY_RULESET }));
        for (let step = 0; step < pool.length; step++) {
          walk.apply([pool[random(pool.length)]!]);
          if (random(3) > 0) continue;
          const { transaction } = walk.flush();
          const tableOf = podTables(walk.engine.ruleset());
          for (const pod of held) {
            const after = tableOf(pod.site);
            pod.kernel = applyTransaction(pod.kernel, followingChange(pod.table, after, transaction));
            pod.table = after;
            expect(plainRuleset(pod.kernel)).toEqual(plainRuleset(after));
          }
        }
      }),
      { numRuns: 100 },
    );
  });

  it('has pods judged by a table of their own as by that of the node', () => {
    fc.assert(
      fc.property(arbitraryCluster, (cluster) => {
        const deltas = deltasOf(cluster, NODE);
        const ruleset = fresh(deltas);
        const tables = new Map(sitesOf(deltas).map((site) => [site.pod, podTables(ruleset)(site)]));
        const own = permissions(cluster, (from, to, port) => passesPod(tables, from, to, port));
        expect(own).toEqual(permissions(cluster, onNode(cluster, ruleset)));
      }),
      { numRuns: 200 },
    );
  });

  it('leaves nothing behind of objects that are gone', () => {
    fc.assert(
      fc.property(arbitraryDeltas, (deltas) => {
        const walk = new Walk();
        walk.apply(deltas);
        walk.flush();
        walk.apply(deletions(deltas).reverse());
        walk.flush();
        expect(plainRuleset(walk.kernel)).toEqual(plainRuleset(fresh([])));
      }),
      { numRuns: 200 },
    );
  });

  it('flushes nothing when it hears again what it knows', () => {
    fc.assert(
      fc.property(arbitraryDeltas, (deltas) => {
        const walk = new Walk();
        walk.apply(deltas);
        walk.flush();
        walk.apply(deltas);
        expect(walk.flush()).toEqual({
          transaction: [],
          shrunk: new Set(),
          grown: new Set(),
          conntrackFlush: [],
          affinityFlush: [],
          servers: new Set(),
        });
      }),
      { numRuns: 100 },
    );
  });

  it('names every local endpoint that loses or gains a permission', () => {
    fc.assert(
      fc.property(arbitraryCluster, arbitraryCluster, fc.nat(20), (before, other, choice) => {
        const walk = new Walk();
        walk.apply(deltasOf(before, NODE));
        walk.flush();
        const permitted = permissions(before, onNode(before, walk.kernel));
        const changed = withOneChange(before, other, choice);
        walk.apply(deltasOf(changed, NODE));
        const { shrunk, grown } = walk.flush();
        const now = permissions(changed, onNode(changed, walk.kernel));
        for (const [flow, endpoint] of permitted) if (!now.has(flow)) expect(shrunk, flow).toContain(endpoint);
        for (const [flow, endpoint] of now) if (!permitted.has(flow)) expect(grown, flow).toContain(endpoint);
      }),
      { numRuns: 1000 },
    );
  });

  it('names them for the whole model, whatever object changes', () => {
    fc.assert(
      fc.property(arbitraryState, arbitraryState, fc.nat(1000), (state, other, choice) => {
        const before = latest(deltasOfState(state, NODE));
        const walk = new Walk();
        walk.apply(before);
        walk.flush();
        const was = verdicts(state, walk.kernel);
        walk.apply([oneChange(before, latest(deltasOfState(other, NODE)), choice)]);
        const { shrunk, grown } = walk.flush();
        for (const [flow, { arrives, endpoints }] of verdicts(state, walk.kernel)) {
          if (arrives === was.get(flow)!.arrives) continue;
          for (const endpoint of endpoints) expect(arrives ? grown : shrunk, flow).toContain(endpoint);
        }
      }),
      { numRuns: 500 },
    );
  });
});

/** Takes one of the other's objects, or takes one away; pods stay as they are wired. */
function oneChange(before: readonly Delta[], other: readonly Delta[], choice: number): Delta {
  const isPolicy = ({ kind }: Delta): boolean => !['pod', 'local-endpoint', 'pool', 'node', 'namespace'].includes(kind);
  const candidates = [...other.filter(isPolicy), ...deletions(before.filter(isPolicy))];
  return candidates[choice % candidates.length]!;
}

/** Whether each of the flows between local pods and everything else passes this node, with the local pod. */
function verdicts(state: ClusterState, ruleset: Ruleset) {
  const engine = new PolicyEngine(state);
  const rulesets = new Map([[NODE, ruleset]]);
  const found = new Map<string, { readonly arrives: boolean; readonly endpoints: readonly string[] }>();
  const here = (party: Party): boolean => party.kind === 'pod' && party.pod.node === NODE;
  for (const flow of flowsOf(engine)) {
    if (!here(flow.source) && !here(flow.destination)) continue;
    // Only this node's filter is asked.
    const away = (party: Party): Party => (here(party) || partyNode(party) === NODE ? party : outside(party));
    const source = away(flow.source);
    const destination = away(flow.destination);
    const endpoints = [source, destination].flatMap((party) => (party.kind === 'pod' ? [party.pod.key] : []));
    // Between two pods of this node, either may be the one.
    if (endpoints.length > 1) continue;
    found.set(textOf(flow), { arrives: flowArrives(rulesets, state, { ...flow, source, destination }), endpoints });
  }
  return found;
}

function partyNode(party: Party): string | undefined {
  return party.kind === 'node' ? party.node.name : undefined;
}

function outside(party: Party): Party {
  return { kind: 'outside', ip: party.ip! };
}

/** The cluster with the labels of one pod or namespace, or the rules of one policy, taken from the other one. */
function withOneChange(cluster: OracleCluster, other: OracleCluster, choice: number): OracleCluster {
  const at = Math.floor(choice / 3);
  const swap = <T>(list: readonly T[], from: readonly T[], merge: (to: T, from: T) => T): T[] =>
    list.map((each, i) => (i === at % list.length && i < from.length ? merge(each, from[i]!) : each));
  if (choice % 3 === 0) {
    const merge = <T extends { metadata?: object }>(to: T, from: T): T => ({
      ...to,
      metadata: { ...to.metadata, labels: (from.metadata as { labels: object }).labels },
    });
    return { ...cluster, pods: swap(cluster.pods, other.pods, merge) };
  }
  if (choice % 3 === 1)
    return { ...cluster, namespaces: swap(cluster.namespaces, other.namespaces, (_, from) => from) };
  const merge = (to: NetworkPolicy, from: NetworkPolicy): NetworkPolicy => ({ ...to, spec: from.spec! });
  return { ...cluster, networkPolicies: swap(cluster.networkPolicies, other.networkPolicies, merge) };
}

type Arrives = (from: Place, to: Place, port: number) => boolean;

/** By the node's table. Only this node's filter is asked. */
function onNode(cluster: OracleCluster, ruleset: Ruleset): Arrives {
  const rulesets = new Map([[NODE, ruleset]]);
  return (from, to, port) => packetArrives(rulesets, cluster, from, to, 6, port);
}

/** By the table of whichever of the two is local. */
function passesPod(tables: ReadonlyMap<string, Ruleset>, from: Place, to: Place, port: number): boolean {
  const leaves = from.node === NODE;
  const packet = {
    source: addressKey(from.ip),
    destination: addressKey(to.ip),
    protocol: 6,
    sourcePort: 40000,
    destinationPort: port,
    tcpFlags: TCP_FLAG.SYN,
    inputInterface: leaves ? '' : 'eth0',
    outputInterface: '',
    ctState: CT_STATE.NEW,
    ctMark: 0,
    mark: 0,
  };
  const around = { isLocal: () => !leaves, route: () => 'eth0', random: () => 0 };
  return interpret(tables.get((leaves ? from : to).pod!)!, packet, around).verdict === 'accept';
}

/** Every allowed flow of a local pod with another node's pods, and the local pod. */
function permissions(cluster: OracleCluster, arrives: Arrives): Map<string, string> {
  const places = cluster.pods
    .filter((pod) => pod.status?.phase !== 'Succeeded' && pod.spec?.hostNetwork !== true)
    .map((pod): Place & { readonly pod: string } => ({
      pod: `${pod.metadata?.namespace}/${pod.metadata?.name}`,
      // Only this node's filter is asked, so the others' pods might be anywhere.
      ...(pod.spec?.nodeName === NODE ? { node: NODE } : {}),
      ip: parseIp(pod.status!.podIPs![0]!.ip!)!,
    }));
  const found = new Map<string, string>();
  for (const local of places.filter((place) => place.node === NODE))
    for (const remote of places.filter((place) => place.node !== NODE))
      for (const [from, to] of [
        [local, remote],
        [remote, local],
      ] as const)
        for (const port of PORTS) if (arrives(from, to, port)) found.set(`${from.pod} > ${to.pod} ${port}`, local.pod);
  return found;
}
