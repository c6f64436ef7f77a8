import { hasCode, messageOf } from '../../base/errors.ts';
import type { Cidr } from '../../base/ip/index.ts';
import type { Logger } from '../../base/log.ts';
import {
  ActualTables,
  desiredNetwork,
  diffTables,
  endpointItems,
  fastWays,
  KEYS,
  ROUTE_PROTOCOL,
  RoutingTable,
} from '../../core/routing/index.ts';
import type {
  DerivedNetwork,
  FastWays,
  LocalEndpoint,
  OwnTunnel,
  ReturnPeer,
  RoutingChange,
  RoutingInput,
  RoutingProblem,
  Underlay,
} from '../../core/routing/index.ts';
import { MAIN_TABLE } from '../../host/netlink/port.ts';
import type { Netlink, NetworkEvent } from '../../host/netlink/port.ts';
import type { Sysctl } from '../../host/sysctl/sysctl.ts';
import { dumpNetwork, isOurs, isTunnel, routeOf } from './kernel-network.ts';
import { MissingDevices } from './missing-devices.ts';
import { isDrift, isUnderlayChange } from './network-drift.ts';
import { StaleRoutes } from './stale-routes.ts';

export interface NetworkDriverDependencies {
  readonly netlink: Netlink;
  readonly sysctl: Sysctl;
  readonly log: Logger;
  /** What routes depend on, as it is now; `endpoints` without pods that are being removed. */
  readonly input: () => RoutingInput;
  /** Of the changes that are to be made, those that need not wait; all, where it is absent. */
  readonly due?: (changes: readonly RoutingChange[]) => readonly RoutingChange[];
  /** What else keeps pods' packets small, bytes. */
  readonly mtuLimit?: () => number | undefined;
  /** Whether pods' packets are wrapped by a device that routing does not know of. */
  readonly wrapped?: () => boolean;
  /** The kernel's links, addresses or routes that are not ours may have changed. */
  readonly onUnderlayChanged: () => void;
  /** Hears the peers that answers can be led back through, once the kernel leads them. */
  readonly onReturnPeers: (peers: readonly ReturnPeer[]) => void;
  /** Hears the tunnels that there are now; again and again. */
  readonly onTunnels?: (tunnels: readonly OwnTunnel[]) => void;
  /** Routes or neighbours may be others than before; with `devices`, links, too. */
  readonly onChanged?: (devices: boolean) => void;
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
/** Problems that do not go away by themselves. */
const WORRYING: ReadonlySet<string> = new Set(['not-in-subnet', 'no-own-address', 'unsupported-family', 'no-device']);
/** They come first among changes. */
const LINK_CHANGES: ReadonlySet<string> = new Set(['add-link', 'set-link', 'delete-link']);

/**
 * Makes links, routes, neighbours and forwarding entries what they should be. What the kernel holds is kept in memory;
 * it is read back at the start, when somebody else changed something, after a failure, and once a minute.
 */
export class NetworkDriver {
  readonly #dependencies: NetworkDriverDependencies;
  readonly #table = new RoutingTable();
  readonly #missing = new MissingDevices();
  readonly #stale = new StaleRoutes();
  #actual: ActualTables | undefined;
  #names = new Map<number, string>();
  /** Where routes of other programs lead. */
  #others: readonly Cidr[] = [];
  #derived: DerivedNetwork | undefined;
  /** Names of its devices. */
  #underlay: Pick<Underlay, 'links' | 'subnets'> = { links: [], subnets: [] };
  /** What was last brought into force besides what the kernel holds for routing. */
  #settled: Pick<DerivedNetwork, 'looseLinks' | 'returnPeers'> | undefined;
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

  /** How often the kernel was read: devices may be others than before each time. */
  get resyncs(): number {
    return this.#resyncs;
  }

  /** MTU for the next pod's interface. */
  get podMtu(): number {
    const { podMtu } = this.#derived ?? desiredNetwork(this.#dependencies.input());
    return Math.min(podMtu, this.#dependencies.mtuLimit?.() ?? podMtu);
  }

  /**
   * Largest packet that the next pod's interface takes, where that is more than usual: TCP hands the kernel as much at once
   * as all devices of the underlay take, which each packet's way through the node costs but once. Devices of tunnels take no
   * more than usual, and what is for one would be cut by the processor.
   */
  get podPacketSize(): number | undefined {
    const { netlink, wrapped } = this.#dependencies;
    if (this.#derived === undefined || this.#derived.tunnels.length > 0 || wrapped?.() === true) return undefined;
    const sizes = this.#underlay.links.map((name) => netlink.link(name)?.packetSize);
    const known = sizes.filter((size) => size !== undefined);
    return known.length === 0 || known.length < sizes.length ? undefined : Math.min(...known);
  }

  /** By which neighbours and devices packets of pods get to other nodes; none before `start`. */
  get fastWays(): FastWays {
    if (this.#derived === undefined) return { devices: [], hops: [] };
    const { routes, links, neighbours, fdb } = this.#derived.items;
    const items = {
      routes: routes.values(),
      links: links.values(),
      neighbours: neighbours.values(),
      fdb: fdb.values(),
    };
    return fastWays(items, this.#underlay, this.#others);
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
    const { netlink } = this.#dependencies;
    this.#missing.retry(netlink);
    const { actual, names } = dumpNetwork(netlink);
    this.#actual = new ActualTables(actual);
    this.#names = names;
    this.#others = netlink
      .routes({ table: MAIN_TABLE })
      .flatMap(({ protocol, destination }) => (protocol === ROUTE_PROTOCOL ? [] : destination));
    this.#settled = undefined;
    this.#reconcile('everything');
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#resyncQuietly(), this.#error === undefined ? RESYNC_EVERY : RETRY);
  }

  /** Makes a pod that was just wired reachable; throws when the kernel refuses. */
  addEndpoint(endpoint: LocalEndpoint): void {
    const { routes, neighbours } = endpointItems(endpoint);
    const changes = [
      ...neighbours.map((neighbour) => ({ kind: 'replace-neighbour', neighbour }) as const),
      ...routes.map((route) => ({ kind: 'replace-route', route }) as const),
    ];
    this.#dependencies.netlink.apply(changes);
    for (const change of changes) this.#actual?.record(change);
    this.#dependencies.onChanged?.(false);
  }

  /** The pod's link is gone and with it, by the kernel's doing, everything on it. */
  forgetLink(link: string): void {
    this.#actual?.forgetLink(link);
    this.#dependencies.onChanged?.(false);
    this.changed();
  }

  status(): NetworkStatus {
    return {
      routes: this.#actual?.tables.routes.size ?? 0,
      neighbours: this.#actual?.tables.neighbours.size ?? 0,
      tunnels: this.#actual?.tables.fdb.size ?? 0,
      podMtu: this.podMtu,
      resyncs: this.#resyncs,
      drifts: this.#drifts,
      problems: this.#derived?.problems ?? [],
      ...(this.#error === undefined ? {} : { error: this.#error }),
    };
  }

  #reconcile(scope: 'changes' | 'everything' = 'changes'): void {
    if (this.#actual === undefined) return this.#resyncQuietly();
    const input = this.#dependencies.input();
    const derived = this.#table.update({ ...input, missingDevices: this.#missing.problems });
    this.#derived = derived;
    this.#underlay = input.underlay;
    this.#reportProblems(derived.problems);
    const touched = scope === 'everything' ? undefined : derived.touched;
    const wanted = diffTables(derived.items, this.#actual.tables, touched);
    const changes = this.#dependencies.due?.(wanted) ?? wanted;
    const known = this.#missing.size;
    const devices = changes.findIndex(({ kind }) => !LINK_CHANGES.has(kind));
    const first = devices < 0 ? changes.length : devices;
    const failed = [...this.#attempt(changes.slice(0, first))];
    // All over without the device: nothing is tried that would need it.
    if (this.#missing.size > known) return this.#reconcile('everything');
    failed.push(...this.#attempt(changes.slice(first)));
    [this.#error] = failed;
    if (changes.length > 0)
      this.#dependencies.log.info('network reconciled', { changes: changes.length, failed: failed.length });
    if (changes.length > 0 || scope === 'everything')
      this.#dependencies.onChanged?.(scope === 'everything' || first > 0);
    if (failed.length === 0) return this.#settle(derived);
    this.#actual = undefined;
    this.#resyncSoon(RETRY);
  }

  /** The kernel has all that return paths need: the packet filter may send connections along them. */
  #settle({ looseLinks, returnPeers, tunnels }: DerivedNetwork): void {
    this.#dependencies.onTunnels?.(tunnels);
    const before = this.#settled;
    this.#settled = { looseLinks, returnPeers };
    if (before?.looseLinks.join() !== looseLinks.join()) this.#loosen(looseLinks);
    if (before?.returnPeers !== returnPeers) this.#dependencies.onReturnPeers(returnPeers);
  }

  /** Tries every change, keeps account of those that succeeded, and returns what went wrong. */
  #attempt(changes: readonly RoutingChange[]): readonly string[] {
    const { netlink, log } = this.#dependencies;
    if (changes.length === 0) return [];
    const outcomes = netlink.attempt(changes);
    return outcomes.flatMap((error, i) => {
      const change = changes[i]!;
      if (error === undefined || (change.kind.startsWith('delete-') && hasCode(error, 'not-found'))) {
        this.#record(change);
        return [];
      }
      if (this.#missing.learn(change, error)) return [];
      // A pod that is being torn down: its link went before its record, and with it all that it had.
      if ('route' in change && !isTunnel(change.route.link) && isOurs(change.route.link)) return [];
      if ('neighbour' in change && !isTunnel(change.neighbour.link)) return [];
      log.warn('the kernel refused a network change', { change: change.kind, error: messageOf(error) });
      return [messageOf(error)];
    });
  }

  #record(change: RoutingChange): void {
    if ('route' in change) {
      const { route } = change;
      const { routes, returnRoutes } = this.#actual?.tables ?? {};
      const before =
        route.table === undefined ? routes?.get(KEYS.routes(route)) : returnRoutes?.get(KEYS.returnRoutes(route));
      this.#stale.replaced(change, before);
    }
    this.#actual?.record(change);
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
      if (WORRYING.has(code)) this.#dependencies.log.warn(message);
      else this.#dependencies.log.info(message);
    }
    this.#reported = messages;
  }

  #onEvent(event: NetworkEvent): void {
    if (event.kind === 'link') {
      if (event.gone) this.#names.delete(event.link.index);
      else this.#names.set(event.link.index, event.link.name);
    }
    // What was lost can no longer be told from what somebody else did.
    if (event.kind === 'overrun') this.#stale.clear();
    if (this.#actual === undefined) return;
    const route = event.kind === 'route' ? routeOf(event.route, this.#names) : undefined;
    if (isDrift(event, this.#actual.tables, this.#names)) {
      if (route !== undefined && this.#stale.has(route)) return;
      this.#drifts++;
      this.#resyncSoon(SETTLE);
      return;
    }
    if (route !== undefined) this.#stale.caughtUp(route);
    if (isUnderlayChange(event, this.#names)) this.#resyncSoon(SETTLE);
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
