import { messageOf } from '../../base/errors.ts';
import { formatCidr } from '../../base/ip/index.ts';
import type { Logger } from '../../base/log.ts';
import type { RoutingChange } from '../../core/routing/index.ts';
import { BIRD_PROTOCOL, MAIN_TABLE } from '../../host/netlink/port.ts';
import type { Netlink } from '../../host/netlink/port.ts';
import { isTunnel } from './kernel-network.ts';
import type { NetworkDriver } from './network-driver.ts';

export interface FormerTunnelsDependencies {
  readonly netlink: Pick<Netlink, 'routes'>;
  readonly network: () => Pick<NetworkDriver, 'resync'>;
  /** Whether some node still has the backend of before: what leads there stays. */
  readonly isMixed: () => boolean;
  readonly log: Logger;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** How long what receives stays after the last route is replaced, milliseconds: the peer may be a round of upkeep behind. */
const LINGER = 15_000;
/** How long routes wait for BIRD's, once no node says that it has another backend, milliseconds. */
const PATIENCE = 120_000;

/**
 * The routes to other nodes, and the tunnels, of a node that leaves routes to BIRD now. Each route goes when BIRD has one to
 * the same destination, tunnels when no route has been left for a while, and all of it in the end, when every node has
 * changed.
 */
export class FormerTunnels {
  readonly #dependencies: FormerTunnelsDependencies;
  #learnt: ReadonlySet<string> = new Set();
  /** Set by `due`: what it held back last. */
  #heldBack: 'nothing' | 'tunnels' | 'routes' = 'nothing';
  #since: number | undefined;
  #lastRoute = 0;
  #isDone = false;

  constructor(dependencies: FormerTunnelsDependencies) {
    this.#dependencies = dependencies;
  }

  due(changes: readonly RoutingChange[]): readonly RoutingChange[] {
    if (this.#isDone) return changes;
    const remade = new Set(changes.flatMap((change) => (change.kind === 'add-link' ? [change.link.name] : [])));
    const due: RoutingChange[] = [];
    for (const change of changes) {
      const what = this.#leftBy(change);
      if (what === undefined || (change.kind === 'delete-link' && remade.has(change.link))) due.push(change);
      else if (this.#heldBack !== 'routes') this.#heldBack = what;
    }
    return due;
  }

  async settle(): Promise<void> {
    if (this.#isDone) return;
    const { netlink, isMixed, log, now } = this.#dependencies;
    if (isMixed()) this.#since = now();
    this.#since ??= now();
    try {
      const learnt = netlink.routes({ protocol: BIRD_PROTOCOL, table: MAIN_TABLE });
      this.#learnt = new Set(learnt.map(({ destination }) => formatCidr(destination)));
      this.#resync();
      if (this.#heldBack === 'routes') this.#lastRoute = now();
      const isOver = now() - this.#since >= PATIENCE || now() - this.#lastRoute >= LINGER;
      if (this.#heldBack !== 'nothing' && !isOver) return;
      this.#isDone = true;
      if (this.#heldBack !== 'nothing') this.#resync();
    } catch (error) {
      log.warn('cannot take away what another backend left', { error: messageOf(error) });
    }
  }

  #resync(): void {
    this.#heldBack = 'nothing';
    this.#dependencies.network().resync();
  }

  /** What of a former backend the change would take away, that packets may still need. */
  #leftBy(change: RoutingChange): 'routes' | 'tunnels' | undefined {
    if (change.kind === 'delete-route') {
      const { destination, via, link, table } = change.route;
      const isForeign = table === undefined && (via !== undefined || isTunnel(link));
      return isForeign && !this.#learnt.has(formatCidr(destination)) ? 'routes' : undefined;
    }
    if (change.kind === 'delete-link') return isTunnel(change.link) ? 'tunnels' : undefined;
    if (change.kind === 'delete-address') return isTunnel(change.address.link) ? 'tunnels' : undefined;
    if (change.kind === 'delete-neighbour') return isTunnel(change.neighbour.link) ? 'tunnels' : undefined;
    return change.kind === 'delete-fdb' && isTunnel(change.entry.link) ? 'tunnels' : undefined;
  }
}
