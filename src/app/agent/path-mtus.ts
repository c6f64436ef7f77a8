import { equalIp } from '../../base/ip/index.ts';
import type { Ip } from '../../base/ip/index.ts';
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

/** A peer's address, and what the route to it says that packets may have, bytes. */
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

/** How often every path is tried, milliseconds: a change is noticed after so long at most. */
const EVERY = 60_000;
/** At most so many searches at a time. */
const PARALLEL = 16;
/** Between two packets, milliseconds: a hundred a second, so that a thousand peers are through in ten seconds. */
const GAP = 10;
/** How long an answer is waited for, milliseconds, try by try: one lost packet means nothing. */
const PATIENCE = [200, 400, 800] as const;

interface KnownPath {
  target: PathTarget;
  /** What arrived there last, and what the route said then; undefined: it never answered. */
  found: { readonly mtu: number; readonly route: number } | undefined;
  tried: boolean;
  answers: boolean;
}

/**
 * What the paths to peers really carry, found by echo requests that must not be cut: a smaller link in between whose
 * router tells nobody would swallow large packets for ever. Every peer is tried when it is new, when the route to it
 * says something else, and once a minute.
 */
export class PathMtus {
  readonly #dependencies: PathMtusDependencies;
  readonly #paths = new Map<string, KnownPath>();
  readonly #queue = new Set<string>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #searching = 0;
  #nextPacket = 0;
  #round: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(dependencies: PathMtusDependencies) {
    this.#dependencies = dependencies;
  }

  /** The peers that there are, by name; those of which something is new are tried. */
  follow(targets: ReadonlyMap<string, PathTarget>): void {
    if (this.#dependencies.echoes === undefined || this.#stopped) return;
    for (const name of this.#paths.keys()) if (!targets.has(name)) this.#paths.delete(name);
    for (const [name, target] of targets) {
      const known = this.#paths.get(name);
      if (known?.target.mtu === target.mtu && equalIp(known.target.address, target.address)) continue;
      if (known !== undefined && equalIp(known.target.address, target.address)) known.target = target;
      else this.#paths.set(name, { target, found: undefined, tried: false, answers: false });
      this.#queue.add(name);
    }
    this.#round ??= setInterval(() => this.#tryAll(), EVERY).unref();
    this.#pump();
  }

  /** What arrives at the peer where that is less than its route says, bytes. */
  narrowTo(name: string): number | undefined {
    const { found } = this.#paths.get(name) ?? {};
    return found !== undefined && found.mtu < found.route ? found.mtu : undefined;
  }

  /** Undefined where nothing is tried. */
  status(): PathMtusStatus | undefined {
    if (this.#dependencies.echoes === undefined) return undefined;
    const paths = [...this.#paths];
    return {
      answering: paths.filter(([, { answers }]) => answers).length,
      silent: paths.filter(([, { tried, answers }]) => tried && !answers).map(([name]) => name),
      narrow: paths.flatMap(([peer, { found }]) =>
        found === undefined || found.mtu >= found.route ? [] : [{ peer, ...found }],
      ),
    };
  }

  stop(): void {
    this.#stopped = true;
    clearInterval(this.#round);
    for (const timer of this.#timers) clearTimeout(timer);
  }

  #tryAll(): void {
    for (const name of this.#paths.keys()) this.#queue.add(name);
    this.#pump();
  }

  #pump(): void {
    for (const name of this.#queue) {
      if (this.#searching >= PARALLEL) return;
      this.#queue.delete(name);
      const path = this.#paths.get(name);
      if (path === undefined) continue;
      this.#searching++;
      void this.#search(name, path).finally(() => {
        this.#searching--;
        if (!this.#stopped) this.#pump();
      });
    }
  }

  async #search(name: string, path: KnownPath): Promise<void> {
    const { target } = path;
    const { address, mtu: ceiling } = target;
    const search = findPathMtu({ ceiling, floor: LEAST_MTU[address.family], known: path.found?.mtu });
    let step = search.next();
    while (step.done !== true) {
      const answer = await this.#try(address, step.value);
      // Gone, or reached in another way by now: that is tried for itself.
      if (this.#stopped || this.#paths.get(name) !== path || path.target !== target) return;
      step = search.next(answer);
    }
    path.tried = true;
    path.answers = step.value !== undefined;
    // Who stops answering goes on being reached as before.
    if (step.value !== undefined) this.#learn(name, path, { mtu: step.value, route: ceiling });
  }

  #learn(name: string, path: KnownPath, found: KnownPath['found'] & {}): void {
    const before = this.narrowTo(name);
    path.found = found;
    const after = this.narrowTo(name);
    if (before === after) return;
    const data = { peer: name, mtu: found.mtu, route: found.route };
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
