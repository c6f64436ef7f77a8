import type { Ip } from '../../base/ip/index.ts';
import { IPPROTO } from './model.ts';
import type { Statement } from './model.ts';
import { isFamily, isProtocol } from './statements.ts';

/** How packets that carry others look from outside: UDP to a port, or IP within IPv4. */
export type OuterPacket = { readonly protocol: 'udp'; readonly port: number } | { readonly protocol: 'ipip' };

/** VXLAN's, on the port that IANA gave it. */
export const DEFAULT_OVERLAY: OuterPacket = { protocol: 'udp', port: 4789 };

/** The device of a tunnel to peers. */
export interface TunnelSpec {
  readonly interface: string;
  /** This node's addresses on it: the source of its own traffic there. */
  readonly addresses: readonly Ip[];
  readonly outer: OuterPacket;
  /** Packets of one direction do not look like answers to those of the other: VXLAN takes a source port for each flow. */
  readonly oneWay?: boolean;
}

/** Matches for packets that carry others. */
export function looksLike(outer: OuterPacket): readonly Statement[] {
  if (outer.protocol === 'ipip') return [isFamily(4), isProtocol(IPPROTO.IPIP)];
  return [isProtocol(IPPROTO.UDP), { kind: 'compare', field: 'th dport', op: '==', value: outer.port }];
}
