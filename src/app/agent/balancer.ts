import { SluiceError, hasCode, messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { serverKey } from '../../core/service/virtual-servers.ts';
import type { VirtualServer } from '../../core/service/virtual-servers.ts';
import type { Ipvs } from '../../host/ipvs/port.ts';
import type { Netlink } from '../../host/netlink/port.ts';
import type { Sysctl } from '../../host/sysctl/sysctl.ts';
import type { HeldServers } from './held-servers.ts';
import { openBalancer } from './open-balancer.ts';
import type { ServiceMode } from './service-mode.ts';

export interface BalancerDependencies {
  /** Throws `not-found` where the kernel has no IPVS. */
  readonly openIpvs: () => Ipvs;
  readonly netlink: Netlink;
  readonly sysctl: Sysctl;
  readonly log: Logger;
}

/** What `sluice status` shows of Services in mode `ipvs`. */
export interface BalancerStatus {
  readonly scheduler: string;
  readonly servers: number;
  /** Servers that are not as they should be, and why. */
  readonly problems: Readonly<Record<string, string>>;
}

/**
 * Keeps the virtual servers of IPVS as the calculation wants them, in mode `ipvs`; in mode `nftables` it only removes what
 * a former life in the other mode left. The packet filter leads packets to a server: whatever is new must be there before
 * it does ({@link Balancer.prepare}), and what is not wanted stays until it has ceased to ({@link Balancer.retire}).
 */
export class Balancer {
  readonly #mode: ServiceMode;
  readonly #dependencies: BalancerDependencies;
  #held: HeldServers | undefined;
  #desired: ReadonlyMap<string, VirtualServer> = new Map();
  readonly #due = new Set<string>();
  readonly #problems = new Map<string, string>();

  constructor(mode: ServiceMode, dependencies: BalancerDependencies) {
    this.#mode = mode;
    this.#dependencies = dependencies;
  }

  /** Finds what the kernel has. Throws, naming what is missing, where it cannot do what the mode asks for. */
  open(): void {
    if (this.#held !== undefined) return;
    this.#held = openBalancer(this.#mode, this.#dependencies);
  }

  /** What there has to be from now on; `changed` are the keys that are not as they were in the `desired` of before. */
  follow(desired: ReadonlyMap<string, VirtualServer>, changed: ReadonlySet<string>): void {
    if (desired !== this.#desired) for (const key of this.#held?.keys() ?? []) this.#due.add(key);
    this.#desired = desired;
    for (const key of changed) this.#due.add(key);
  }

  /** Makes new servers and destinations. One that cannot be made is a problem of its own and keeps nothing else waiting. */
  prepare(): void {
    for (const key of this.#due) {
      const wanted = this.#desired.get(key);
      if (wanted !== undefined) this.#attempt(key, (held) => held.ensure(wanted));
    }
  }

  /** Lets nothing new come to what is not wanted any more, and takes it away when it has no connections. */
  retire(): void {
    for (const key of this.#due) this.#attempt(key, (held) => held.retire(key, this.#desired.get(key)));
    this.#due.clear();
  }

  /** Looks for servers that somebody took away, for connections that have ended, and tries again what has failed. */
  upkeep(): void {
    const held = this.#held;
    // What is due waits for the table, which the kernel has not taken yet.
    if (held === undefined || this.#due.size > 0) return;
    try {
      held.reread(this.#problems.keys());
    } catch (error) {
      this.#dependencies.log.warn('cannot read the virtual servers of IPVS', { error: messageOf(error) });
      return;
    }
    for (const [key, wanted] of this.#desired) if (!held.has(key)) this.#due.add(serverKey(wanted));
    for (const key of [...held.draining(), ...this.#problems.keys()]) this.#due.add(key);
    this.#problems.clear();
    this.prepare();
    this.retire();
  }

  /** Undefined in mode `nftables`. */
  status(): BalancerStatus | undefined {
    if (this.#mode.mode === 'nftables') return undefined;
    const { scheduler } = this.#mode;
    return { scheduler, servers: this.#desired.size, problems: Object.fromEntries(this.#problems) };
  }

  /** The kernel keeps everything. */
  stop(): void {
    this.#held?.close();
    this.#held = undefined;
  }

  #attempt(key: string, act: (held: HeldServers) => void): void {
    if (this.#held === undefined || this.#problems.has(key)) return;
    try {
      act(this.#held);
    } catch (error) {
      const problem = hasCode(error, 'exists') ? foreign(key).message : messageOf(error);
      this.#problems.set(key, problem);
      this.#dependencies.log.error('a virtual server of IPVS is not as it should be', { server: key, error: problem });
    }
  }
}

function foreign(key: string): SluiceError<'foreign-server'> {
  return new SluiceError(
    'foreign-server',
    `somebody else has made the IPVS server ${key}, which is left alone: is kube-proxy running here, or was it, in mode ipvs?`,
  );
}
