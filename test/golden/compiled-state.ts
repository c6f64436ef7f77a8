import { formatIp, parseIp } from '../../src/base/ip/index.ts';
import type { Family, Ip } from '../../src/base/ip/index.ts';
import { createCalcEngine } from '../../src/core/calc/index.ts';
import type { Delta } from '../../src/core/calc/index.ts';
import { interpret } from '../../src/core/nft/interpret.ts';
import type { Outcome } from '../../src/core/nft/interpret.ts';
import { addressKey, CT_STATE, TCP_FLAG } from '../../src/core/nft/index.ts';
import type { ElementKey } from '../../src/core/nft/model.ts';
import type { Ruleset } from '../../src/core/nft/index.ts';
import type { ClusterState, Flow, Party, PolicyEngine } from '../../src/core/policy/index.ts';
import { protocolNumber } from '../../src/core/policy/protocol.ts';
import { serviceEndpoints } from '../../src/core/policy/services.ts';
import { OUTSIDE, PORTS } from './arbitrary-cluster.ts';
import { interfaceOf } from './compiled-node.ts';
import { leavesTunnelUntracked } from './telling-flows.ts';

/** Who wires the pods: Sluice, each with an interface of ours, or another network, with pairs of its own or a bridge. */
type Wiring = 'own' | 'pairs' | 'bridge';

/** The interface of the node behind which a pod is. */
function placeOf(pod: string, wiring: Wiring): { readonly interface: string; readonly shared?: boolean } {
  if (wiring === 'bridge') return { interface: 'cni0', shared: true };
  return { interface: wiring === 'pairs' ? interfaceOf(pod).replace('slc', 'veth') : interfaceOf(pod) };
}

/** Everything in the state as deltas for `node`, with an interface wired for each of its pods. */
export function deltasOfState(state: ClusterState, node: string, wiring: Wiring = 'own'): Delta[] {
  return [
    ...deltas('pool', state.pools),
    ...deltas('namespace', state.namespaces),
    ...deltas('node', state.nodes),
    ...deltas('pod', state.pods),
    ...deltas('service-account', state.serviceAccounts),
    ...deltas('network-set', state.networkSets),
    ...deltas('host-endpoint', state.hostEndpoints),
    ...deltas('profile', state.profiles),
    ...deltas('domain', state.domains),
    { kind: 'settings', key: 'default', value: state.settings },
    ...state.tiers.flatMap(({ policies, ...spec }): Delta[] => [
      { kind: 'tier', key: spec.name, value: spec },
      ...policies.map((value): Delta => ({ kind: 'policy', key: value.key, value })),
    ]),
    ...new Set([...state.services.keys(), ...state.slices.keys()]).values().flatMap((key) => slicesOf(state, key)),
    ...[...state.pods.values()].flatMap((pod): Delta[] => {
      if (pod.node !== node || pod.hostNetwork || pod.completed) return [];
      const value = { id: pod.key, ...placeOf(pod.key, wiring), pod: pod.key, addresses: pod.addresses };
      return [{ kind: 'local-endpoint', key: pod.key, value }];
    }),
  ];
}

function deltas(kind: Delta['kind'], objects: ReadonlyMap<string, unknown>): Delta[] {
  return [...objects].map(([key, value]) => ({ kind, key, value }) as Delta);
}

/** What the control plane would list for the Service: a slice for each endpoint, since ports may differ. */
function slicesOf(state: ClusterState, service: string): Delta[] {
  return serviceEndpoints(state, service).flatMap(({ owner, sockets }, i): Delta[] => {
    if (typeof owner === 'string') return [];
    const key = `${service}-${i}`;
    const ports = sockets.map((each) => ({ name: '', ...each }));
    return [{ kind: 'slice', key, value: { key, service, ports, endpoints: [{ address: owner, ready: true }] } }];
  });
}

/** The filter of every node of the state. */
export function rulesetsOf(state: ClusterState, wiring: Wiring = 'own'): ReadonlyMap<string, Ruleset> {
  return new Map(
    [...state.nodes.keys()].map((node) => {
      const engine = createCalcEngine({ node, ...(wiring === 'own' ? {} : { policyOnly: { prefixes: [] } }) });
      for (const delta of deltasOfState(state, node, wiring)) engine.apply(delta);
      engine.flush();
      return [node, engine.ruleset()];
    }),
  );
}

const KINDS = [
  { protocol: 'TCP', sourcePort: 40000 },
  { protocol: 'TCP', sourcePort: 80 },
  { protocol: 'UDP', sourcePort: 8080 },
  { protocol: 'SCTP', sourcePort: 40000 },
  { protocol: 'ICMP' },
  { protocol: 'ICMP', icmp: { type: 3, code: 1 } },
  { protocol: '47' },
] as const;

function partiesOf(engine: PolicyEngine, family: Family): Party[] {
  const { pods, nodes } = engine.state;
  return [
    ...[...pods.values()].filter((pod) => !pod.completed && !pod.hostNetwork).map((pod) => engine.pod(pod, family)),
    ...[...nodes.values()].flatMap((node) =>
      [...node.addresses, ...node.tunnelAddresses].map((ip): Party => ({ kind: 'node', node, ip })),
    ),
    ...OUTSIDE.map((text) => engine.address(parseIp(text)!)),
  ].filter((party) => party.ip?.family === family);
}

/** A flow of each kind between every two parties of which one is of the cluster; the port depends on both. */
export function* flowsOf(engine: PolicyEngine): Iterable<Flow> {
  for (const family of [4, 6] as const)
    for (const source of partiesOf(engine, family))
      for (const destination of partiesOf(engine, family)) {
        if (source.kind === 'outside' && destination.kind === 'outside') continue;
        // What a node sends to itself never leaves it.
        if (source.kind === 'node' && destination.kind === 'node' && source.node === destination.node) continue;
        for (const [i, kind] of KINDS.entries()) {
          if ('sourcePort' in kind && answersOpenPort(engine.state, kind)) continue;
          const port =
            PORTS[Number((source.ip!.value + 3n * destination.ip!.value + BigInt(i)) % BigInt(PORTS.length))]!;
          const flow = { source, destination, family, ...kind, ...('sourcePort' in kind ? { port } : {}) };
          if (!leavesTunnelUntracked(engine.state, flow)) yield flow;
        }
      }
}

/** Before connection tracking, what comes from an open port of the settings passes for an answer. */
function answersOpenPort({ settings }: ClusterState, flow: Pick<Flow, 'protocol' | 'sourcePort'>): boolean {
  const open = [...settings.failsafeInbound, ...settings.failsafeOutbound];
  return open.some(({ protocol, port }) => protocol === flow.protocol && port === flow.sourcePort);
}

/** The flow for people. */
export function textOf({ source, destination, protocol, port, sourcePort }: Flow): string {
  const name = (party: Party) =>
    `${party.kind === 'pod' ? party.pod.key : party.kind} ${party.ip === undefined ? '' : formatIp(party.ip)}`;
  return `${name(source)} > ${name(destination)} ${protocol} ${sourcePort} > ${port}`;
}

/**
 * Sends a flow's first packet through the filters of the nodes that it crosses, the source's and then the destination's,
 * and says whether it arrives. Both parties have addresses.
 */
export function flowArrives(
  rulesets: ReadonlyMap<string, Ruleset>,
  state: ClusterState,
  flow: Flow,
  wiring: Wiring = 'own',
): boolean {
  const crossed = new Set([nodeOf(flow.source), nodeOf(flow.destination)].filter((node) => node !== undefined));
  let source = addressKey(flow.source.ip!);
  for (const node of crossed) {
    const { verdict, packet } = crossing(rulesets.get(node)!, state, flow, node, source, wiring);
    if (verdict !== 'accept') return false;
    source = packet.source === 'masquerade' ? addressKey(firstAddress(state, node, flow)) : packet.source;
  }
  return true;
}

/** What the kernel chooses for a packet that leaves by the interface with the node's first addresses. */
function firstAddress({ nodes }: ClusterState, node: string, { destination }: Flow): Ip {
  return nodes.get(node)!.addresses.find(({ family }) => family === destination.ip!.family)!;
}

/** `sender` is the address that the packet bears when it comes to the node. */
function crossing(
  ruleset: Ruleset,
  state: ClusterState,
  flow: Flow,
  node: string,
  sender: ElementKey,
  wiring: Wiring,
): Outcome {
  const { source, destination } = flow;
  const own = state.nodes.get(node)!;
  const addresses = new Set([...own.addresses, ...own.tunnelAddresses].map(addressKey));
  const family = destination.ip!.family;
  const input =
    nodeOf(source) !== node ? 'eth0' : source.kind === 'pod' ? placeOf(source.pod.key, wiring).interface : '';
  const output =
    nodeOf(destination) !== node
      ? 'eth0'
      : destination.kind === 'pod'
        ? placeOf(destination.pod.key, wiring).interface
        : 'lo';
  const protocol = protocolNumber(flow.protocol, family);
  return interpret(
    ruleset,
    {
      source: sender,
      destination: addressKey(destination.ip!),
      protocol,
      sourcePort: flow.sourcePort ?? 0,
      destinationPort: flow.port ?? 0,
      ...(flow.protocol === 'ICMP' ? { icmp: flow.icmp ?? { type: family === 4 ? 8 : 128, code: 0 } } : {}),
      tcpFlags: TCP_FLAG.SYN,
      inputInterface: input,
      outputInterface: '',
      ctState: CT_STATE.NEW,
      ctMark: 0,
      // Whoever marked the packet before it came here must not matter.
      mark: 0xff000000,
    },
    {
      isLocal: (address) => addresses.has(address),
      route: () => output,
      random: () => 0,
    },
  );
}

function nodeOf(party: Party): string | undefined {
  return party.kind === 'pod' ? party.pod.node : party.kind === 'node' ? party.node.name : undefined;
}
