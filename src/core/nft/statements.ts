import type { Family } from '../../base/ip/index.ts';
import { CT_STATE, IPPROTO, NFPROTO, TCP_FLAG } from './model.ts';
import type { Operand, Statement, Verdict } from './model.ts';
import { SETS } from './names.ts';

/** Bits of the connection mark that Sluice uses. */
export const CT_MARK = {
  /** A connection that policy has come to deny. */
  CUT: 0x1,
  /** A connection that entered by a NodePort and may go to any node: remote backends must answer through this one. */
  NODE_PORT: 0x2,
  /** A connection from a pod or from elsewhere that the kernel's IPVS leads to a backend. */
  BALANCED: 0x4,
  /** A connection that a proxy on this node makes in the name of its client. */
  PROXIED: 0x8,
  /** The peer that a connection from outside came through: answers take the routing table of that mark. */
  PEER: 0xffff00,
} as const;

/** Bits of the packet mark that Sluice uses besides those of `CT_MARK.PEER`. */
export const PACKET_MARK = {
  /** A rule has passed the packet on to the next tier. Set by policies' chains, cleared by the chain that jumped there. */
  PASS: 0x1000000,
  /** An early policy of a host endpoint has allowed the packet; later ones are not asked, and clear it. */
  HOST_ALLOWED: 0x2000000,
  /** An answer to a proxy on this node that speaks in its client's name; whoever runs the proxy leads it to the node itself. */
  PROXIED: 0x4000000,
  /** A request that IPVS shall lead to a backend: the agent routes it to the node itself, where IPVS takes it. */
  BALANCED: 0x8000000,
  /** A packet of a known connection that leaves this node's pods for another node, or comes from there: see fast-path.ts. */
  LEAVES: 0x10000000,
  ARRIVES: 0x20000000,
} as const;

export const isFamily = (family: Family): Statement => ({
  kind: 'compare',
  field: 'meta nfproto',
  op: '==',
  value: NFPROTO[family],
});

export const isProtocol = (protocol: number): Statement => ({
  kind: 'compare',
  field: 'meta l4proto',
  op: '==',
  value: protocol,
});

export const isNotProtocol = (protocol: number): Statement => ({
  kind: 'compare',
  field: 'meta l4proto',
  op: '!=',
  value: protocol,
});

export const isTcp = isProtocol(IPPROTO.TCP);

export const source = (family: Family): 'ip saddr' | 'ip6 saddr' => (family === 4 ? 'ip saddr' : 'ip6 saddr');

export const destination = (family: Family): 'ip daddr' | 'ip6 daddr' => (family === 4 ? 'ip daddr' : 'ip6 daddr');

export const nextHop = (family: Family): 'rt ip nexthop' | 'rt ip6 nexthop' =>
  family === 4 ? 'rt ip nexthop' : 'rt ip6 nexthop';

export const inSet = (key: readonly Operand[], set: string): Statement => ({ kind: 'lookup', key, set });

export const notInSet = (key: readonly Operand[], set: string): Statement => ({
  kind: 'lookup',
  key,
  set,
  negate: true,
});

export const verdict = (text: Verdict): Statement => ({ kind: 'verdict', verdict: text });

export const comesFrom = (name: string): Statement => ({ kind: 'interface', field: 'meta iifname', op: '==', name });
export const comesNotFrom = (name: string): Statement => ({ kind: 'interface', field: 'meta iifname', op: '!=', name });
export const leavesBy = (name: string): Statement => ({ kind: 'interface', field: 'meta oifname', op: '==', name });
export const leavesNotBy = (name: string): Statement => ({ kind: 'interface', field: 'meta oifname', op: '!=', name });

/** How packets of this node's pods are told from others: by the interface that they come from or leave by. */
export interface PodInterfaces {
  readonly from: Statement;
  readonly notFrom: Statement;
  readonly to: Statement;
  readonly notTo: Statement;
}

/** Prefix of the pod interfaces that Sluice makes. */
export const OWN_PREFIX = 'slc';

/** Where Sluice wires the pods: one prefix, and one pod behind each interface. */
export const OWN_INTERFACES: PodInterfaces = {
  from: comesFrom(`${OWN_PREFIX}*`),
  notFrom: comesNotFrom(`${OWN_PREFIX}*`),
  to: leavesBy(`${OWN_PREFIX}*`),
  notTo: leavesNotBy(`${OWN_PREFIX}*`),
};

/** Where others do: a set of names and prefixes. */
export const LISTED_INTERFACES: PodInterfaces = {
  from: inSet(['meta iifname'], SETS.podInterfaces),
  notFrom: notInSet(['meta iifname'], SETS.podInterfaces),
  to: inSet(['meta oifname'], SETS.podInterfaces),
  notTo: notInSet(['meta oifname'], SETS.podInterfaces),
};

/** `ct state` is one of `states`, a sum of {@link CT_STATE} bits. */
export const hasState = (states: number): Statement => ({
  kind: 'compare',
  field: 'ct state',
  mask: states,
  op: '!=',
  value: 0,
});

export const isNew = hasState(CT_STATE.NEW);

/** A new connection of TCP whose packet is no SYN: a connection that was cut and forgotten could be picked up so. */
export const isNotOpening: readonly Statement[] = [
  isTcp,
  isNew,
  {
    kind: 'compare',
    field: 'tcp flags',
    mask: TCP_FLAG.FIN | TCP_FLAG.SYN | TCP_FLAG.RST | TCP_FLAG.ACK,
    op: '!=',
    value: TCP_FLAG.SYN,
  },
];

/** linux/netfilter/nf_conntrack_tuple_common.h. */
const IP_CT_DIR_REPLY = 1;

/** Goes from whoever was asked to whoever asked. */
export const isAnswer: Statement = { kind: 'compare', field: 'ct direction', op: '==', value: IP_CT_DIR_REPLY };
export const isRequest: Statement = { ...isAnswer, op: '!=' };

export const hasCtMark = (bit: number): Statement => ({
  kind: 'compare',
  field: 'ct mark',
  mask: bit,
  op: '!=',
  value: 0,
});

export const hasNoCtMark = (bit: number): Statement => ({
  kind: 'compare',
  field: 'ct mark',
  mask: bit,
  op: '==',
  value: 0,
});

/** The packet bears one of the bits of {@link PACKET_MARK}. */
export const hasMark = (bit: number): Statement => ({
  kind: 'compare',
  field: 'meta mark',
  mask: bit,
  op: '!=',
  value: 0,
});

export const setMark = (bit: number): Statement => ({ kind: 'set-mark', target: 'meta mark', mask: bit, value: bit });

export const clearMark = (bit: number): Statement => ({ kind: 'set-mark', target: 'meta mark', mask: bit, value: 0 });
