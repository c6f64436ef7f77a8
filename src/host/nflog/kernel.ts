import { attribute, attributeList, attributeU32be, ByteWriter } from '../../base/bytes/index.ts';
import { errnoError } from '../errno.ts';
import { whenReadable } from '../libc.ts';
import { NLMSG_ERROR, NLM_F_ACK, NLM_F_REQUEST, readAck, writeMessage } from '../netlink/message.ts';
import { NETLINK_NETFILTER, NetlinkSocket } from '../netlink/socket.ts';
import type { NetnsRef } from '../netns/netns.ts';
import type { PacketCopies } from './port.ts';

/** NFNL_SUBSYS_ULOG and its messages (linux/netfilter/nfnetlink_log.h). */
const SUBSYSTEM = 4 << 8;
const PACKET = SUBSYSTEM;
const CONFIG = SUBSYSTEM | 1;
const NFULA_PAYLOAD = 9;
const NFULA_CFG = { CMD: 1, MODE: 2, QTHRESH: 5 } as const;
const BIND = 1;
const COPY_PACKET = 2;
const NFGENMSG = 4;
/** Enough for what a datagram without jumbo frames holds. */
const COPY_BYTES = 9000;
const BUFFER_BYTES = 1024 * 1024;
/** Datagrams per turn of the event loop. */
const TURN = 256;

/** The copies of `netns`, or of the namespace that the calling thread is in. */
export function openPacketCopies(options: { readonly netns?: NetnsRef } = {}): PacketCopies {
  return { listen: (group, look) => listenTo(NetlinkSocket.open(NETLINK_NETFILTER, options), group, look) };
}

function listenTo(socket: NetlinkSocket, group: number, look: (packet: Uint8Array) => void): Disposable {
  using setup = new DisposableStack();
  setup.use(socket);
  socket.growReceiveQueue(BUFFER_BYTES);
  configure(socket, group, (writer) => attribute(writer, NFULA_CFG.CMD, Uint8Array.of(BIND)));
  configure(socket, group, (writer) => {
    const mode = new ByteWriter(6);
    mode.u32be(COPY_BYTES);
    mode.u8(COPY_PACKET);
    mode.u8(0);
    attribute(writer, NFULA_CFG.MODE, mode.view());
    // By default the kernel gathers a hundred packets, or what comes in a second.
    attributeU32be(writer, NFULA_CFG.QTHRESH, 1);
  });
  setup.use(whenReadable(socket.fd, () => deliver(socket, look)));
  return setup.move();
}

function deliver(socket: NetlinkSocket, look: (packet: Uint8Array) => void): void {
  for (let turn = 0; turn < TURN; turn++) {
    const messages = socket.receive();
    if (messages === 'empty') return;
    if (messages === 'overrun') continue;
    for (const { type, payload } of messages) {
      if (type !== PACKET) continue;
      const packet = attributeList(payload.subarray(NFGENMSG)).find(([each]) => each === NFULA_PAYLOAD)?.[1];
      if (packet !== undefined) look(packet);
    }
  }
}

function configure(socket: NetlinkSocket, group: number, write: (writer: ByteWriter) => void): void {
  const what = `listening to packet group ${group}`;
  const writer = new ByteWriter(128);
  const flags = NLM_F_REQUEST | NLM_F_ACK;
  writeMessage(writer, { type: CONFIG, flags, sequence: socket.nextSequence() }, () => {
    // `struct nfgenmsg` (linux/netfilter/nfnetlink.h): any family, version 0, the group.
    writer.u8(0);
    writer.u8(0);
    writer.u16be(group);
    write(writer);
  });
  const sent = socket.send(writer.view());
  if (sent < 0) throw errnoError(-sent, what);
  const messages = socket.receiveOwed();
  if (messages === 'overrun') return;
  for (const message of messages) {
    if (message.type !== NLMSG_ERROR) continue;
    const { errno, remark } = readAck(message);
    if (errno !== 0) throw errnoError(errno, what, {}, remark);
  }
}
