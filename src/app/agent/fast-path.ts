import { SluiceError, hasCode, messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { EMPTY_RULESET, diff, fastPathTable, LEARNT } from '../../core/nft/index.ts';
import type { FastPath as FastPathPlan, Ruleset } from '../../core/nft/index.ts';
import type { Nftables } from '../../host/nftables/port.ts';
import type { Sysctl } from '../../host/sysctl/sysctl.ts';

export interface FastPathDependencies {
  /** The tables of family `netdev`; absent: every packet goes the usual way. */
  readonly deviceFilter?: Pick<Nftables, 'apply' | 'actual'>;
  readonly sysctl: Sysctl;
  readonly log: Logger;
  /** What it is made of now; without devices there is none. */
  readonly plan: () => FastPathPlan;
  /** The devices that the node has now, by name, with the largest packet that each takes, bytes. */
  readonly links: () => ReadonlyMap<string, number>;
}

/** What `sluice status` shows of the fast path. */
export interface FastPathStatus {
  /** Devices that known connections to other nodes take it by; none: there is no fast path. */
  readonly devices: readonly string[];
  /** Why there is none although there could be. */
  readonly problem?: string;
}

/** How long changes are gathered, milliseconds; meanwhile nothing goes wrong, since what was learnt is forgotten at once. */
const GATHER = 100;
/**
 * How long nothing that leaves is learnt after connections have ended, milliseconds: a packet that passed the rules before may
 * wait for its neighbour's answer, for three seconds where nobody has set another time, and would teach what must be forgotten.
 */
const HELD = 5000;
/** First wait after a refusal, milliseconds; doubles up to 64 times this. */
const RETRY = 1000;

/**
 * What conntrack must let pass, which sees only the beginning and the end of connections and now and then a packet: sequence numbers
 * beyond what it expects.
 */
const TOLERANCE = ['net/netfilter/nf_conntrack_tcp_be_liberal', 'net/netfilter/nf_conntrack_tcp_ignore_invalid_rst'];

/** How long conntrack keeps a connection with nothing under way, seconds. */
const IDLE = 'net/netfilter/nf_conntrack_tcp_timeout_established';
/**
 * How long it keeps one whose data nobody has acknowledged, or which is sent again and again: by default five minutes, and what
 * acknowledges data is among the packets that it does not see. A connection that is silent for longer would end.
 */
const UNANSWERED = ['unacknowledged', 'max_retrans'].map((name) => `net/netfilter/nf_conntrack_tcp_timeout_${name}`);

/**
 * Keeps the node's fast path. It holds what packets taught it that passed all rules, and forgets that whenever anything changes that
 * rules, routes or connections are made of: so nothing but those ever decides where a packet may go.
 */
export class FastPath {
  readonly #dependencies: FastPathDependencies;
  /** What the kernel is believed to hold; undefined: that is to be read. */
  #inForce: Ruleset | undefined;
  /** Whether the kernel may hold anything, of an earlier agent's to begin with. */
  #mayExist = true;
  #devices: readonly string[] = [];
  #problem: string | undefined;
  #failures = 0;
  #timer: NodeJS.Timeout | undefined;
  #forgetting: NodeJS.Immediate | undefined;
  #learns = true;
  #held: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(dependencies: FastPathDependencies) {
    this.#dependencies = dependencies;
  }

  /** Something that it is made of may be new. */
  changed(): void {
    this.forget();
    this.#updateSoon(GATHER);
  }

  /** Connections were cut or forgotten: no packet of theirs that is on its way teaches them again. */
  ended(): void {
    clearTimeout(this.#held);
    this.#learns = false;
    if (!this.#stopped) this.#held = setTimeout(() => this.#learnAgain(), HELD);
    if (this.#mayExist && this.#dependencies.deviceFilter !== undefined) this.#update();
    // And once more a little later: a packet may just be between the rules and the device of a pod.
    this.changed();
  }

  /** What was learnt may no longer hold: it is forgotten when this returns. */
  forget(): void {
    if (this.#forgetting !== undefined) clearImmediate(this.#forgetting);
    this.#forgetting = undefined;
    if (!this.#mayExist) return;
    try {
      this.#dependencies.deviceFilter?.apply(LEARNT.map((name) => ({ op: 'flush-set', name })));
    } catch {
      // It is not what it was, or never was: packets go the usual way until it is made anew.
      const wasThere = this.#inForce !== undefined;
      this.#withdraw();
      if (wasThere || this.#mayExist) this.#updateSoon(wasThere ? GATHER : RETRY);
    }
  }

  /** As {@link FastPath.forget}, once after this turn of the event loop. */
  forgetSoon(): void {
    this.#forgetting ??= setImmediate(() => this.forget());
  }

  /** Makes the kernel's table what it should be, whatever it holds. */
  repair(): void {
    this.#inForce = undefined;
    this.changed();
  }

  /** The kernel goes on with what it has learnt. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#held);
    if (this.#forgetting !== undefined) this.forget();
  }

  status(): FastPathStatus {
    return { devices: this.#devices, ...(this.#problem === undefined ? {} : { problem: this.#problem }) };
  }

  #learnAgain(): void {
    this.#learns = true;
    this.#updateSoon(0);
  }

  #update(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const links = this.#dependencies.links();
    const plan = fitting(this.#dependencies.plan(), links);
    try {
      const desired = fastPathTable(plan, this.#learns);
      if (desired.chains.size > 0) this.#tolerate();
      this.#change(withLinks(desired, links));
      this.#devices = desired.chains.size === 0 ? [] : plan.devices;
      this.#problem = undefined;
      this.#failures = 0;
    } catch (error) {
      const problem = messageOf(error);
      if (problem !== this.#problem)
        this.#dependencies.log.warn('no fast path for known connections', { error: problem });
      this.#problem = problem;
      this.#withdraw();
      this.#updateSoon(RETRY * 2 ** Math.min(this.#failures++, 6));
    }
    this.forget();
  }

  #updateSoon(delay: number): void {
    if (this.#stopped || this.#dependencies.deviceFilter === undefined) return;
    this.#timer ??= setTimeout(() => this.#update(), delay);
  }

  /** Without it connections would come to a halt when a packet goes the usual way again. */
  #tolerate(): void {
    const { sysctl } = this.#dependencies;
    for (const [index, key] of TOLERANCE.entries()) {
      const value = sysctl.read(key);
      // The first one all kernels have, once they track connections.
      if (value === undefined && index === 0) throw new SluiceError('not-ready', `${key} is not there yet`);
      if (value !== undefined && value !== '1') sysctl.write(key, '1');
    }
    const idle = sysctl.read(IDLE);
    if (idle !== undefined)
      for (const key of UNANSWERED) if (Number(sysctl.read(key) ?? idle) < Number(idle)) sysctl.write(key, idle);
  }

  #change(desired: Ruleset): void {
    const { deviceFilter: nftables } = this.#dependencies;
    if (nftables === undefined) return;
    try {
      if (this.#inForce !== undefined) return this.#apply(this.#inForce, desired);
    } catch {
      // What the kernel holds is read instead.
    }
    this.#apply(nftables.actual(desired) ?? EMPTY_RULESET, desired);
  }

  #apply(before: Ruleset, desired: Ruleset): void {
    const { deviceFilter: nftables } = this.#dependencies;
    this.#inForce = undefined;
    if (desired.chains.size === 0) return this.#withdraw();
    const steps = diff(before, desired);
    this.#mayExist = true;
    if (steps.length > 0) nftables?.apply([{ op: 'add-table' }, ...steps]);
    this.#inForce = desired;
  }

  #withdraw(): void {
    this.#devices = [];
    this.#inForce = undefined;
    if (!this.#mayExist) return;
    try {
      this.#dependencies.deviceFilter?.apply([{ op: 'destroy-table' }]);
      this.#mayExist = false;
    } catch (error) {
      // A kernel without such tables holds none.
      if (hasCode(error, 'unsupported')) this.#mayExist = false;
    }
  }
}

/** Without the pods whose packets may be larger than a device takes: nobody would answer what is too big, so it would only be lost. */
function fitting({ pods, devices, hops }: FastPathPlan, links: ReadonlyMap<string, number>): FastPathPlan {
  const room = Math.min(...devices.map((name) => links.get(name) ?? Infinity));
  return { pods: pods.filter((pod) => (links.get(pod.interface) ?? 0) <= room), devices, hops };
}

/** Without the chains of devices that the node does not have: a pod's may go before the agent hears of it. */
function withLinks({ chains, sets }: Ruleset, links: ReadonlyMap<string, number>): Ruleset {
  return { sets, chains: new Map([...chains].filter(([, { hook }]) => links.has(hook?.device ?? ''))) };
}
