import { ByteWriter } from '../../base/bytes/index.ts';
import { errnoError } from '../errno.ts';
import {
  NLM_F_ACK,
  NLM_F_CREATE,
  NLM_F_EXCL,
  NLM_F_REPLACE,
  NLM_F_REQUEST,
  NLMSG_ERROR,
  readAck,
  writeMessage,
} from '../netlink/message.ts';
import { NETLINK_ROUTE, NetlinkSocket } from '../netlink/socket.ts';
import type { NetnsRef } from '../netns/netns.ts';
import type { TokenBucket, TrafficControl } from './port.ts';
import {
  decodeDiversion,
  decodeQueued,
  decodeTokenBucket,
  encodeDiversion,
  encodeIngress,
  encodeTcDump,
  encodeTokenBucket,
  INGRESS_HANDLE,
  RTM_TC,
} from './tc-codec.ts';

const NEW = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL;
const REPLACE = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE;

/** The queues of `netns`, or of the namespace that the calling thread is in. */
export function openTrafficControl(options: { readonly netns?: NetnsRef } = {}): TrafficControl {
  return new KernelTrafficControl(NetlinkSocket.open(NETLINK_ROUTE, options));
}

class KernelTrafficControl implements TrafficControl {
  readonly #socket: NetlinkSocket;

  constructor(socket: NetlinkSocket) {
    this.#socket = socket;
  }

  shape(link: number, bucket: TokenBucket): void {
    const what = `limiting the rate of link ${link}`;
    this.#perform(RTM_TC.NEWQDISC, REPLACE, (writer) => encodeTokenBucket(writer, link, bucket), what);
  }

  bucketOf(link: number): TokenBucket | undefined {
    // The kernel tells of the queues of all links, whichever is asked for.
    return this.#socket
      .dump(RTM_TC.GETQDISC, encodeTcDump, ({ payload }) => decodeTokenBucket(payload), 'listing queues')
      .find((each) => each.link === link)?.bucket;
  }

  queued(): ReadonlySet<number> {
    return new Set(
      this.#socket.dump(RTM_TC.GETQDISC, encodeTcDump, ({ payload }) => decodeQueued(payload), 'listing queues'),
    );
  }

  divert(link: number, to: number): void {
    const what = `leading what comes in by link ${link} through link ${to}`;
    this.#perform(RTM_TC.NEWQDISC, NEW, (writer) => encodeIngress(writer, link), what);
    this.#perform(RTM_TC.NEWTFILTER, NEW, (writer) => encodeDiversion(writer, link, to), what);
  }

  divertedTo(link: number): number | undefined {
    return this.#socket.dump(
      RTM_TC.GETTFILTER,
      (writer) => encodeTcDump(writer, link, INGRESS_HANDLE),
      ({ payload }) => decodeDiversion(payload),
      'listing filters',
    )[0];
  }

  [Symbol.dispose](): void {
    this.#socket[Symbol.dispose]();
  }

  #perform(type: number, flags: number, write: (writer: ByteWriter) => void, what: string): void {
    const sequence = this.#socket.nextSequence();
    const writer = new ByteWriter();
    writeMessage(writer, { type, flags, sequence }, () => write(writer));
    const sent = this.#socket.send(writer.view());
    if (sent < 0) throw errnoError(-sent, what);
    for (;;) {
      const messages = this.#socket.receiveOwed();
      if (messages === 'overrun') continue;
      const answer = messages.find((message) => message.type === NLMSG_ERROR && message.sequence === sequence);
      if (answer === undefined) continue;
      const { errno, remark } = readAck(answer);
      if (errno === 0) return;
      throw errnoError(errno, what, {}, remark);
    }
  }
}
