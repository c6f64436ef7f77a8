import { messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { HANDOVER_DEVICES, WIREGUARD_DEVICES } from '../../core/wireguard/index.ts';
import type { WireguardTunnel } from '../../core/wireguard/index.ts';
import type { Netlink } from '../../host/netlink/port.ts';
import type { Sysctl } from '../../host/sysctl/sysctl.ts';
import type { Wireguard, WireguardDevice, WireguardPeerChange } from '../../host/wireguard/port.ts';
import type { NodeKey } from './wireguard-keys.ts';

export interface WireguardDevicesDependencies {
  readonly netlink: Netlink;
  /** Throws where the kernel has no WireGuard. */
  readonly openWireguard: () => Wireguard;
  readonly sysctl: Sysctl;
  readonly log: Logger;
}

/** How long a device that is switched off goes on receiving, milliseconds: peers hear of it a little later. */
const LINGER = 10_000;
/** All that a node may have. */
const DEVICES = [WIREGUARD_DEVICES, HANDOVER_DEVICES].flatMap((devices) => Object.values(devices));

/** WireGuard's devices of this node: makes them, gives them keys, and takes them away again. */
export class WireguardDevices {
  readonly #dependencies: WireguardDevicesDependencies;
  readonly #lingering = new Map<string, NodeJS.Timeout>();
  #wireguard: Wireguard | undefined;

  constructor(dependencies: WireguardDevicesDependencies) {
    this.#dependencies = dependencies;
  }

  /** Whether `name` is that of one of them, present or not. */
  static has(name: string): boolean {
    return DEVICES.includes(name);
  }

  /** Undefined while there is none, or while WireGuard was not needed yet. */
  known(name: string): WireguardDevice | undefined {
    return this.#wireguard?.device(name);
  }

  /** Keys and peers in the kernel; opened when it is first needed, and throws where the kernel has no WireGuard. */
  get wireguard(): Wireguard {
    return (this.#wireguard ??= this.#dependencies.openWireguard());
  }

  /** Makes the tunnel's device if there is none, and gives it its key. `forgotten` are the peers that go with the key before. */
  make(
    { device: name, mtu, port }: WireguardTunnel,
    { privateKey, publicKey }: NodeKey,
    forgotten: (peers: WireguardDevice['peers']) => readonly WireguardPeerChange[],
  ): void {
    const { netlink, log } = this.#dependencies;
    const { wireguard } = this;
    clearTimeout(this.#lingering.get(name));
    this.#lingering.delete(name);
    const link = netlink.link(name);
    if (link === undefined) netlink.apply([{ kind: 'add-link', link: { type: 'wireguard', name, mtu, up: true } }]);
    else if (link.mtu !== mtu || !link.up) netlink.apply([{ kind: 'set-link', link: name, mtu, up: true }]);
    this.#loosen(name);
    const device = wireguard.device(name);
    if (device?.publicKey === publicKey && device.listenPort === port) return;
    log.info('giving a WireGuard device its key', { device: name, publicKey, port });
    const peers = device?.publicKey === publicKey ? [] : forgotten(device?.peers ?? []);
    wireguard.configure(name, { privateKey, listenPort: port, peers });
  }

  /** Nothing more goes through the others; what peers still send through them is welcome for a while. */
  retireAllBut(tunnels: readonly WireguardTunnel[]): void {
    const planned = new Set(tunnels.map(({ device }) => device));
    for (const name of DEVICES) if (!planned.has(name)) this.#retire(name);
  }

  /** The kernel keeps everything. */
  stop(): void {
    this.#wireguard?.[Symbol.dispose]();
    for (const timer of this.#lingering.values()) clearTimeout(timer);
  }

  #retire(name: string): void {
    const { netlink } = this.#dependencies;
    if (this.#lingering.has(name) || netlink.link(name)?.kind !== 'wireguard') return;
    const timer = setTimeout(() => {
      this.#lingering.delete(name);
      netlink.attempt([{ kind: 'delete-link', link: name }]);
    }, LINGER);
    this.#lingering.set(name, timer.unref());
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
}
