import { messageOf } from '../../base/errors.ts';
import type { Family } from '../../base/ip/index.ts';
import type { Logger } from '../../base/log.ts';
import { WIREGUARD_DEVICES, desiredWireguard, wireguardMtu } from '../../core/wireguard/index.ts';
import type {
  DesiredWireguard,
  WireguardInput,
  WireguardKeys,
  WireguardProblem,
  WireguardSettings,
  WireguardTunnel,
} from '../../core/wireguard/index.ts';
import type { Netlink } from '../../host/netlink/port.ts';
import type { Sysctl } from '../../host/sysctl/sysctl.ts';
import type { Wireguard, WireguardDevice } from '../../host/wireguard/port.ts';
import type { TextStore } from './text-file.ts';
import { diffTables, dumpTables, peerChanges } from './wireguard-changes.ts';
import type { WireguardTables } from './wireguard-changes.ts';
import { WireguardNodeKeys } from './wireguard-keys.ts';

export interface WireguardDriverDependencies {
  readonly netlink: Netlink;
  /** Throws where the kernel has no WireGuard. */
  readonly openWireguard: () => Wireguard;
  readonly sysctl: Sysctl;
  readonly keys: TextStore;
  readonly log: Logger;
  /** What the cluster says of WireGuard. */
  readonly settings: () => WireguardSettings;
  /** What else tunnels depend on, as it is now, but for what this driver knows itself. Asked for only where they are on. */
  readonly input: () => Omit<WireguardInput, 'greeted' | 'settings'>;
  /** The wish for another key that the Node expresses. */
  readonly rotation: () => string;
  /** Hears the tunnels that there are, whether they changed or not. */
  readonly onTunnels: (tunnels: readonly WireguardTunnel[]) => void;
  /** The keys that this node publishes changed. */
  readonly onKeysChanged: () => void;
}

/** What `sluice status` shows of WireGuard. */
export interface WireguardStatus {
  readonly devices: readonly {
    readonly device: string;
    readonly publicKey: string | undefined;
    readonly port: number;
    readonly mtu: number;
    readonly peers: number;
    /** Peers whose pods are reached through it. */
    readonly greeted: number;
  }[];
  readonly problems: readonly WireguardProblem[];
  readonly error?: string;
}

/** A full comparison at least this often, and after a failure, milliseconds. */
const RESYNC_EVERY = 60_000;
/** How often the kernel is asked for greetings that are awaited, milliseconds: quickly at first. */
const POLL = { first: 50, longest: 1000 } as const;
/** Seconds between attempts to greet a peer; the kernel itself waits 5 for an answer. */
const GREETING = 5;
/** How long a device that is switched off goes on receiving, milliseconds: peers hear of it a little later. */
const LINGER = 10_000;
const FAMILIES: readonly Family[] = [4, 6];

/** Makes WireGuard's devices, peers, routes and rules what they should be. Does nothing in clusters that have it off. */
export class WireguardDriver {
  readonly #dependencies: WireguardDriverDependencies;
  readonly #own: WireguardNodeKeys;
  #wireguard: Wireguard | undefined;
  #tables: WireguardTables | undefined;
  #keys: WireguardKeys = {};
  #tunnels: readonly WireguardTunnel[] = [];
  #problems: readonly WireguardProblem[] = [];
  #error: string | undefined;
  #podMtu: number | undefined;
  /** Nothing is on, and nothing is left of what was. */
  #clean = false;
  #greeted: Record<Family, ReadonlySet<string>> = { 4: new Set(), 6: new Set() };
  /** Number of peers whose present key has not answered yet. */
  #silent: Record<Family, number> = { 4: 0, 6: 0 };
  readonly #lingering = new Map<string, NodeJS.Timeout>();
  #watch: Disposable | undefined;
  #poll: NodeJS.Timeout | undefined;
  #resync: NodeJS.Timeout | undefined;
  #scheduled: NodeJS.Immediate | undefined;

  constructor(dependencies: WireguardDriverDependencies) {
    this.#dependencies = dependencies;
    this.#own = new WireguardNodeKeys(dependencies.keys);
  }

  /** Public keys of this node's devices that work: what peers may know. */
  get keys(): WireguardKeys {
    return this.#keys;
  }

  /** What pods may send at most; undefined when none of their packets go through a tunnel. */
  get podMtu(): number | undefined {
    return this.#podMtu;
  }

  start(): void {
    this.#watch = this.#dependencies.netlink.watch(['link'], (event) => {
      if (event.kind === 'overrun' || (event.kind === 'link' && event.gone && isDevice(event.link.name))) this.#again();
    });
    this.#reconcile();
  }

  /** The kernel keeps everything. */
  stop(): void {
    this.#watch?.[Symbol.dispose]();
    this.#wireguard?.[Symbol.dispose]();
    clearTimeout(this.#poll);
    clearTimeout(this.#resync);
    for (const timer of this.#lingering.values()) clearTimeout(timer);
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
    if (this.#tunnels.length === 0 && this.#error === undefined) return undefined;
    return {
      devices: this.#tunnels.map(({ device, family, port, mtu, peers }) => ({
        device,
        publicKey: this.#keys[family],
        port,
        mtu,
        peers: peers.length,
        greeted: peers.filter(({ node }) => this.#greeted[family].has(node)).length,
      })),
      problems: this.#problems,
      ...(this.#error === undefined ? {} : { error: this.#error }),
    };
  }

  /** Reads the kernel again before the next comparison. */
  #again(): void {
    this.#tables = undefined;
    this.#clean = false;
    this.changed();
  }

  #reconcile(): void {
    clearTimeout(this.#resync);
    this.#resync = setTimeout(() => this.#again(), RESYNC_EVERY);
    this.#resync.unref();
    try {
      this.#attempt();
      this.#error = undefined;
    } catch (error) {
      const message = messageOf(error);
      if (message !== this.#error)
        this.#dependencies.log.error('WireGuard cannot be set up: pods are reached without encryption', {
          error: message,
        });
      this.#error = message;
      this.#tables = undefined;
      this.#tunnels = [];
      this.#podMtu = undefined;
      this.#publish({});
    }
  }

  #attempt(): void {
    const settings = this.#dependencies.settings();
    const off = FAMILIES.every((family) => !settings[family].enabled);
    if (off && this.#clean) return;
    const input = { ...this.#dependencies.input(), settings };
    const derive = (own: WireguardKeys): DesiredWireguard =>
      desiredWireguard({ ...input, keys: new Map(input.keys).set(input.node, own), greeted: this.#greeted });
    // As the first thing: a device that could not be made has no key that peers might use.
    const keys: Partial<Record<Family, string>> = {};
    const planned = derive({}).tunnels;
    for (const tunnel of planned) keys[tunnel.family] = this.#makeDevice(tunnel);
    for (const family of FAMILIES) if (keys[family] === undefined) this.#retire(family);
    for (const tunnel of derive(keys).tunnels) this.#setPeers(tunnel, settings.keepaliveSeconds);
    // Who was greeted is known only now.
    const { tunnels, problems } = derive(keys);
    this.#setTables(tunnels);
    this.#tunnels = tunnels;
    // Before peers know the key: from then on they send.
    this.#dependencies.onTunnels(tunnels);
    this.#podMtu = wireguardMtu(input);
    this.#report(problems);
    this.#publish(keys);
    this.#clean = off;
    this.#awaitGreetings(POLL.first);
  }

  /** Makes the device if there is none, gives it the node's key, and returns the public one. */
  #makeDevice({ device: name, family, mtu, port }: WireguardTunnel): string {
    const { netlink, log, rotation } = this.#dependencies;
    clearTimeout(this.#lingering.get(name));
    this.#lingering.delete(name);
    this.#wireguard ??= this.#dependencies.openWireguard();
    const link = netlink.link(name);
    if (link === undefined) netlink.apply([{ kind: 'add-link', link: { type: 'wireguard', name, mtu, up: true } }]);
    else if (link.mtu !== mtu || !link.up) netlink.apply([{ kind: 'set-link', link: name, mtu, up: true }]);
    this.#loosen(name);
    const { privateKey, publicKey } = this.#own.get(family, rotation());
    const device = this.#wireguard.device(name);
    if (device?.publicKey === publicKey && device.listenPort === port) return publicKey;
    log.info('giving a WireGuard device its key', { device: name, publicKey, port });
    this.#wireguard.configure(name, { privateKey, listenPort: port });
    return publicKey;
  }

  #setPeers({ device: name, family, peers }: WireguardTunnel, keepalive: number): void {
    const device = this.#wireguard!.device(name)!;
    this.#learnGreetings(family, peers, device);
    const before = this.#tunnels.find((tunnel) => tunnel.family === family);
    const changes = peerChanges(peers, device, before, ({ publicKey }) =>
      keepalive === 0 && !hasGreeted(device, publicKey) ? GREETING : keepalive,
    );
    if (changes.length > 0) this.#wireguard!.configure(name, { peers: changes });
  }

  /** Nodes stay greeted while they publish a key, even another one: what was encrypted never goes without again. */
  #learnGreetings(family: Family, peers: WireguardTunnel['peers'], device: WireguardDevice): void {
    const answered = peers.filter(({ publicKey }) => hasGreeted(device, publicKey)).map(({ node }) => node);
    const before = peers.map(({ node }) => node).filter((node) => this.#greeted[family].has(node));
    this.#greeted = { ...this.#greeted, [family]: new Set([...before, ...answered]) };
    this.#silent = { ...this.#silent, [family]: peers.length - answered.length };
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
    const waiting = this.#tunnels.filter(({ family }) => this.#silent[family] > 0);
    if (waiting.length === 0) return;
    this.#poll = setTimeout(() => {
      const before = this.#silent;
      for (const { family, device: name, peers } of waiting) {
        const device = this.#wireguard?.device(name);
        if (device !== undefined) this.#learnGreetings(family, peers, device);
      }
      if (FAMILIES.some((family) => this.#silent[family] !== before[family])) this.#reconcile();
      else this.#awaitGreetings(Math.min(wait * 2, POLL.longest));
    }, wait);
    this.#poll.unref();
  }

  /** Nothing more goes through the device; what peers still send through it is welcome for a while. */
  #retire(family: Family): void {
    const name = WIREGUARD_DEVICES[family];
    this.#greeted = { ...this.#greeted, [family]: new Set() };
    if (this.#lingering.has(name) || this.#dependencies.netlink.link(name)?.kind !== 'wireguard') return;
    const timer = setTimeout(() => {
      this.#lingering.delete(name);
      this.#dependencies.netlink.attempt([{ kind: 'delete-link', link: name }]);
    }, LINGER);
    this.#lingering.set(name, timer.unref());
  }

  #publish(keys: WireguardKeys): void {
    if (FAMILIES.every((family) => keys[family] === this.#keys[family])) return;
    this.#keys = keys;
    this.#dependencies.onKeysChanged();
  }

  /** While two nodes get to know each other, packets come by another way than answers go. */
  #loosen(link: string): void {
    const { sysctl, log } = this.#dependencies;
    try {
      const values = ['all', link].map((name) => sysctl.read(`net/ipv4/conf/${name}/rp_filter`));
      if (values.includes('1') && !values.includes('2')) sysctl.write(`net/ipv4/conf/${link}/rp_filter`, 2);
    } catch (error) {
      log.debug('cannot loosen rp_filter', { link, error: messageOf(error) });
    }
  }

  #report(problems: readonly WireguardProblem[]): void {
    const known = new Set(this.#problems.map(({ message }) => message));
    for (const { message } of problems) if (!known.has(message)) this.#dependencies.log.warn(message);
    this.#problems = problems;
  }
}

function isDevice(name: string): boolean {
  return Object.values(WIREGUARD_DEVICES).includes(name);
}

function hasGreeted({ peers }: WireguardDevice, key: string): boolean {
  return peers.some(({ publicKey, lastHandshake }) => publicKey === key && lastHandshake !== undefined);
}
