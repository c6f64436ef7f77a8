import { hasCode, messageOf } from '../../base/errors.ts';
import { formatCidr } from '../../base/ip/index.ts';
import type { Logger } from '../../base/log.ts';
import { DEFAULT_SETTINGS, desiredNetwork, diffNetwork, madeLink } from '../../core/routing/index.ts';
import type {
  ActualNetwork,
  DesiredNetwork,
  LocalEndpoint,
  ReturnPeer,
  RoutingChange,
  RoutingInput,
  RoutingProblem,
} from '../../core/routing/index.ts';
import type { Netlink, NetworkEvent } from '../../host/netlink/port.ts';
import type { Sysctl } from '../../host/sysctl/sysctl.ts';
import { dumpNetwork, isOurs, isTunnel } from './kernel-network.ts';
import { isDrift, isUnderlayChange } from './network-drift.ts';

export interface NetworkDriverDependencies {
  readonly netlink: Netlink;
  readonly sysctl: Sysctl;
  readonly log: Logger;
  /** What routes depend on, as it is now; `endpoints` without pods that are being removed. */
  readonly input: () => RoutingInput;
  /** The kernel's links, addresses or routes that are not ours may have changed. */
  readonly onUnderlayChanged: () => void;
  /** Hears the peers that answers can be led back through, once the kernel leads them. */
  readonly onReturnPeers: (peers: readonly ReturnPeer[]) => void;
}

/** What `sluice status` shows of links and routes. */
export interface NetworkStatus {
  readonly routes: number;
  readonly neighbours: number;
  readonly tunnels: number;
  readonly podMtu: number;
  readonly resyncs: number;
  readonly drifts: number;
  readonly problems: readonly RoutingProblem[];
  readonly error?: string;
}

/** How long events are gathered before the kernel is read again, milliseconds. */
const SETTLE = 50;
/** A full comparison at least this often, milliseconds, in case an event was never sent. */
const RESYNC_EVERY = 60_000;
const RETRY = 1000;

/**
 * Makes links, routes, neighbours and forwarding entries what they should be. What the kernel holds is kept in memory;
 * it is read back at the start, when somebody else changed something, after a failure, and once a minute.
 */
export class NetworkDriver {
  readonly #dependencies: NetworkDriverDependencies;
  #actual: ActualNetwork | undefined;
  #names = new Map<number, string>();
  #desired: DesiredNetwork | undefined;
  #error: string | undefined;
  #resyncs = 0;
  #drifts = 0;
  #reported = new Set<string>();
  /** Links whose reverse-path filter could not be loosened. */
  readonly #strict = new Set<string>();
  #watch: Disposable | undefined;
  #timer: NodeJS.Timeout | undefined;
  #scheduled: NodeJS.Immediate | undefined;

  constructor(dependencies: NetworkDriverDependencies) {
    this.#dependencies = dependencies;
  }

  /** Takes over what an earlier agent left, completes it, and keeps it so until `stop`. */
  start(): void {
    this.#watch = this.#dependencies.netlink.watch(['link', 'address', 'route', 'neighbour'], (event) =>
      this.#onEvent(event),
    );
    this.resync();
  }

  stop(): void {
    this.#watch?.[Symbol.dispose]();
    clearTimeout(this.#timer);
    if (this.#scheduled !== undefined) clearImmediate(this.#scheduled);
  }

  /** Whether `start` was called. */
  get started(): boolean {
    return this.#watch !== undefined;
  }

  /** MTU for the next pod's interface. */
  get podMtu(): number {
    return (this.#desired ?? desiredNetwork(this.#dependencies.input())).podMtu;
  }

  /** Reconciles after this turn of the event loop. */
  changed(): void {
    if (!this.started || this.#scheduled !== undefined) return;
    this.#scheduled = setImmediate(() => {
      this.#scheduled = undefined;
      this.#reconcile();
    });
  }

  /** Reads the kernel and repairs whatever differs from what is desired. */
  resync(): void {
    this.#resyncs++;
    this.#dependencies.onUnderlayChanged();
    const { actual, names } = dumpNetwork(this.#dependencies.netlink);
    this.#actual = actual;
    this.#names = names;
    this.#reconcile();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#resyncQuietly(), this.#error === undefined ? RESYNC_EVERY : RETRY);
  }

  /** Makes a pod that was just wired reachable; throws when the kernel refuses. */
  addEndpoint(endpoint: LocalEndpoint): void {
    const { routes, neighbours } = desiredNetwork({ ...EMPTY_INPUT, endpoints: [endpoint] });
    this.#dependencies.netlink.apply([
      ...neighbours.map((neighbour) => ({ kind: 'replace-neighbour', neighbour }) as const),
      ...routes.map((route) => ({ kind: 'replace-route', route }) as const),
    ]);
    if (this.#actual === undefined) return;
    const keys = new Set(routes.map(({ destination }) => formatCidr(destination)));
    const others = this.#actual.routes.filter(({ destination }) => !keys.has(formatCidr(destination)));
    this.#actual = {
      ...this.#actual,
      routes: [...others, ...routes],
      neighbours: [...this.#actual.neighbours, ...neighbours],
    };
  }

  /** The pod's link is gone and with it, by the kernel's doing, everything on it. */
  forgetLink(link: string): void {
    if (this.#actual === undefined) return;
    this.#actual = {
      ...this.#actual,
      routes: this.#actual.routes.filter((route) => route.link !== link),
      neighbours: this.#actual.neighbours.filter((neighbour) => neighbour.link !== link),
    };
    this.changed();
  }

  status(): NetworkStatus {
    return {
      routes: this.#actual?.routes.length ?? 0,
      neighbours: this.#actual?.neighbours.length ?? 0,
      tunnels: this.#actual?.fdb.length ?? 0,
      podMtu: this.podMtu,
      resyncs: this.#resyncs,
      drifts: this.#drifts,
      problems: this.#desired?.problems ?? [],
      ...(this.#error === undefined ? {} : { error: this.#error }),
    };
  }

  #reconcile(): void {
    if (this.#actual === undefined) return this.#resyncQuietly();
    const desired = desiredNetwork(this.#dependencies.input());
    this.#desired = desired;
    this.#reportProblems(desired.problems);
    const changes = diffNetwork(desired, this.#actual);
    if (changes.length === 0) {
      this.#error = undefined;
      this.#settled(desired);
      return;
    }
    const failed = this.#attempt(changes);
    this.#actual = failed.length === 0 ? { ...desired, links: desired.links.map(madeLink) } : undefined;
    this.#error = failed[0];
    this.#dependencies.log.info('network reconciled', { changes: changes.length, failed: failed.length });
    if (failed.length > 0) this.#resyncSoon(RETRY);
    else this.#settled(desired);
  }

  /** The kernel has all that return paths need: the packet filter may send connections along them. */
  #settled({ looseLinks, returnPeers }: DesiredNetwork): void {
    this.#loosen(looseLinks);
    this.#dependencies.onReturnPeers(returnPeers);
  }

  /** Tries every change and returns what went wrong. */
  #attempt(changes: readonly RoutingChange[]): readonly string[] {
    const { netlink, log } = this.#dependencies;
    const outcomes = netlink.attempt(changes);
    return outcomes.flatMap((error, i) => {
      const change = changes[i]!;
      if (error === undefined || (change.kind.startsWith('delete-') && hasCode(error, 'not-found'))) return [];
      // A pod that is being torn down: its link went before its record.
      if ('route' in change && !isTunnel(change.route.link) && isOurs(change.route.link)) return [];
      if ('neighbour' in change && !isTunnel(change.neighbour.link)) return [];
      log.warn('the kernel refused a network change', { change: change.kind, error: messageOf(error) });
      return [messageOf(error)];
    });
  }

  /**
   * Loose reverse-path filtering, where it is strict: with Services, answers may leave by another way than the question
   * came. The packet filter itself checks the source of every pod's packets.
   */
  #loosen(links: readonly string[]): void {
    const { sysctl, log } = this.#dependencies;
    for (const link of links) {
      try {
        // The kernel takes the greater of the two.
        const values = ['all', link].map((name) => sysctl.read(`net/ipv4/conf/${name}/rp_filter`));
        if (values.includes('1') && !values.includes('2')) sysctl.write(`net/ipv4/conf/${link}/rp_filter`, 2);
        this.#strict.delete(link);
      } catch (error) {
        if (this.#strict.has(link)) continue;
        this.#strict.add(link);
        log.warn('cannot loosen rp_filter', { link, error: messageOf(error) });
      }
    }
  }

  #reportProblems(problems: readonly RoutingProblem[]): void {
    const messages = new Set(problems.map(({ message }) => message));
    for (const { code, message } of problems) {
      if (this.#reported.has(message)) continue;
      // A peer that is only just starting is no reason to worry anybody; the status shows it all the same.
      if (code === 'not-in-subnet') this.#dependencies.log.warn(message);
      else this.#dependencies.log.info(message);
    }
    this.#reported = messages;
  }

  #onEvent(event: NetworkEvent): void {
    if (event.kind === 'link') {
      if (event.gone) this.#names.delete(event.link.index);
      else this.#names.set(event.link.index, event.link.name);
    }
    if (this.#actual === undefined) return;
    if (isDrift(event, this.#actual, this.#names)) {
      this.#drifts++;
      this.#resyncSoon(SETTLE);
    } else if (isUnderlayChange(event, this.#names)) this.#resyncSoon(SETTLE);
  }

  #resyncSoon(delay: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#resyncQuietly(), delay);
  }

  #resyncQuietly(): void {
    try {
      this.resync();
    } catch (error) {
      this.#error = messageOf(error);
      this.#dependencies.log.error('cannot read the kernel state', { error: this.#error });
      this.#resyncSoon(RETRY);
    }
  }
}

/** Just enough to derive what one local pod needs. */
const EMPTY_INPUT: RoutingInput = {
  node: '',
  backend: 'host-gw',
  pools: [],
  nodes: new Map(),
  blocks: [],
  endpoints: [],
  underlay: { subnets: [], links: [], mtu: 1500, peerMtu: new Map() },
  settings: DEFAULT_SETTINGS,
  configuredMtu: 0,
};
