import { equalIp } from '../../base/ip/index.ts';
import type { Cidr } from '../../base/ip/index.ts';
import { ERRNO, errnoError } from '../errno.ts';
import { keyBytes, publicKeyOf } from './key.ts';
import { NO_KEY } from './port.ts';
import type { Wireguard, WireguardChange, WireguardDevice, WireguardPeer } from './port.ts';

/** WireGuard in memory: devices are those for which `exists` holds, and no packet is ever sent. */
export class FakeWireguard implements Wireguard {
  readonly #exists: (name: string) => boolean;
  readonly #devices = new Map<string, WireguardDevice>();

  constructor(exists: (name: string) => boolean) {
    this.#exists = exists;
  }

  device(name: string): WireguardDevice | undefined {
    if (!this.#exists(name)) {
      this.#devices.delete(name);
      return undefined;
    }
    return this.#devices.get(name) ?? { publicKey: undefined, listenPort: 0, firewallMark: 0, peers: [] };
  }

  configure(name: string, change: WireguardChange): void {
    const device = this.device(name);
    if (device === undefined) throw errnoError(ERRNO.ENODEV, `configuring WireGuard device ${name}`);
    const publicKey = change.privateKey === undefined ? device.publicKey : publicKeyOf(change.privateKey);
    let { peers } = device;
    for (const peer of change.peers ?? []) {
      keyBytes(peer.publicKey);
      const known = peers.find((each) => each.publicKey === peer.publicKey);
      const others = peers.filter((each) => each !== known);
      // A device is not its own peer: the kernel drops it without a word.
      if ('remove' in peer || peer.publicKey === publicKey) peers = others;
      else peers = [...others.map((other) => without(other, peer.allowedIps)), changed(known, peer)];
    }
    this.#devices.set(name, {
      publicKey,
      listenPort: change.listenPort ?? device.listenPort,
      firewallMark: change.firewallMark ?? device.firewallMark,
      peers: peers.filter((peer) => peer.publicKey !== publicKey),
    });
  }

  /** As if the peer had answered, at this time in epoch seconds. */
  greet(name: string, publicKey: string, time: number): void {
    const device = this.device(name)!;
    const peers = device.peers.map((peer) => (peer.publicKey === publicKey ? { ...peer, lastHandshake: time } : peer));
    this.#devices.set(name, { ...device, peers });
  }

  [Symbol.dispose](): void {}
}

type Set = Exclude<NonNullable<WireguardChange['peers']>[number], { readonly remove: true }>;

function changed(
  known: WireguardPeer | undefined,
  { publicKey, endpoint, allowedIps, keepaliveSeconds, presharedKey = known?.presharedKey ?? NO_KEY }: Set,
): WireguardPeer {
  return {
    publicKey,
    endpoint: endpoint ?? known?.endpoint,
    allowedIps,
    lastHandshake: known?.lastHandshake,
    keepaliveSeconds: keepaliveSeconds ?? known?.keepaliveSeconds ?? 0,
    ...(presharedKey === NO_KEY ? {} : { presharedKey }),
    receivedBytes: 0n,
    sentBytes: 0n,
  };
}

function without(peer: WireguardPeer, taken: readonly Cidr[]): WireguardPeer {
  const same = (a: Cidr, b: Cidr): boolean => a.prefix === b.prefix && equalIp(a.ip, b.ip);
  return { ...peer, allowedIps: peer.allowedIps.filter((cidr) => !taken.some((each) => same(each, cidr))) };
}
