import type { Family } from '../../base/ip/index.ts';
import { HANDOVER_DEVICES } from './constants.ts';
import { isWireguardKey } from './key-text.ts';
import type { WireguardInput, WireguardSettings, WireguardTunnel, WireguardWay } from './types.ts';

/** The highest UDP port. */
const LAST_PORT = 65_535;

/** What is known of the sessions with a peer. */
export interface PeerSessions {
  /** Whether the present keys of both have agreed on a session, on the usual device. */
  readonly usual: boolean;
  /** The same of the hand-over's device. */
  readonly handover: boolean;
  /** Whether one of the two is about to have another key, which ends the session of the usual device. */
  readonly changing: boolean;
  /** Whether packets for it must not go in the clear, come what may. */
  readonly bound: boolean;
}

/**
 * The way to a peer that published a key; undefined: as without WireGuard. Both devices receive as long as they are there,
 * so that each side may choose for itself, and at its own time.
 */
export function wayTo({ usual, handover, changing, bound }: PeerSessions): WireguardWay | undefined {
  if (handover && (changing || !usual)) return 'hand-over';
  return usual || bound ? 'usual' : undefined;
}

/** Whether this node or the peer is about to have another key. */
export function isChanging(family: Family, peer: string, input: Pick<WireguardInput, 'node' | 'nextKeys'>): boolean {
  return nextKeyOf(family, input.node, input) !== undefined || nextKeyOf(family, peer, input) !== undefined;
}

/**
 * The second device beside the usual one, with all peers where this node changes its key and otherwise with the ones that
 * do; none where nobody does. On it, everybody has the key that he is about to have, or else the present one.
 */
export function handoverTunnel(usual: WireguardTunnel, input: WireguardInput): readonly WireguardTunnel[] {
  const { family } = usual;
  const port = handoverPort(family, input.settings);
  const peers = usual.peers
    .filter(({ node }) => isChanging(family, node, input) || input.handingOver[family].has(node))
    .map((peer) => ({
      ...peer,
      publicKey: nextKeyOf(family, peer.node, input) ?? peer.publicKey,
      endpoint: { ...peer.endpoint, port },
    }));
  const needed = peers.length > 0 || nextKeyOf(family, input.node, input) !== undefined;
  return needed
    ? [{ ...usual, way: 'hand-over', device: HANDOVER_DEVICES[family], port, peers, routes: [], rules: [] }]
    : [];
}

/** What is no key counts as none: the node says at last what it has. */
function nextKeyOf(family: Family, node: string, { nextKeys }: Pick<WireguardInput, 'nextKeys'>): string | undefined {
  const key = nextKeys.get(node)?.[family];
  return key !== undefined && isWireguardKey(key) ? key : undefined;
}

/** A port beside those of the usual devices that all nodes find without being told: the next two, or where there are none the last two before. */
function handoverPort(family: Family, { 4: { port: v4 }, 6: { port: v6 } }: WireguardSettings): number {
  const offset = family === 4 ? 1 : 2;
  const highest = Math.max(v4, v6);
  return highest + 2 <= LAST_PORT ? highest + offset : Math.min(v4, v6) - offset;
}
