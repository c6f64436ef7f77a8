import { messageOf } from '../../base/errors.ts';
import type { Family } from '../../base/ip/index.ts';
import { desiredWireguard, wireguardMtu } from '../../core/wireguard/index.ts';
import type {
  DesiredWireguard,
  WireguardInput,
  WireguardKeys,
  WireguardProblem,
  WireguardSettings,
  WireguardTunnel,
} from '../../core/wireguard/index.ts';
import type { TextStore } from './text-file.ts';
import { FAMILIES, WireguardFamilies } from './wireguard-families.ts';
import { diffTables, dumpTables, peerChanges } from './wireguard-changes.ts';
import type { WireguardTables } from './wireguard-changes.ts';
import { WireguardDevices } from './wireguard-devices.ts';
import type { WireguardDevicesDependencies } from './wireguard-devices.ts';
import { hasGreeted } from './wireguard-sessions.ts';
import { wireguardStatus } from './wireguard-status.ts';
import type { WireguardStatus } from './wireguard-status.ts';

export interface WireguardDriverDependencies extends WireguardDevicesDependencies {
  readonly keys: TextStore;
  /** What the cluster says of WireGuard. */
  readonly settings: () => WireguardSettings;
  /** What else tunnels depend on, as it is now, but for what this driver knows itself. Asked for only where they are on. */
  readonly input: () => Omit<WireguardInput, 'ways' | 'handingOver' | 'settings'>;
  /** The wish for another key that the Node expresses. */
  readonly rotation: () => string;
  /** Hears the tunnels that there are, whether they changed or not. */
  readonly onTunnels: (tunnels: readonly WireguardTunnel[]) => void;
  /** The keys that this node publishes changed. */
  readonly onKeysChanged: () => void;
}

/** A full comparison at least this often, milliseconds. */
const RESYNC_EVERY = 60_000;
/** The same after a failure. */
const RETRY = 5000;
/** How often the kernel is asked for greetings that are awaited, milliseconds: quickly at first. */
const POLL = { first: 50, longest: 1000 } as const;
/** Seconds between attempts to greet a peer; the kernel itself waits 5 for an answer. */
const GREETING = 5;

/** Makes WireGuard's devices, peers, routes and rules what they should be. Does nothing in clusters that have it off. */
export class WireguardDriver {
  readonly #dependencies: WireguardDriverDependencies;
  readonly #devices: WireguardDevices;
  readonly #families: WireguardFamilies;
  #tables: WireguardTables | undefined;
  #keys: WireguardKeys = {};
  #nextKeys: WireguardKeys = {};
  #tunnels: readonly WireguardTunnel[] = [];
  #problems: readonly WireguardProblem[] = [];
  #error: string | undefined;
  #podMtu: number | undefined;
  /** Nothing is on, and nothing is left of what was. */
  #clean = false;
  #watch: Disposable | undefined;
  #poll: NodeJS.Timeout | undefined;
  #resync: NodeJS.Timeout | undefined;
  #scheduled: NodeJS.Immediate | undefined;

  constructor(dependencies: WireguardDriverDependencies) {
    this.#dependencies = dependencies;
    this.#devices = new WireguardDevices(dependencies);
    this.#families = new WireguardFamilies(dependencies.keys, () => this.changed());
  }

  /** Public keys of this node's devices that work: what peers may know. */
  get keys(): WireguardKeys {
    return this.#keys;
  }

  /** The same of the keys that come after them, which work already on devices of their own. */
  get nextKeys(): WireguardKeys {
    return this.#nextKeys;
  }

  /** What pods may send at most; undefined when none of their packets go through a tunnel. */
  get podMtu(): number | undefined {
    return this.#podMtu;
  }

  start(): void {
    this.#watch = this.#dependencies.netlink.watch(['link'], (event) => {
      if (event.kind === 'overrun' || (event.kind === 'link' && event.gone && WireguardDevices.has(event.link.name)))
        this.#again();
    });
    this.#reconcile();
  }

  /** The kernel keeps everything. */
  stop(): void {
    this.#watch?.[Symbol.dispose]();
    this.#watch = undefined;
    this.#devices.stop();
    clearTimeout(this.#poll);
    clearTimeout(this.#resync);
    this.#families.stop();
    if (this.#scheduled !== undefined) clearImmediate(this.#scheduled);
  }

  /** Reconciles after this turn of the event loop. */
  changed(): void {
    if (this.#watch === undefined || this.#scheduled !== undefined) return;
    this.#scheduled = setImmediate(() => {
      this.#scheduled = undefined;
      this.#reconcile();
    });
  }

  status(): WireguardStatus | undefined {
    const error = this.#error;
    if (this.#tunnels.length === 0 && error === undefined) return undefined;
    return wireguardStatus({
      tunnels: this.#tunnels,
      device: (name) => this.#devices.known(name),
      waysOf: (family) => this.#families.waysOf(family),
      problems: this.#problems,
      error,
    });
  }

  /** Reads the kernel again before the next comparison. */
  #again(): void {
    this.#tables = undefined;
    this.#clean = false;
    this.changed();
  }

  #reconcile(): void {
    clearTimeout(this.#resync);
    try {
      this.#attempt();
      this.#error = undefined;
    } catch (error) {
      this.#fail(messageOf(error));
    }
    this.#resync = setTimeout(() => this.#again(), this.#error === undefined ? RESYNC_EVERY : RETRY);
    this.#resync.unref();
  }

  /**
   * A node that never had a tunnel has no key for peers, and is reached without. One that had keeps its key: peers would
   * send in the clear what they encrypt now.
   */
  #fail(message: string): void {
    const had = this.#tunnels.length > 0;
    if (message !== this.#error)
      this.#dependencies.log.error(
        had ? 'WireGuard cannot be kept up' : 'WireGuard cannot be set up: pods are reached without encryption',
        { error: message },
      );
    this.#error = message;
    this.#tables = undefined;
    if (had) return;
    this.#podMtu = undefined;
    this.#publish({}, {});
  }

  #attempt(): void {
    const settings = this.#dependencies.settings();
    const off = FAMILIES.every((family) => !settings[family].enabled);
    this.#families.switch(settings);
    if (off && this.#clean) return;
    const given = { ...this.#dependencies.input(), settings };
    const next = this.#rotate(given);
    const input = { ...given, nextKeys: new Map(given.nextKeys).set(given.node, next) };
    // As the first thing: a device that could not be made has no key that peers might use.
    const keys: Partial<Record<Family, string>> = {};
    const planned = this.#derive(input, {}).tunnels;
    for (const tunnel of planned) {
      const key = this.#families.keyOf(tunnel, this.#dependencies.rotation());
      const before = this.#tunnels.find(({ family, way }) => family === tunnel.family && way === tunnel.way);
      this.#devices.make(tunnel, key, (peers) => this.#families.forgotten(tunnel, before, peers));
      if (tunnel.way === 'usual') keys[tunnel.family] = key.publicKey;
    }
    this.#devices.retireAllBut(planned);
    this.#setPeers(this.#derive(input, keys).tunnels, input);
    // Ways are known only now.
    const { tunnels, problems } = this.#derive(input, keys);
    this.#setTables(tunnels);
    this.#tunnels = tunnels;
    // Before peers know the key: from then on they send.
    this.#dependencies.onTunnels(tunnels);
    this.#podMtu = wireguardMtu(input);
    this.#report(problems);
    this.#publish(keys, next);
    this.#clean = off;
    // Who has answered may be what the change of keys waited for.
    const after = this.#rotate(given);
    if (FAMILIES.some((family) => next[family] !== after[family])) this.changed();
    this.#awaitGreetings(POLL.first);
  }

  #derive(input: Omit<WireguardInput, 'ways' | 'handingOver'>, own: WireguardKeys): DesiredWireguard {
    return desiredWireguard({ ...input, ...this.#families.known, keys: new Map(input.keys).set(input.node, own) });
  }

  #rotate(input: Pick<WireguardInput, 'node' | 'nextKeys' | 'settings'>): WireguardKeys {
    const wish = this.#dependencies.rotation();
    return this.#families.rotate({ ...input, wish, deviceOf: (name) => this.#devices.wireguard.device(name) });
  }

  #setPeers(tunnels: readonly WireguardTunnel[], input: Pick<WireguardInput, 'node' | 'nextKeys' | 'settings'>): void {
    const present = tunnels.map((tunnel) => ({ tunnel, device: this.#devices.wireguard.device(tunnel.device)! }));
    this.#families.learn(present, input);
    const usual = input.settings.keepaliveSeconds;
    for (const { tunnel, device } of present) {
      const before = this.#tunnels.find((each) => each.device === tunnel.device);
      const changes = peerChanges(tunnel.peers, device, before, ({ publicKey }) =>
        usual === 0 && !hasGreeted(device, publicKey) ? GREETING : usual,
      );
      if (changes.length > 0) this.#devices.wireguard.configure(tunnel.device, { peers: changes });
    }
  }

  #setTables(tunnels: readonly WireguardTunnel[]): void {
    const { netlink } = this.#dependencies;
    const desired = {
      routes: tunnels.flatMap(({ routes }) => routes),
      rules: tunnels.flatMap(({ rules }) => rules),
    };
    netlink.apply(diffTables(desired, this.#tables ?? dumpTables(netlink)));
    this.#tables = desired;
  }

  /** Asks the kernel until every peer has answered; greeting is its work. */
  #awaitGreetings(wait: number): void {
    clearTimeout(this.#poll);
    const { silent } = this.#families;
    if (silent === 0) return;
    this.#poll = setTimeout(() => {
      if (this.#countSilent() !== silent) this.#reconcile();
      else this.#awaitGreetings(Math.min(wait * 2, POLL.longest));
    }, wait);
    this.#poll.unref();
  }

  #countSilent(): number {
    return this.#tunnels.reduce((sum, { device: name, peers }) => {
      const device = this.#devices.known(name);
      return sum + peers.filter(({ publicKey }) => device === undefined || !hasGreeted(device, publicKey)).length;
    }, 0);
  }

  #publish(keys: WireguardKeys, next: WireguardKeys): void {
    if (FAMILIES.every((family) => keys[family] === this.#keys[family] && next[family] === this.#nextKeys[family]))
      return;
    this.#keys = keys;
    this.#nextKeys = next;
    this.#dependencies.onKeysChanged();
  }

  #report(problems: readonly WireguardProblem[]): void {
    const known = new Set(this.#problems.map(({ message }) => message));
    for (const { message } of problems) if (!known.has(message)) this.#dependencies.log.warn(message);
    this.#problems = problems;
  }
}
