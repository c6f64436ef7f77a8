import { messageOf } from '../../base/errors.ts';
import type { Family } from '../../base/ip/index.ts';
import { WIREGUARD_DEVICES, desiredWireguard, wireguardMtu } from '../../core/wireguard/index.ts';
import type {
  DesiredWireguard,
  WireguardInput,
  WireguardKeys,
  WireguardProblem,
  WireguardSettings,
  WireguardTunnel,
} from '../../core/wireguard/index.ts';
import type { TextStore } from './text-file.ts';
import { diffTables, dumpTables, peerChanges } from './wireguard-changes.ts';
import type { WireguardTables } from './wireguard-changes.ts';
import { WireguardDevices } from './wireguard-devices.ts';
import type { WireguardDevicesDependencies } from './wireguard-devices.ts';
import { WireguardNodeKeys } from './wireguard-keys.ts';
import type { NodeKey } from './wireguard-keys.ts';
import { WireguardRotation } from './wireguard-rotation.ts';
import { WireguardSessions, hasGreeted } from './wireguard-sessions.ts';
import type { SessionDevice } from './wireguard-sessions.ts';
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
const FAMILIES: readonly Family[] = [4, 6];

/** What is remembered of one family. */
interface FamilyState {
  readonly sessions: WireguardSessions;
  readonly rotation: WireguardRotation;
  state: 'unknown' | 'off' | 'on';
}

/** Makes WireGuard's devices, peers, routes and rules what they should be. Does nothing in clusters that have it off. */
export class WireguardDriver {
  readonly #dependencies: WireguardDriverDependencies;
  readonly #own: WireguardNodeKeys;
  readonly #devices: WireguardDevices;
  readonly #families: Readonly<Record<Family, FamilyState>>;
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
    this.#own = new WireguardNodeKeys(dependencies.keys);
    this.#devices = new WireguardDevices(dependencies);
    const onTimer = (): void => this.changed();
    const familyState = (family: Family): FamilyState => ({
      sessions: new WireguardSessions(family, onTimer),
      rotation: new WireguardRotation(family, this.#own, onTimer),
      state: 'unknown',
    });
    this.#families = { 4: familyState(4), 6: familyState(6) };
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
    for (const family of FAMILIES) {
      this.#families[family].sessions.clear();
      this.#families[family].rotation.stop();
    }
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
      waysOf: (family) => this.#families[family].sessions.ways,
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
    for (const family of FAMILIES) this.#switch(family, settings[family].enabled);
    if (off && this.#clean) return;
    const given = { ...this.#dependencies.input(), settings };
    const next = this.#rotate(given);
    const input = { ...given, nextKeys: new Map(given.nextKeys).set(given.node, next) };
    // As the first thing: a device that could not be made has no key that peers might use.
    const keys: Partial<Record<Family, string>> = {};
    const planned = this.#derive(input, {}).tunnels;
    for (const tunnel of planned) {
      const key = this.#keyOf(tunnel);
      this.#devices.make(tunnel, key, (peers) => this.#forgotten(tunnel, peers));
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
    const { 4: v4, 6: v6 } = this.#families;
    return desiredWireguard({
      ...input,
      keys: new Map(input.keys).set(input.node, own),
      ways: { 4: v4.sessions.ways, 6: v6.sessions.ways },
      handingOver: { 4: v4.sessions.handingOver, 6: v6.sessions.handingOver },
    });
  }

  #switch(family: Family, on: boolean): void {
    const known = this.#families[family];
    if (on && known.state === 'off') known.sessions.open();
    if (!on) known.sessions.clear();
    known.state = on ? 'on' : 'off';
  }

  /** Goes on with changes of this node's keys, and returns those that are next. */
  #rotate({ node, nextKeys, settings }: Pick<WireguardInput, 'node' | 'nextKeys' | 'settings'>): WireguardKeys {
    const next: Partial<Record<Family, string>> = {};
    for (const family of FAMILIES.filter((each) => settings[each].enabled)) {
      const { sessions, rotation } = this.#families[family];
      const device = this.#devices.wireguard.device(WIREGUARD_DEVICES[family]);
      const others = [...nextKeys].some(([name, keys]) => name !== node && keys[family] !== undefined);
      rotation.step({
        wish: this.#dependencies.rotation(),
        inTouch: device?.peers.some(({ lastHandshake }) => lastHandshake !== undefined) === true,
        handedOver: sessions.isHandedOver,
        othersChange: others || sessions.handingOver.size > 0,
      });
      const key = this.#own.next(family);
      if (key !== undefined) next[family] = key.publicKey;
    }
    return next;
  }

  #keyOf({ family, way }: WireguardTunnel): NodeKey {
    const present = this.#own.present(family, this.#dependencies.rotation());
    return way === 'usual' ? present : (this.#own.next(family) ?? present);
  }

  /**
   * The kernel goes on telling of sessions with an earlier key as if they still served. So peers begin anew but for those
   * that know no other way: they are heard until they have the new key.
   */
  #forgotten({ family, way }: WireguardTunnel, peers: readonly { readonly publicKey: string }[]) {
    const elsewhere = new Set(
      this.#tunnels
        .find((tunnel) => tunnel.family === family && tunnel.way === way)
        ?.peers.filter(({ node }) => this.#families[family].sessions.ways.get(node) === 'hand-over')
        .map(({ publicKey }) => publicKey),
    );
    return peers
      .filter(({ publicKey }) => way === 'hand-over' || elsewhere.has(publicKey))
      .map(({ publicKey }) => ({ publicKey, remove: true }) as const);
  }

  #setPeers(tunnels: readonly WireguardTunnel[], input: Pick<WireguardInput, 'node' | 'nextKeys' | 'settings'>): void {
    const present = tunnels.map((tunnel) => ({ tunnel, device: this.#devices.wireguard.device(tunnel.device)! }));
    this.#learn(present, input);
    const usual = input.settings.keepaliveSeconds;
    for (const { tunnel, device } of present) {
      const before = this.#tunnels.find((each) => each.device === tunnel.device);
      const changes = peerChanges(tunnel.peers, device, before, ({ publicKey }) =>
        usual === 0 && !hasGreeted(device, publicKey) ? GREETING : usual,
      );
      if (changes.length > 0) this.#devices.wireguard.configure(tunnel.device, { peers: changes });
    }
  }

  #learn(present: readonly SessionDevice[], input: Pick<WireguardInput, 'node' | 'nextKeys'>): void {
    for (const family of FAMILIES) {
      const own = present.filter(({ tunnel }) => tunnel.family === family);
      const usual = own.find(({ tunnel }) => tunnel.way === 'usual');
      const handover = own.find(({ tunnel }) => tunnel.way === 'hand-over');
      if (usual !== undefined) this.#families[family].sessions.learn(usual, handover, input);
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
    const silent = FAMILIES.reduce((sum, family) => sum + this.#families[family].sessions.silent.length, 0);
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
