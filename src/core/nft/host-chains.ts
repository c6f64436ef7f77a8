import { networkOf, parseCidr } from '../../base/ip/index.ts';
import type { Family, Ip } from '../../base/ip/index.ts';
import type { FailsafePort } from '../policy/cluster.ts';
import type { Side } from '../policy/model.ts';
import { looksLike } from './overlay.ts';
import type { OuterPacket } from './overlay.ts';
import { addressKey } from './key.ts';
import { CT_STATE, IPPROTO, RTN_LOCAL } from './model.ts';
import type { Chain, Rule, Statement, Verdict } from './model.ts';
import { CHAINS, SETS } from './names.ts';
import {
  clearMark,
  comesFrom,
  CT_MARK,
  destination,
  hasCtMark,
  hasMark,
  hasNoCtMark,
  hasState,
  inSet,
  isFamily,
  isProtocol,
  leavesBy,
  PACKET_MARK,
  source,
  verdict,
} from './statements.ts';
import type { PodInterfaces } from './statements.ts';

/** Where the packets of one address of this node go; `undefined` where nobody judges them. */
export interface HostRoute {
  readonly address: Ip;
  readonly chain: string | undefined;
}

/** The chains that judge a node's own traffic in one phase and direction. */
export interface HostRoutes {
  readonly routes: readonly HostRoute[];
  /** For all of the node's other addresses. */
  readonly others: string | undefined;
  /** For what the node forwards to or for its pods, by family. */
  readonly forwarded: Readonly<Record<Family, string | undefined>>;
}

/** All that the base chains of host endpoints depend on. */
export interface HostOptions {
  readonly families: readonly Family[];
  readonly pods: PodInterfaces;
  /** Whether IPVS spreads connections: it takes them where the node's own packets are, and sends them like these. */
  readonly balanced: boolean;
  readonly failsafeInbound: readonly FailsafePort[];
  readonly failsafeOutbound: readonly FailsafePort[];
  /** Packets of the overlay, which pass between nodes whatever policies say. */
  readonly overlay: readonly OuterPacket[];
  /** Absent where no policy is asked in the phase. */
  readonly rawIn: HostRoutes | undefined;
  readonly rawOut: HostRoutes | undefined;
  readonly preDnat: HostRoutes | undefined;
  readonly input: HostRoutes;
  readonly output: HostRoutes;
  /** What outbound open ports skip of `output.forwarded`: the chain after the early policies. */
  readonly afterRawOut: HostRoutes['forwarded'];
}

const LOOPBACK = 'lo';
const accept = verdict('accept');
const allowed = PACKET_MARK.HOST_ALLOWED;
const isLocal: Statement = { kind: 'compare', field: 'fib daddr type', op: '==', value: RTN_LOCAL };
const isKnown = hasState(CT_STATE.ESTABLISHED | CT_STATE.RELATED);

/** The base chains for the host endpoints of a node. They never judge what passes between the node and its own pods. */
export function hostChains(options: HostOptions): readonly Chain[] {
  const { rawIn, rawOut, preDnat } = options;
  return [
    ...(rawIn === undefined ? [] : [rawInChain(rawIn, options)]),
    ...(rawOut === undefined ? [] : [rawOutChain(rawOut, options)]),
    ...(preDnat === undefined ? [] : [preDnatChain(preDnat, options)]),
    inputChain(options),
    outputChain(options),
    forwardChain(options),
    ...(options.balanced ? [balancedChain(options)] : []),
  ];
}

/** Packet by packet, before connection tracking: answers are told by the port that they come from. */
function rawInChain(routes: HostRoutes, options: HostOptions): Chain {
  const { families, failsafeInbound, failsafeOutbound } = options;
  return {
    name: CHAINS.hostRawIn,
    hook: { type: 'filter', hook: 'prerouting', priority: -301 },
    rules: [
      [clearMark(allowed)],
      ...exceptFrom(options),
      ...openPorts(failsafeInbound, 'th dport', 'source', families),
      ...openPorts(failsafeOutbound, 'th sport', 'source', families),
      ...arriving(routes, families),
    ],
  };
}

function rawOutChain(routes: HostRoutes, options: HostOptions): Chain {
  const { families, failsafeInbound, failsafeOutbound } = options;
  return {
    name: CHAINS.hostRawOut,
    hook: { type: 'filter', hook: 'output', priority: -301 },
    rules: [
      [clearMark(allowed)],
      ...exceptTo(options),
      ...openPorts(failsafeOutbound, 'th dport', 'destination', families),
      ...openPorts(failsafeInbound, 'th sport', 'destination', families),
      ...dispatch(routes, 'source', families),
    ],
  };
}

function preDnatChain(routes: HostRoutes, options: HostOptions): Chain {
  const { rawIn, families, failsafeInbound } = options;
  return {
    name: CHAINS.hostPreDnat,
    hook: { type: 'filter', hook: 'prerouting', priority: -120 },
    rules: [
      rawIn === undefined ? [clearMark(allowed)] : [hasMark(allowed), accept],
      ...exceptFrom(options),
      [isKnown, accept],
      ...openPorts(failsafeInbound, 'th dport', 'source', families),
      ...arriving(routes, families),
    ],
  };
}

function inputChain(options: HostOptions): Chain {
  const { input, preDnat, rawIn, families, failsafeInbound } = options;
  return {
    name: CHAINS.hostInput,
    hook: { type: 'filter', hook: 'input', priority: 10 },
    rules: [
      ...exceptFrom(options),
      ...exceptBalanced(options),
      ...(preDnat === undefined && rawIn === undefined ? [] : [whenAllowed]),
      ...knownToNode(options, 'source'),
      ...openPorts(failsafeInbound, 'th dport', 'source', families),
      ...dispatch(input, 'destination', families),
    ],
  };
}

function outputChain(options: HostOptions): Chain {
  const { output, rawOut, families, failsafeOutbound } = options;
  return {
    name: CHAINS.hostOutput,
    hook: { type: 'filter', hook: 'output', priority: 10 },
    rules: [
      // Translation may have changed the way, and not the interface: from the node to itself, or away from there.
      ...exceptTo(options, isLocal),
      ...exceptToTranslated(families),
      ...exceptBalanced(options),
      ...(rawOut === undefined ? [] : [whenAllowed]),
      ...knownToNode(options, 'destination'),
      ...openPorts(failsafeOutbound, 'th dport', 'destination', families),
      ...dispatch(output, 'source', families),
    ],
  };
}

/** What the node forwards from or to its pods, but not from one of them to another. */
function forwardChain(options: HostOptions): Chain {
  const { input, output, preDnat, rawIn, families, failsafeOutbound, afterRawOut, pods } = options;
  const out = [pods.from, pods.notTo];
  const open = families.flatMap((family) =>
    afterRawOut[family] === output.forwarded[family]
      ? []
      : openPorts(failsafeOutbound, 'th dport', 'destination', [family], to(afterRawOut[family])).map((rule) => [
          ...out,
          ...rule,
        ]),
  );
  const leaving = families.flatMap((family): Rule[] => {
    const chain = output.forwarded[family];
    return chain === undefined ? [] : [[...out, isFamily(family), verdict(`goto ${chain}`)]];
  });
  const entering = families.flatMap((family): Rule[] => {
    const chain = input.forwarded[family];
    const way = [pods.notFrom, pods.to, isFamily(family)];
    return chain === undefined ? [] : [[...way, verdict(`goto ${chain}`)]];
  });
  return {
    name: CHAINS.hostForward,
    hook: { type: 'filter', hook: 'forward', priority: 10 },
    rules: [
      ...(preDnat === undefined && rawIn === undefined ? [] : [whenAllowed]),
      [isKnown, accept],
      ...open,
      ...leaving,
      ...entering,
    ],
  };
}

const whenAllowed: Rule = [hasMark(allowed), clearMark(allowed), accept];

/** The same for what IPVS leads there or away, which passes other hooks. */
function balancedChain(options: HostOptions): Chain {
  return {
    ...forwardChain(options),
    name: CHAINS.hostBalanced,
    hook: { type: 'filter', hook: 'postrouting', priority: 60 },
    rules: [[hasNoCtMark(CT_MARK.BALANCED), accept], ...forwardChain(options).rules],
  };
}

/** It is not the node's own; {@link balancedChain} judges it. */
function exceptBalanced({ balanced }: HostOptions): Rule[] {
  return balanced ? [[hasCtMark(CT_MARK.BALANCED), accept]] : [];
}

function exceptFrom({ pods }: HostOptions): Rule[] {
  return [
    [pods.from, accept],
    [comesFrom(LOOPBACK), accept],
  ];
}

/** `toItself`: which packets the node keeps, by default those on the way to the loopback device. */
function exceptTo({ pods }: HostOptions, toItself: Statement = leavesBy(LOOPBACK)): Rule[] {
  return [
    [pods.to, accept],
    [toItself, accept],
  ];
}

/** Own pods behind a Service: this hook still has the way of the packet as it was before its translation. */
function exceptToTranslated(families: readonly Family[]): Rule[] {
  return families.map((family) => [
    isFamily(family),
    inSet([destination(family), destination(family)], SETS.self(family)),
    accept,
  ]);
}

/**
 * What a node lives on: known connections, untracked packets, among which is neighbour discovery, and the overlay's wrapped
 * packets from and to the other nodes.
 */
function knownToNode({ families, overlay }: HostOptions, other: Side): Rule[] {
  return [
    [hasState(CT_STATE.ESTABLISHED | CT_STATE.RELATED | CT_STATE.UNTRACKED), accept],
    [hasState(CT_STATE.INVALID), verdict('drop')],
    ...overlay.flatMap((outer) =>
      families.map((family) => [
        isFamily(family),
        ...looksLike(outer),
        inSet([addressField(other, family)], SETS.nodes(family)),
        accept,
      ]),
    ),
  ];
}

/** Ports that no policy closes, for the addresses that they are open to on the `other` side. */
function openPorts(
  ports: readonly FailsafePort[],
  field: 'th dport' | 'th sport',
  other: Side,
  families: readonly Family[],
  end: Statement = accept,
): Rule[] {
  return ports.flatMap(({ protocol, port, net }) => {
    const isPort: Statement[] = [isProtocol(IPPROTO[protocol]), { kind: 'compare', field, op: '==', value: port }];
    if (net === undefined) return families.map((family) => [isFamily(family), ...isPort, end]);
    const block = parseCidr(net);
    if (block === undefined || !families.includes(block.ip.family)) return [];
    const { ip, prefix } = networkOf(block);
    const side = addressField(other, ip.family);
    const address: Statement = { kind: 'address', field: side, op: '==', address: addressKey(ip), prefix };
    return [[isFamily(ip.family), ...isPort, ...(prefix === 0 ? [] : [address]), end]];
  });
}

/** What comes to the node itself by its address, and what comes to its pods. */
function arriving(routes: HostRoutes, families: readonly Family[]): Rule[] {
  const local = dispatch({ ...routes, others: undefined }, 'destination', families);
  const forwarded = families.flatMap((family): Rule[] => {
    const chain = routes.forwarded[family];
    return chain === undefined ? [] : [[isFamily(family), verdict(`goto ${chain}`)]];
  });
  return [...local, [isLocal, to(routes.others)], ...forwarded];
}

/** Sends each of the node's addresses to its chain. */
function dispatch({ routes, others }: HostRoutes, side: Side, families: readonly Family[]): Rule[] {
  const known = routes.filter(({ address }) => families.includes(address.family));
  return [
    ...known.map(({ address, chain }): Rule => [
      isFamily(address.family),
      { kind: 'address', field: addressField(side, address.family), op: '==', address: addressKey(address) },
      to(chain),
    ]),
    ...(others === undefined ? [] : [[to(others)]]),
  ];
}

function to(chain: string | undefined): Statement {
  const text: Verdict = chain === undefined ? 'accept' : `goto ${chain}`;
  return verdict(text);
}

function addressField(side: Side, family: Family): 'ip saddr' | 'ip daddr' | 'ip6 saddr' | 'ip6 daddr' {
  return side === 'source' ? source(family) : destination(family);
}
