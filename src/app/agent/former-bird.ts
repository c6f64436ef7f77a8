import { hasCode, messageOf } from '../../base/errors.ts';
import { formatCidr, hostCidr } from '../../base/ip/index.ts';
import type { Logger } from '../../base/log.ts';
import type { RoutingChange } from '../../core/routing/index.ts';
import { ROUTE_PROTOCOL } from '../../core/routing/index.ts';
import type { Bird } from '../../host/bird/port.ts';
import { BIRD_PROTOCOL, MAIN_TABLE } from '../../host/netlink/port.ts';
import type { Netlink } from '../../host/netlink/port.ts';
import { isTunnel } from './kernel-network.ts';

export interface FormerBirdDependencies {
  readonly bird: Pick<Bird, 'hasRun' | 'stop' | 'forget'>;
  readonly netlink: Pick<Netlink, 'routes' | 'attempt'>;
  readonly log: Logger;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** How long peers keep routes of a BIRD that ended for a restart, milliseconds: for as long ours may lead to them. */
const KEPT = 120_000;

/**
 * The BIRD of a node that has another backend now. It ends as for a restart, so that its peers have time to get another
 * backend, too. Each of its routes goes when there is another to the same destination, and after a while in any case.
 * A BIRD that the agent never started is not touched, nor are its routes.
 */
export class FormerBird {
  readonly #dependencies: FormerBirdDependencies;
  readonly #nextHops = new Set<string>();
  #since: number | undefined;
  #isDone = false;

  constructor(dependencies: FormerBirdDependencies) {
    this.#dependencies = dependencies;
  }

  /**
   * IPv6 takes no next hop that another link leads to, and BIRD's route to a peer's block does so: routes of their own lead to
   * such next hops until BIRD's is gone.
   */
  due(changes: readonly RoutingChange[]): readonly RoutingChange[] {
    const { bird } = this.#dependencies;
    if (this.#isDone || !bird.hasRun()) return changes;
    return changes.flatMap((change) => [...this.#nextHopFor(change), change]);
  }

  async settle(): Promise<void> {
    const { bird, log, now } = this.#dependencies;
    if (this.#isDone) return;
    if (!bird.hasRun()) {
      this.#isDone = true;
      return;
    }
    try {
      if (this.#since === undefined) await bird.stop();
      this.#since ??= now();
      if (!this.#sweep(now() - this.#since >= KEPT)) return;
      bird.forget();
      this.#isDone = true;
      log.info('nothing is left of BIRD, which this node has no use for any more');
    } catch (error) {
      log.warn('cannot take away what BIRD left', { error: messageOf(error) });
    }
  }

  #nextHopFor(change: RoutingChange): readonly RoutingChange[] {
    if (change.kind !== 'replace-route') return [];
    const { via, link } = change.route;
    if (via?.family !== 6 || link === undefined || !isTunnel(link)) return [];
    const destination = hostCidr(via);
    this.#nextHops.add(formatCidr(destination));
    return [{ kind: 'replace-route', route: { destination, link, type: 'unicast', protocol: BIRD_PROTOCOL } }];
  }

  /** Whether no route is left. */
  #sweep(all: boolean): boolean {
    const { netlink } = this.#dependencies;
    const own = new Set(
      netlink.routes({ protocol: ROUTE_PROTOCOL, table: MAIN_TABLE }).map(({ destination }) => formatCidr(destination)),
    );
    const left = netlink.routes({ protocol: BIRD_PROTOCOL, table: MAIN_TABLE });
    const replaced = left.filter(
      ({ destination }) => all || own.has(formatCidr(destination)) || this.#nextHops.has(formatCidr(destination)),
    );
    // Without its next hops, of which there may be several.
    const outcomes = netlink.attempt(
      replaced.map(({ destination, metric }) => ({
        kind: 'delete-route',
        route: { destination, protocol: BIRD_PROTOCOL, ...(metric === undefined ? {} : { metric }) },
      })),
    );
    const refused = outcomes.find((error) => error !== undefined && !hasCode(error, 'not-found'));
    if (refused !== undefined) throw refused;
    return replaced.length === left.length;
  }
}
