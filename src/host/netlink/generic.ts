import { Attributes, ByteWriter, attributeText } from '../../base/bytes/index.ts';
import { errnoError } from '../errno.ts';
import { NLMSG_ERROR, NLM_F_ACK, NLM_F_REQUEST, readAck, writeMessage } from './message.ts';
import type { NetlinkSocket } from './socket.ts';

/** The netlink protocol whose families have names (linux/netlink.h). */
export const NETLINK_GENERIC = 16;
/** The family that knows the others (linux/genetlink.h): its id, the command and the attributes of a look-up. */
const GENL_ID_CTRL = 16;
const CTRL_CMD_GETFAMILY = 3;
const CTRL_ATTR_FAMILY_ID = 1;
const CTRL_ATTR_FAMILY_NAME = 2;

/**
 * The number by which a generic netlink family is addressed; asking for it loads its module. Throws `not-found` where the
 * kernel has none of that name.
 */
export function familyId(socket: NetlinkSocket, name: string): number {
  const answer = ask(socket, GENL_ID_CTRL, `looking up generic netlink family ${name}`, (writer) => {
    writer.u8(CTRL_CMD_GETFAMILY);
    writer.u8(1);
    writer.u16(0);
    attributeText(writer, CTRL_ATTR_FAMILY_NAME, name);
  });
  return new Attributes(answer!.subarray(4)).u16(CTRL_ATTR_FAMILY_ID)!;
}

/** One request, acknowledged; returns the payload of the answer, if there was one besides. Throws the kernel's error. */
export function ask(
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
