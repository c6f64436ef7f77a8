import { equalIp, formatIp } from '../../base/ip/index.ts';
import type { Family, Ip } from '../../base/ip/index.ts';
import type { Logger } from '../../base/log.ts';
import { LEAST_MTU, findPathMtu } from '../../core/routing/index.ts';
import type { PathAnswer } from '../../core/routing/index.ts';
import type { Echoes } from '../../host/probe/echo-port.ts';

export interface PathMtusDependencies {
  /** Absent: nothing is tried, and routes are believed. */
  readonly echoes: Echoes | undefined;
  readonly log: Logger;
  /** What is known of some path has changed. */
  readonly onChange: () => void;
}

/** An address by which a peer is reached, and what the route to it says that packets may have, bytes. */
export interface PathTarget {
  readonly address: Ip;
  readonly mtu: number;
}

/** What `sluice status` shows of the ways to other nodes. */
export interface PathMtusStatus {
  /** Peers that were tried and answered. */
  readonly answering: number;
  /** Peers of which nothing is known since they answer no echo requests: their routes are believed. */
  readonly silent: readonly string[];
  /** Peers that less arrives at than the route to them says, bytes of IP packets between the nodes. */
  readonly narrow: readonly { readonly peer: string; readonly mtu: number; readonly route: number }[];
}

/** How often a path is tried, milliseconds, while there are few: one packet where nothing is wrong. */
const OFTEN = 10_000;
/** How often at least, and paths that do not answer, which take six packets. */
const SELDOM = 60_000;
/** Of each path's time between two tries, milliseconds: ten packets a second are for trying what was in order. */
const SHARE = 100;
/** How often it is asked which paths are due, milliseconds. */
const TICK = 5000;
/** At most so many searches at a time. */
const PARALLEL = 16;
/** Between two packets, milliseconds: a hundred a second, so that a thousand peers are through in ten seconds. */
const GAP = 10;
/** How long an answer is waited for, milliseconds, try by try: one lost packet means nothing. */
const PATIENCE = [200, 400, 800] as const;

/** Bytes of packets: what arrived, and what the route said then. */
interface Found {
  readonly mtu: number;
  readonly route: number;
}

interface KnownPath {
  readonly peer: string;
  target: PathTarget;
  /** When it is to be tried next, on the clock of `performance`. */
  due: number;
  /** What arrived there last; undefined: it never answered. */
  found: Found | undefined;
  tried: boolean;
  /** The peer is not reached by it any more. */
  gone: boolean;
  answers: boolean;
}

/**
 * What the paths to peers really carry, found by echo requests that must not be cut: a smaller link in between whose
 * router tells nobody would swallow large packets for ever. Every address is tried when it is new, when the route to it
 * says something else, and again and again.
 */
export class PathMtus {
  readonly #dependencies: PathMtusDependencies;
  /** By peer. */
  #paths: ReadonlyMap<string, readonly KnownPath[]> = new Map();
  readonly #queue = new Set<KnownPath>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #searching = 0;
  #nextPacket = 0;
  #round: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(dependencies: PathMtusDependencies) {
    this.#dependencies = dependencies;
  }

  /** The addresses of all peers, by name; those of which something is new are tried. */
  follow(targets: ReadonlyMap<string, readonly PathTarget[]>): void {
    if (this.#dependencies.echoes === undefined || this.#stopped) return;
    const before = this.#paths;
    this.#paths = new Map(
      [...targets].map(([peer, ways]) => [peer, ways.map((target) => this.#pathTo(peer, target, before.get(peer)))]),
    );
    for (const [peer, paths] of before)
      for (const path of paths) path.gone = this.#paths.get(peer)?.includes(path) !== true;
    this.#round ??= setInterval(() => this.#tryDue(), TICK).unref();
    this.#pump();
  }

  /** What arrives at the peer's addresses of one family, or of any, where that is less than its routes say, bytes. */
  narrowTo(peer: string, family?: Family): number | undefined {
    return this.#narrowest(peer, family)?.mtu;
  }

  /** Undefined where nothing is tried. */
  status(): PathMtusStatus | undefined {
    if (this.#dependencies.echoes === undefined) return undefined;
    const peers = [...this.#paths];
    return {
      answering: peers.filter(([, paths]) => paths.some(({ answers }) => answers)).length,
      silent: peers.filter(([, paths]) => paths.every(({ tried, answers }) => tried && !answers)).map(([peer]) => peer),
      narrow: peers.flatMap(([peer]) => {
        const found = this.#narrowest(peer);
        return found === undefined ? [] : [{ peer, ...found }];
      }),
    };
  }

  #pathTo(peer: string, target: PathTarget, before: readonly KnownPath[] = []): KnownPath {
    const known = before.find((path) => equalIp(path.target.address, target.address));
    const path = known ?? { peer, target, due: Infinity, found: undefined, tried: false, answers: false, gone: false };
    if (known?.target.mtu !== target.mtu) {
      path.target = target;
      this.#queue.add(path);
    }
    return path;
  }

  #narrowest(peer: string, family?: Family): Found | undefined {
    const paths = this.#paths.get(peer) ?? [];
    const narrow = paths
      .filter(({ target }) => family === undefined || target.address.family === family)
      .flatMap(({ found }) => found ?? []);
    return narrow.filter(({ mtu, route }) => mtu < route).sort((a, b) => a.mtu - b.mtu)[0];
  }

  stop(): void {
    this.#stopped = true;
    clearInterval(this.#round);
    for (const timer of this.#timers) clearTimeout(timer);
  }

  #tryDue(): void {
    const now = performance.now();
    for (const path of [...this.#paths.values()].flat()) if (path.due <= now) this.#queue.add(path);
    this.#pump();
  }

  #pump(): void {
    for (const path of this.#queue) {
      if (this.#searching >= PARALLEL) return;
      this.#queue.delete(path);
      if (path.gone) continue;
      this.#searching++;
      void this.#search(path).finally(() => {
        this.#searching--;
        if (!this.#stopped) this.#pump();
      });
    }
  }

  async #search(path: KnownPath): Promise<void> {
    const { target } = path;
    const began = performance.now();
    // Not while this search goes on.
    path.due = Infinity;
    const { address, mtu: ceiling } = target;
    const search = findPathMtu({ ceiling, floor: LEAST_MTU[address.family], known: path.found?.mtu });
    let step = search.next();
    while (step.done !== true) {
      const answer = await this.#try(address, step.value);
      // Gone, or reached in another way by now: that is tried for itself.
      if (this.#stopped || path.gone || path.target !== target) return;
      step = search.next(answer);
    }
    path.tried = true;
    path.answers = step.value !== undefined;
    path.due = began + (path.answers ? Math.min(Math.max(OFTEN, this.#paths.size * SHARE), SELDOM) : SELDOM);
    // Who stops answering goes on being reached as before.
    if (step.value !== undefined) this.#learn(path, { mtu: step.value, route: ceiling });
  }

  #learn(path: KnownPath, found: Found): void {
    const { peer } = path;
    const { address } = path.target;
    const before = this.narrowTo(peer, address.family);
    path.found = found;
    const after = this.narrowTo(peer, address.family);
    if (before === after) return;
    const data = { peer, address: formatIp(address), mtu: found.mtu, route: found.route };
    if (after === undefined) this.#dependencies.log.info('the way to a peer carries what its route says again', data);
    else this.#dependencies.log.warn('the way to a peer carries less than its route says', data);
    this.#dependencies.onChange();
  }

  async #try(address: Ip, bytes: number): Promise<PathAnswer> {
    let limit: number | undefined;
    for (const patience of PATIENCE) {
      await this.#turn();
      if (this.#stopped) break;
      const outcome = await this.#dependencies.echoes!.echo(address, bytes, patience);
      if (outcome === 'answered') return { passed: true };
      if (outcome === 'silence') continue;
      // Somebody knows: no more tries are needed.
      limit = outcome.limit;
      break;
    }
    return limit === undefined ? { passed: false } : { passed: false, limit };
  }

  /** Waits until one more packet may be sent. */
  #turn(): Promise<void> {
    const now = performance.now();
    const at = Math.max(now, this.#nextPacket);
    this.#nextPacket = at + GAP;
    if (at === now) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      resolve();
    }, at - now).unref();
    this.#timers.add(timer);
    return promise;
  }
}
