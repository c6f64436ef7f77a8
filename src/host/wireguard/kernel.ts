import { Attributes, ByteWriter, attributeText } from '../../base/bytes/index.ts';
import { hasCode } from '../../base/errors.ts';
import { errnoError } from '../errno.ts';
import type { NetnsRef } from '../netns/netns.ts';
import { NLMSG_ERROR, NLM_F_ACK, NLM_F_REQUEST, readAck, writeMessage } from '../netlink/message.ts';
import { NetlinkSocket } from '../netlink/socket.ts';
import { WG_CMD, decodeDevice, encodeDevice, encodePeers, encodeSettings, peerSize } from './codec.ts';
import type { Wireguard, WireguardChange, WireguardDevice, WireguardPeerChange } from './port.ts';

/** linux/netlink.h */
const NETLINK_GENERIC = 16;
/** The family that knows the others (linux/genetlink.h): its id, the command and the attributes of a look-up. */
const GENL_ID_CTRL = 16;
const CTRL_CMD_GETFAMILY = 3;
const CTRL_ATTR_FAMILY_ID = 1;
const CTRL_ATTR_FAMILY_NAME = 2;
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

/** The number by which a generic netlink family is addressed; asking for it loads its module. */
function familyId(socket: NetlinkSocket, name: string): number {
  const answer = ask(socket, GENL_ID_CTRL, `looking up generic netlink family ${name}`, (writer) => {
    writer.u8(CTRL_CMD_GETFAMILY);
    writer.u8(1);
    writer.u16(0);
    attributeText(writer, CTRL_ATTR_FAMILY_NAME, name);
  });
  return new Attributes(answer!.subarray(4)).u16(CTRL_ATTR_FAMILY_ID)!;
}

/** One request, acknowledged; returns the payload of the answer, if there was one besides. */
function ask(
  socket: NetlinkSocket,
  type: number,
  what: string,
  write: (writer: ByteWriter) => void,
): Uint8Array | undefined {
  const sequence = socket.nextSequence();
  const writer = new ByteWriter();
  writeMessage(writer, { type, flags: NLM_F_REQUEST | NLM_F_ACK, sequence }, () => write(writer));
  socket.reserveSend(writer.length);
  const sent = socket.send(writer.view());
  if (sent < 0) throw errnoError(-sent, what);
  let answer: Uint8Array | undefined;
  for (;;) {
    const messages = socket.receiveOwed();
    if (messages === 'overrun') continue;
    for (const message of messages.filter((each) => each.sequence === sequence)) {
      if (message.type !== NLMSG_ERROR) {
        answer = message.payload.slice();
        continue;
      }
      const { errno, remark } = readAck(message);
      if (errno !== 0) throw errnoError(errno, what, {}, remark);
      return answer;
    }
  }
}
