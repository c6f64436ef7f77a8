import { hasCode } from '../../base/errors.ts';
import type { NetnsRef } from '../netns/netns.ts';
import { NETLINK_GENERIC, ask, familyId } from '../netlink/generic.ts';
import { NetlinkSocket } from '../netlink/socket.ts';
import { WG_CMD, decodeDevice, encodeDevice, encodePeers, encodeSettings, peerSize } from './codec.ts';
import type { Wireguard, WireguardChange, WireguardDevice, WireguardPeerChange } from './port.ts';

/** Peers of one message, bytes: an attribute holds 65 535 with all that is in it. */
const PEER_BYTES = 60_000;

/**
 * WireGuard in `netns`, or in the namespace that the calling thread is in. Throws `not-found` where the kernel has no
 * WireGuard.
 */
export function openWireguard(options: { readonly netns?: NetnsRef } = {}): Wireguard {
  const socket = NetlinkSocket.open(NETLINK_GENERIC, options);
  try {
    return new KernelWireguard(socket, familyId(socket, 'wireguard'));
  } catch (error) {
    socket[Symbol.dispose]();
    throw error;
  }
}

class KernelWireguard implements Wireguard {
  readonly #socket: NetlinkSocket;
  readonly #family: number;

  constructor(socket: NetlinkSocket, family: number) {
    this.#socket = socket;
    this.#family = family;
  }

  device(name: string): WireguardDevice | undefined {
    try {
      const payloads = this.#socket.dump(
        this.#family,
        (writer) => encodeDevice(writer, WG_CMD.GET_DEVICE, name),
        // The buffer is used again for what comes next.
        ({ payload }) => payload.slice(),
        `reading WireGuard device ${name}`,
      );
      return decodeDevice(payloads);
    } catch (error) {
      if (hasCode(error, 'not-found') || hasCode(error, 'unsupported')) return undefined;
      throw error;
    }
  }

  configure(name: string, { peers = [], ...settings }: WireguardChange): void {
    const batches = batched(peers);
    for (const [index, batch] of (batches.length === 0 ? [[]] : batches).entries()) {
      const what = `configuring WireGuard device ${name}`;
      ask(this.#socket, this.#family, what, (writer) => {
        encodeDevice(writer, WG_CMD.SET_DEVICE, name);
        if (index === 0) encodeSettings(writer, settings);
        if (batch.length > 0) encodePeers(writer, batch);
      });
    }
  }

  [Symbol.dispose](): void {
    this.#socket[Symbol.dispose]();
  }
}

/** Peers by what fits in one message. */
function batched(peers: readonly WireguardPeerChange[]): readonly (readonly WireguardPeerChange[])[] {
  const batches: WireguardPeerChange[][] = [];
  let size = PEER_BYTES;
  for (const peer of peers) {
    size += peerSize(peer);
    if (size > PEER_BYTES) {
      batches.push([]);
      size = peerSize(peer);
    }
    batches.at(-1)!.push(peer);
  }
  return batches;
}
