import { messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { wireguardTunnels } from '../../core/flannel/index.ts';
import type { FlannelTunnel, LeaseReading, WireguardNetConf } from '../../core/flannel/index.ts';
import type { RoutingProblem } from '../../core/routing/index.ts';
import { newPrivateKey, publicKeyOf } from '../../host/wireguard/key.ts';
import type { Wireguard } from '../../host/wireguard/port.ts';
import type { TextStore } from './text-file.ts';
import { peerChanges } from './wireguard-changes.ts';

export interface FlannelWireguardDependencies {
  /** Throws where the kernel has no WireGuard. */
  readonly openWireguard: () => Wireguard;
  /** The private key, as flannel keeps it; absent: a new one in each life. */
  readonly key: TextStore | undefined;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** What was last brought into the kernel, and when it was last read. */
interface Settled {
  readonly tunnels: readonly FlannelTunnel[];
  readonly text: string;
  readonly generation: number;
}

/** Keys and peers of the devices that carry a flannel network whose backend is `wireguard`; routing makes the devices. */
export class FlannelWireguard {
  readonly #netConf: WireguardNetConf;
  readonly #dependencies: FlannelWireguardDependencies;
  readonly #privateKey: string;
  /** What this node says in its lease. */
  readonly publicKey: string;
  #wireguard: Wireguard | undefined;
  #wanted: readonly FlannelTunnel[] = [];
  #settled: Settled | undefined;
  #error: string | undefined;

  constructor(netConf: WireguardNetConf, dependencies: FlannelWireguardDependencies) {
    this.#netConf = netConf;
    this.#dependencies = dependencies;
    this.#privateKey = ownKey(dependencies.key);
    this.publicKey = publicKeyOf(this.#privateKey);
    dependencies.signal.addEventListener('abort', () => this.#wireguard?.[Symbol.dispose](), { once: true });
  }

  /** Takes note of the leases, `node`'s own among them; what is wrong with them or with the devices. */
  learn(node: string, leases: ReadonlyMap<string, LeaseReading>): readonly RoutingProblem[] {
    const { tunnels, problems } = wireguardTunnels(this.#netConf, node, leases);
    this.#wanted = tunnels;
    if (this.#error === undefined) return problems;
    return [...problems, { peer: '', code: 'no-device', message: `flannel's WireGuard: ${this.#error}` }];
  }

  /**
   * Brings what was noted into the kernel; the devices are there, if it can make them. `generation` is another number when
   * they may be others than before: then they are read anew.
   */
  settle(generation: number): void {
    const { log, signal } = this.#dependencies;
    const text = textOf(this.#wanted);
    if (signal.aborted || (this.#settled?.generation === generation && this.#settled.text === text)) return;
    try {
      // Of a device that is not there yet nothing is remembered.
      const there = this.#wanted.filter((tunnel) => this.#configure(tunnel));
      this.#settled = { tunnels: there, text: textOf(there), generation };
      this.#error = undefined;
    } catch (error) {
      const message = messageOf(error);
      if (message !== this.#error) log.error("flannel's WireGuard cannot be set up", { error: message });
      this.#error = message;
      this.#settled = undefined;
    }
  }

  /** False where there is no such device. */
  #configure(tunnel: FlannelTunnel): boolean {
    const { device: name, port, peers } = tunnel;
    const wireguard = (this.#wireguard ??= this.#dependencies.openWireguard());
    const device = wireguard.device(name);
    if (device === undefined) return false;
    const { presharedKey, keepaliveSeconds } = this.#netConf.backend;
    const desired = peers.map((peer) => ({ ...peer, ...(presharedKey === undefined ? {} : { presharedKey }) }));
    const before = this.#settled?.tunnels.find((each) => each.device === name);
    const changes = peerChanges(desired, device, before, () => keepaliveSeconds);
    const isOurs = device.publicKey === this.publicKey && device.listenPort === port;
    if (!isOurs) wireguard.configure(name, { privateKey: this.#privateKey, listenPort: port, peers: changes });
    else if (changes.length > 0) wireguard.configure(name, { peers: changes });
    return true;
  }
}

/** The one that is kept; a new one where there is none, or none that can be used. */
function ownKey(store: TextStore | undefined): string {
  const kept = store?.load()?.trim() ?? '';
  try {
    publicKeyOf(kept);
    return kept;
  } catch {
    const made = newPrivateKey();
    store?.save(made);
    return made;
  }
}

function textOf(value: unknown): string {
  return JSON.stringify(value, (_, each: unknown) => (typeof each === 'bigint' ? String(each) : each));
}
