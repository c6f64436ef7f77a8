import type { Cidr, Ip } from '../../base/ip/index.ts';

/** A Curve25519 key of 32 bytes in base64, as `wg` prints it. */
export type WireguardKey = string;

/** In the place of a key: none. */
export const NO_KEY: WireguardKey = `${'A'.repeat(43)}=`;

/** Where a peer's packets go: an address and a UDP port. */
export interface WireguardEndpoint {
  readonly ip: Ip;
  readonly port: number;
}

/** A peer as the kernel reports it. */
export interface WireguardPeer {
  readonly publicKey: WireguardKey;
  readonly endpoint: WireguardEndpoint | undefined;
  /** Networks that are reached through it and from which it may send. No network has two peers on one device. */
  readonly allowedIps: readonly Cidr[];
  /** When both sides last agreed on a session key, epoch seconds; undefined: never. */
  readonly lastHandshake: number | undefined;
  /** Seconds between packets that are sent to it in any case; 0: none. */
  readonly keepaliveSeconds: number;
  /** A secret that both sides have besides their keys; absent: none. */
  readonly presharedKey?: WireguardKey;
  readonly receivedBytes: bigint;
  readonly sentBytes: bigint;
}

/** A WireGuard device as the kernel reports it. */
export interface WireguardDevice {
  /** Undefined while it has no private key. */
  readonly publicKey: WireguardKey | undefined;
  readonly listenPort: number;
  /** Mark of the packets that it sends; 0: none. */
  readonly firewallMark: number;
  readonly peers: readonly WireguardPeer[];
}

/** What becomes of one peer; peers that are not named stay as they are. */
export type WireguardPeerChange =
  | {
      readonly publicKey: WireguardKey;
      readonly endpoint?: WireguardEndpoint;
      /** Replaces what it had; a network that another peer had moves here in the same instant. */
      readonly allowedIps: readonly Cidr[];
      /** More than 0, where it was 0, greets the peer at once instead of with the first packet for it. */
      readonly keepaliveSeconds?: number;
      /** Counts from the next session on; {@link NO_KEY} takes it away. */
      readonly presharedKey?: WireguardKey;
    }
  | { readonly publicKey: WireguardKey; readonly remove: true };

/** Changes of a device; what is absent stays. */
export interface WireguardChange {
  /** A new one ends all sessions; the peers must know its public half. */
  readonly privateKey?: WireguardKey;
  readonly listenPort?: number;
  readonly firewallMark?: number;
  readonly peers?: readonly WireguardPeerChange[];
}

/**
 * What makes the WireGuard devices of one network namespace tunnels: keys, ports and peers. The devices themselves come
 * and go through `host/netlink`. Errors are `SluiceError<ErrnoCode>`; `not-found` for a device that is not there.
 */
export interface Wireguard extends Disposable {
  /** Undefined when there is no such device. */
  device(name: string): WireguardDevice | undefined;
  /** Makes the changes in order. Those that fit in one message of the kernel's (some 500 peers) take effect together. */
  configure(name: string, change: WireguardChange): void;
}
