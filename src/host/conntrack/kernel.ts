import { Attributes, ByteWriter } from '../../base/bytes/index.ts';
import { errnoError, ERRNO } from '../errno.ts';
import { close } from '../libc.ts';
import { familyNumber } from '../netlink/address-codec.ts';
import { NLMSG_ERROR, NLM_F_ACK, NLM_F_REQUEST, readAck, writeMessage } from '../netlink/message.ts';
import type { NetlinkMessage } from '../netlink/message.ts';
import { NETLINK_NETFILTER, NetlinkSocket } from '../netlink/socket.ts';
import type { NetnsRef } from '../netns/netns.ts';
import { decodeFlow, encodeFlowFilter, encodeFlowId, encodeFlowName, encodeMark } from './flow-codec.ts';
import { flowKeyOf } from './port.ts';
import type { Conntrack, FlowFilter, TrackedFlow } from './port.ts';

/** NFNL_SUBSYS_CTNETLINK and its messages (linux/netfilter/nfnetlink_conntrack.h). */
const SUBSYSTEM = 1;
const NEW = SUBSYSTEM << 8;
const GET = (SUBSYSTEM << 8) | 1;
const DELETE = (SUBSYSTEM << 8) | 2;
const NFGENMSG = 4;
/** Requests per send: their acknowledgements must fit the receive queue of an unprivileged socket (about 250). */
const BATCH = 100;
const LISTING = 'listing tracked connections';

/** The connection tracking table of `netns`, or of the namespace that the calling thread is in. */
export function openConntrack(options: { readonly netns?: NetnsRef } = {}): Conntrack {
  return new KernelConntrack(NetlinkSocket.open(NETLINK_NETFILTER, options));
}

class KernelConntrack implements Conntrack {
  readonly #socket: NetlinkSocket;

  constructor(socket: NetlinkSocket) {
    this.#socket = socket;
  }

  dump(filter: FlowFilter = {}): readonly TrackedFlow[] {
    return this.#socket.dump(GET, writeFilter(filter), readFlow(filter), LISTING);
  }

  async dumpInBackground(filter: FlowFilter = {}): Promise<readonly TrackedFlow[]> {
    // A socket of its own, so that other calls can be made meanwhile.
    const netns = this.#socket.openNetns();
    try {
      using socket = NetlinkSocket.open(NETLINK_NETFILTER, { netns });
      return await socket.dumpInThread(GET, writeFilter(filter), readFlow(filter), LISTING);
    } finally {
      close(netns);
    }
  }

  setMark(flows: readonly TrackedFlow[], mark: { readonly value: number; readonly mask: number }): number {
    return this.#each(flows, NEW, 'marking a tracked connection', (writer) => encodeMark(writer, mark));
  }

  delete(flows: readonly TrackedFlow[]): number {
    return this.#each(flows, DELETE, 'deleting a tracked connection', encodeFlowId);
  }

  [Symbol.dispose](): void {
    this.#socket[Symbol.dispose]();
  }

  /** One request per flow; returns how many flows were still there. */
  #each(
    flows: readonly TrackedFlow[],
    type: number,
    what: string,
    write: (writer: ByteWriter, flow: TrackedFlow) => void,
  ): number {
    let found = 0;
    for (let start = 0; start < flows.length; start += BATCH) {
      const writer = new ByteWriter(BATCH * 128);
      const waiting = new Set<number>();
      for (const flow of flows.slice(start, start + BATCH)) {
        const sequence = this.#socket.nextSequence();
        waiting.add(sequence);
        writeMessage(writer, { type, flags: NLM_F_REQUEST | NLM_F_ACK, sequence }, () => {
          writeHeader(writer, familyNumber(flow.original.source.family));
          encodeFlowName(writer, flow);
          write(writer, flow);
        });
      }
      const sent = this.#socket.send(writer.view());
      if (sent < 0) throw errnoError(-sent, what);
      found += this.#collect(waiting, what);
    }
    return found;
  }

  #collect(waiting: Set<number>, what: string): number {
    let found = 0;
    let failure: Error | undefined;
    while (waiting.size > 0) {
      const messages = this.#socket.receiveOwed();
      if (messages === 'overrun') throw errnoError(ERRNO.ENOBUFS, what);
      for (const message of messages) {
        if (message.type !== NLMSG_ERROR || !waiting.delete(message.sequence)) continue;
        const { errno, remark } = readAck(message);
        if (errno === 0) found++;
        else if (errno !== ERRNO.ENOENT) failure ??= errnoError(errno, what, {}, remark);
      }
    }
    if (failure !== undefined) throw failure;
    return found;
  }
}

function writeFilter(filter: FlowFilter): (writer: ByteWriter) => void {
  return (writer) => {
    writeHeader(writer, familyNumber(filter.family));
    encodeFlowFilter(writer, filter);
  };
}

function readFlow({ addresses }: FlowFilter): (message: NetlinkMessage) => TrackedFlow | undefined {
  return ({ payload }) => {
    const flow = decodeFlow(new Attributes(payload.subarray(NFGENMSG)));
    return flow !== undefined && touches(flow, addresses) ? flow : undefined;
  };
}

/** `struct nfgenmsg` (linux/netfilter/nfnetlink.h). */
function writeHeader(writer: ByteWriter, family: number): void {
  writer.u32(family);
}

function touches({ original, reply }: TrackedFlow, addresses: ReadonlySet<string> | undefined): boolean {
  if (addresses === undefined) return true;
  return [original.source, original.destination, reply.source, reply.destination].some((ip) =>
    addresses.has(flowKeyOf(ip)),
  );
}
