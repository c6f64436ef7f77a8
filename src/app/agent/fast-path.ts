import { SluiceError, hasCode, messageOf } from '../../base/errors.ts';
import type { Ip } from '../../base/ip/index.ts';
import type { Logger } from '../../base/log.ts';
import {
  arrivingProgram,
  blockKey,
  hopValue,
  learningProgram,
  leavingProgram,
  MAPS,
  PREFIX,
  STATE_KEY,
  stateValue,
} from '../../core/fast-path/index.ts';
import { PACKET_MARK } from '../../core/nft/index.ts';
import type { FastHop, FastWays } from '../../core/routing/index.ts';
import type { Bpf, BpfMap, Direction, LoadedProgram } from '../../host/bpf/port.ts';
import type { Sysctl } from '../../host/sysctl/sysctl.ts';

export interface FastPathDependencies {
  /** Absent: every packet goes the usual way. */
  readonly openBpf?: () => Bpf;
  readonly sysctl: Sysctl;
  readonly log: Logger;
  /** What it is made of now; without devices there is none. */
  readonly plan: () => FastPathPlan;
  /** The devices that the node has now. */
  readonly links: () => ReadonlyMap<string, FastLink>;
  /** Indexes of those with queues or filters of traffic control, whoever made them; absent: nobody knows of any. */
  readonly queued?: () => ReadonlySet<number>;
}

/** What the fast path of a node depends on. */
export interface FastPathPlan extends FastWays {
  /** This node's pods. */
  readonly pods: readonly { readonly interface: string; readonly addresses: readonly Ip[] }[];
  /** Whether what VXLAN devices do may be done in their place. */
  readonly wraps: boolean;
}

/** A device. */
export interface FastLink {
  readonly index: number;
  /** The largest packet that it takes, bytes. */
  readonly mtu: number;
}

/** What `sluice status` shows of the fast path. */
export interface FastPathStatus {
  /** Devices that known connections to other nodes take it by; none: there is no fast path. */
  readonly devices: readonly string[];
  /** Why there is none although there could be. */
  readonly problem?: string;
}

const NONE: ReadonlySet<number> = new Set();
const DIRECTIONS = ['ingress', 'egress'] as const;

/** How long changes are gathered, milliseconds; meanwhile nothing goes wrong, since what was learnt is forgotten at once. */
const GATHER = 100;
/**
 * How long nothing that leaves is learnt after connections have ended, milliseconds: a packet that passed the rules before may
 * wait for its neighbour's answer, for three seconds where nobody has set another time, and would teach what must be forgotten.
 */
const HELD = 5000;
/** When is looked once more whether a new pod has queues, milliseconds: another plugin may make them behind ours. */
const SETTLED = 2000;
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

/** What the kernel holds for this agent. */
interface Engine {
  readonly bpf: Bpf;
  readonly maps: ReadonlyMap<string, BpfMap>;
  readonly programs: Readonly<Record<Role, LoadedProgram>>;
}

/** What a program is for: packets from pods, packets to pods, and learning of both. */
type Role = 'leaving' | 'arriving' | 'learnsLeaving' | 'learnsArriving';

/** Programs of a link. */
type Attachment = Readonly<Partial<Record<Direction, Role>>>;

const OF_POD: Attachment = { ingress: 'leaving', egress: 'learnsArriving' };
const OF_DEVICE: Attachment = { ingress: 'arriving', egress: 'learnsLeaving' };
/** Of a device that tunnels lead through. */
const OF_UNDERLAY: Attachment = { egress: 'learnsLeaving' };

/**
 * Keeps the node's fast path. It holds what packets taught it that passed all rules, and forgets that whenever anything changes that
 * rules, routes or connections are made of: so nothing but those ever decides where a packet may go.
 */
export class FastPath {
  readonly #dependencies: FastPathDependencies;
  #engine: Engine | undefined;
  /** Links with their programs, by index; what a link had goes with it. */
  #attached = new Map<number, Attachment>();
  /** Elements of the map of hops, by their keys as text. */
  #hops = new Map<string, Uint8Array>();
  /** Whether an earlier agent's programs may be there. */
  #swept = false;
  /** Whether what is attached is to be looked at again. */
  #doubted = false;
  #generation = 0;
  #devices: readonly string[] = [];
  #problem: string | undefined;
  #failures = 0;
  #timer: NodeJS.Timeout | undefined;
  /** When that is, milliseconds. */
  #due = 0;
  #forgetting: NodeJS.Immediate | undefined;
  #learns = true;
  /** Whether what is there is to be taken off. */
  #withdrawing = false;
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
    // And once more a little later: a packet may just be between the rules and the device of a pod.
    this.changed();
  }

  /** What was learnt may no longer hold: it is forgotten when this returns. */
  forget(): void {
    if (this.#forgetting !== undefined) clearImmediate(this.#forgetting);
    this.#forgetting = undefined;
    try {
      if (this.#engine !== undefined) this.#say(this.#engine);
      else if (!this.#stopped) this.#sweep();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** As {@link FastPath.forget}, once after this turn of the event loop. */
  forgetSoon(): void {
    this.#forgetting ??= setImmediate(() => this.forget());
  }

  /** Makes what the kernel holds what it should be, whatever that is. */
  repair(): void {
    this.#doubted = true;
    this.changed();
  }

  /** The kernel goes on with what it has learnt; connections that are cut later are still forgotten. */
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
    this.forget();
  }

  /** Makes it what it should be, now. */
  update(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    try {
      const links = this.#dependencies.links();
      const plan = fitting(this.#dependencies.plan(), links, this.#dependencies.queued?.() ?? NONE);
      this.#sweep();
      if (plan.devices.length === 0) this.#withdraw();
      else {
        this.#tolerate();
        const engine = this.#open();
        this.#lead(engine, plan, links);
        this.#attach(engine, attachments(plan, links), links);
        this.#withdrawing = false;
      }
      this.#devices = plan.devices;
      this.#problem = undefined;
      this.#failures = 0;
    } catch (error) {
      this.#fail(error);
    }
    this.forget();
  }

  #updateSoon(delay: number): void {
    if (this.#stopped || this.#dependencies.openBpf === undefined) return;
    const due = performance.now() + delay;
    if (this.#timer !== undefined && this.#due <= due) return;
    clearTimeout(this.#timer);
    this.#due = due;
    this.#timer = setTimeout(() => this.update(), delay);
  }

  #fail(error: unknown): void {
    const problem = messageOf(error);
    if (problem !== this.#problem)
      this.#dependencies.log.warn('no fast path for known connections', { error: problem });
    this.#problem = problem;
    try {
      this.#withdraw();
    } catch {
      // What is there knows nothing and learns nothing; it is taken off with the next try.
    }
    this.#updateSoon(RETRY * 2 ** Math.min(this.#failures++, 6));
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

  #open(): Engine {
    if (this.#engine !== undefined) return this.#engine;
    using stack = new DisposableStack();
    const bpf = stack.use(this.#dependencies.openBpf!());
    const maps = new Map(Object.values(MAPS).map((spec) => [spec.name, bpf.createMap(spec)]));
    const programs = {
      leaving: bpf.load(leavingProgram(), maps),
      arriving: bpf.load(arrivingProgram(), maps),
      learnsLeaving: bpf.load(learningProgram(PACKET_MARK.LEAVES), maps),
      learnsArriving: bpf.load(learningProgram(PACKET_MARK.ARRIVES), maps),
    };
    stack.move();
    this.#hops = new Map();
    this.#attached = new Map();
    this.#engine = { bpf, maps, programs };
    return this.#engine;
  }

  /** A new generation begins. */
  #say({ maps }: Engine): void {
    this.#generation = (this.#generation + 1) >>> 0;
    maps.get(MAPS.state.name)!.set(STATE_KEY, stateValue(this.#generation, this.#learns && !this.#withdrawing));
  }

  /** Takes off what an earlier agent left, which nobody else could tell to forget. */
  #sweep(): void {
    const { openBpf, links } = this.#dependencies;
    if (this.#swept || openBpf === undefined) return;
    removeFastPath(openBpf, links().values());
    this.#swept = true;
  }

  #lead({ maps }: Engine, plan: FastPathPlan, links: ReadonlyMap<string, FastLink>): void {
    const map = maps.get(MAPS.hops.name)!;
    const wanted = new Map(
      plan.hops.map((hop) => {
        const key = blockKey(hop.destination);
        return [key.toHex(), { key, value: valueOf(hop, plan, links) }];
      }),
    );
    for (const [text, { key, value }] of wanted) {
      if (this.#hops.get(text)?.every((byte, i) => byte === value[i]) === true) continue;
      map.set(key, value);
      this.#hops.set(text, value);
    }
    for (const text of this.#hops.keys()) {
      if (wanted.has(text)) continue;
      map.delete(Uint8Array.fromHex(text));
      this.#hops.delete(text);
    }
  }

  #attach(
    { bpf, programs }: Engine,
    wanted: ReadonlyMap<number, Attachment>,
    links: ReadonlyMap<string, FastLink>,
  ): void {
    const there = new Set([...links.values()].map(({ index }) => index));
    for (const [link, attachment] of this.#attached) {
      if (wanted.get(link) === attachment && !(this.#doubted && !isWhole(bpf, link, attachment))) continue;
      if (there.has(link)) detach(bpf, link);
      this.#attached.delete(link);
    }
    this.#doubted = false;
    for (const [link, attachment] of wanted) {
      if (this.#attached.has(link)) continue;
      this.#updateSoon(SETTLED);
      this.#attached.set(link, attachment);
      try {
        for (const direction of DIRECTIONS) {
          const role = attachment[direction];
          if (role !== undefined) bpf.attach(programs[role], link, direction);
        }
      } catch (error) {
        if (hasCode(error, 'invalid'))
          throw new SluiceError(
            'unsupported',
            'the kernel attaches no such programs; Linux 6.6 and later do',
            {},
            error,
          );
        // A pod's may go before the agent hears of it.
        if (!hasCode(error, 'not-found')) throw error;
        this.#attached.delete(link);
      }
    }
  }

  #withdraw(): void {
    this.#devices = [];
    const engine = this.#engine;
    if (engine === undefined) return;
    this.#withdrawing = true;
    this.#say(engine);
    for (const link of this.#attached.keys()) detach(engine.bpf, link);
    this.#attached = new Map();
    this.#engine = undefined;
    engine.bpf[Symbol.dispose]();
  }
}

/** Takes the fast path off links, whichever agent made it. */
export function removeFastPath(openBpf: () => Bpf, links: Iterable<Pick<FastLink, 'index'>>): void {
  using bpf = openBpf();
  for (const { index } of links) detach(bpf, index);
}

/** Takes the programs off a link that may have gone. */
function detach(bpf: Bpf, link: number): void {
  try {
    for (const direction of DIRECTIONS) bpf.detach(link, direction, PREFIX);
  } catch (error) {
    // Without the link, or in a kernel that cannot attach any, there is none.
    if (!hasCode(error, 'not-found') && !hasCode(error, 'invalid') && !hasCode(error, 'unsupported')) throw error;
  }
}

function isWhole(bpf: Bpf, link: number, attachment: Attachment): boolean {
  return DIRECTIONS.every(
    (direction) =>
      attachment[direction] === undefined || bpf.attached(link, direction).some((name) => name.startsWith(PREFIX)),
  );
}

function attachments(plan: FastPathPlan, links: ReadonlyMap<string, FastLink>): ReadonlyMap<number, Attachment> {
  const found = new Map<number, Attachment>();
  const add = (name: string, attachment: Attachment): void => {
    const link = links.get(name);
    if (link !== undefined) found.set(link.index, attachment);
  };
  for (const { wrapping } of plan.hops) if (wrapping !== undefined && plan.wraps) add(wrapping.device, OF_UNDERLAY);
  for (const name of plan.devices) add(name, OF_DEVICE);
  for (const pod of plan.pods) add(pod.interface, OF_POD);
  return found;
}

function valueOf(
  { via, wrapping }: FastHop,
  { wraps }: FastPathPlan,
  links: ReadonlyMap<string, FastLink>,
): Uint8Array {
  const device = wrapping === undefined ? undefined : links.get(wrapping.device);
  if (!wraps || wrapping === undefined || device === undefined) return hopValue({ via });
  return hopValue({ via, wrapping: { ...wrapping, link: device.index, mtu: device.mtu } });
}

/**
 * Without the pods whose packets may be larger than a device takes, since nobody would answer what is too big, and those with queues,
 * which the fast path goes past.
 */
function fitting(plan: FastPathPlan, links: ReadonlyMap<string, FastLink>, queued: ReadonlySet<number>): FastPathPlan {
  const room = Math.min(...plan.devices.map((name) => links.get(name)?.mtu ?? Infinity));
  const pods = plan.pods.filter((pod) => {
    const link = links.get(pod.interface);
    return link !== undefined && link.mtu <= room && !queued.has(link.index);
  });
  return { ...plan, pods };
}
