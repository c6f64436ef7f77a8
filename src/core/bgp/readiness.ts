/** What of BIRD's state decides whether its node is ready. */
export interface SpeakerState {
  readonly sessions: readonly { readonly peer: string; readonly info: string }[];
  /** It was restarted and waits for what its peers have to tell. */
  readonly recovering: boolean;
  /** Addresses of nodes that have no BGP as yet, in a change of backend that goes from node to node. */
  readonly without?: ReadonlySet<string>;
}

/** How long after the agent's start all sessions are waited for, milliseconds: that of `calico-node -bird-ready`. */
const THRESHOLD = 30_000;

/**
 * Why a node is not ready for what BGP brings; empty when it is. At first every peer counts, so that an update from node to
 * node waits until each is back; later one is enough, so that nodes that are away do not make all others unready. Nodes that
 * have no BGP yet count never: each of them waits for this one to be ready.
 */
export function notReadyForBgp({ sessions: all, recovering, without }: SpeakerState, sinceStart: number): string {
  const sessions = all.filter(({ peer }) => without?.has(peer) !== true);
  const missing = sessions.filter(({ info }) => info !== 'Established').map(({ peer }) => peer);
  const isNew = sinceStart < THRESHOLD;
  if (missing.length > 0 && (isNew || missing.length === sessions.length))
    return `BGP is not established with ${missing.join(', ')}`;
  return isNew && recovering && sessions.length > 0 ? 'the graceful restart of BGP is not over' : '';
}
