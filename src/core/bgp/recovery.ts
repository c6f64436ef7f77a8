import { formatIp } from '../../base/ip/index.ts';
import type { BgpView } from './types.ts';

/** BIRD's name of the session that never comes up. */
export const RECOVERY_HOLD = 'recovery';

/**
 * How long a restarted BIRD waits for its peers before it removes routes that none of them confirmed, and tells any of its
 * own, seconds: less than its peers keep those (120), since a peer that is away makes it wait for all of this time.
 */
const LONGEST = 30;
/**
 * How long it always waits where not all peers are nodes, seconds. FRR says at its start that it has told all its routes, and
 * tells the first after it has gathered them for up to ten seconds (`coalesce-time`, a second at first, more with more peers).
 */
const HELD = 20;
/** What a restart may take besides, of the time for which peers keep routes, seconds. */
const MARGIN = 5;

/** Addresses that nobody can call from: of the loopback network, and of the block that leads nowhere (RFC 6666). */
const NOBODY = { 4: '127.255.255.254', 6: '100::1' } as const;

/** How long BIRD's recovery after a restart may take, seconds: it must be over before a peer gives up. */
export function recoveryTime({ sessions }: BgpView): number {
  const patience = sessions.flatMap(({ maxRestart }) => (maxRestart === undefined ? [] : [maxRestart - MARGIN]));
  return Math.max(1, Math.min(sessions.some(isForeign) ? HELD : LONGEST, ...patience));
}

/**
 * A session with a peer that does not exist, which keeps a restarted BIRD from ending its recovery before the time for it is
 * over, and does nothing else. It listens where the others do. None is needed where all peers are nodes: what BIRD says of
 * having told all is true.
 */
export function recoveryHold({ sessions }: BgpView): readonly string[] {
  const session = sessions.find(isForeign);
  if (session === undefined) return [];
  const { local, localAs, listenPort, strictBind, peer } = session;
  const { family } = peer.ip;
  const bound = local === undefined ? '' : ` ${formatIp(local)}`;
  return [
    `protocol bgp ${RECOVERY_HOLD} {`,
    `  local${bound} port ${listenPort} as ${localAs};`,
    `  neighbor ${NOBODY[family]} as ${localAs};`,
    `  multihop; passive on; graceful restart on;${strictBind && local !== undefined ? ' strict bind on;' : ''}`,
    `  ipv${family} { import none; export none; };`,
    '}',
  ];
}

function isForeign({ kind }: BgpView['sessions'][number]): boolean {
  return kind !== 'mesh';
}
