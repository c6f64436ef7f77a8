import { ByteWriter, attributeU32 } from '../../base/bytes/index.ts';
import type { SluiceError } from '../../base/errors.ts';
import { ERRNO, errnoError } from '../errno.ts';
import { ioctl, sendInThread } from '../libc.ts';
import type { NetnsRef } from '../netns/netns.ts';
import { warmThreadPool } from '../netns/netns.ts';
import { RTM } from './change-codec.ts';
import { encodeLinkIndex } from './link-codec.ts';
import { NLMSG_ERROR, NLM_F_ACK, NLM_F_REQUEST, readAck, writeMessage } from './message.ts';
import { NETLINK_ROUTE, NetlinkSocket } from './socket.ts';

/**
 * Deletes links without keeping the caller waiting for the kernel to release them. A deletion takes a link out of every
 * list within 3 ms, but the call returns only after an RCU barrier, 15 to 20 ms later: far too long for an event loop.
 */
export interface LinkReaper extends Disposable {
  /** Resolves when no link of that name is left in the namespace, at once when there is none; rejects with the kernel's error. */
  delete(name: string): Promise<void>;
}

/** Interface index of a name (linux/sockios.h). */
const SIOCGIFINDEX = 0x8933;
/** linux/if.h: `struct ifreq`. */
const IFREQ = 40;
/** linux/if_link.h. */
const IFLA_GROUP = 27;
/** A link group that nobody else uses: all links in it are deleted by one message, with one barrier. */
const CONDEMNED = 0x51dce;
/** Deletions in flight: each occupies one of the four threads of libuv's pool. */
const CYCLES = 2;
/** How often a deletion that is under way is looked at, milliseconds. */
const LOOK = 1;

/** A reaper of the links of `netns`, or of the namespace that the calling thread is in. */
export function openLinkReaper(options: { readonly netns?: NetnsRef } = {}): LinkReaper {
  warmThreadPool();
  return new KernelLinkReaper(Array.from({ length: CYCLES }, () => NetlinkSocket.open(NETLINK_ROUTE, options)));
}

interface Victim {
  readonly name: string;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

class KernelLinkReaper implements LinkReaper {
  #idle: NetlinkSocket[];
  #waiting: Victim[] = [];
  #disposed = false;

  constructor(sockets: NetlinkSocket[]) {
    this.#idle = sockets;
  }

  delete(name: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ name, resolve, reject });
      this.#start();
    });
  }

  /** A socket that a thread is still using is closed when the thread has finished: its number must not be reused before. */
  [Symbol.dispose](): void {
    this.#disposed = true;
    for (const socket of this.#idle) socket[Symbol.dispose]();
    this.#idle = [];
  }

  /** Deletes all that waits at the moment in one cycle, if there is a thread for it. */
  #start(): void {
    const socket = this.#idle.pop();
    if (socket === undefined) return;
    const victims = this.#waiting;
    this.#waiting = [];
    void this.#reap(socket, victims).finally(() => {
      if (this.#disposed) return socket[Symbol.dispose]();
      this.#idle.push(socket);
      if (this.#waiting.length > 0) this.#start();
    });
  }

  async #reap(socket: NetlinkSocket, victims: readonly Victim[]): Promise<void> {
    try {
      const present = victims.filter((victim) => {
        const index = indexOf(victim.name, socket);
        if (index !== undefined && condemn(index, socket)) return true;
        victim.resolve();
        return false;
      });
      if (present.length > 0) await deleteCondemned(present, socket);
    } catch (error) {
      for (const { reject } of victims) reject(error);
    }
  }
}

async function deleteCondemned(victims: readonly Victim[], socket: NetlinkSocket): Promise<void> {
  const sequence = socket.nextSequence();
  const message = request(RTM.DELLINK, sequence, 0);
  let done = false;
  const sent = sendInThread(socket.fd, message).finally(() => (done = true));
  // A link that has left the lists carries no packet any more, and its name is free again.
  let listed = victims;
  while (listed.length > 0 && !done) {
    await new Promise((resolve) => setTimeout(resolve, LOOK));
    listed = listed.filter(({ name, resolve }) => {
      if (indexOf(name, socket) !== undefined) return true;
      resolve();
      return false;
    });
  }
  const length = await sent;
  const failure = length < 0 ? errnoError(ERRNO.EIO, 'deleting links') : answerTo(sequence, socket, 'deleting links');
  for (const { name, resolve, reject } of listed)
    if (failure !== undefined && indexOf(name, socket) !== undefined) reject(failure);
    else resolve();
}

/** Puts a link among those to be deleted; false when it has gone meanwhile. */
function condemn(index: number, socket: NetlinkSocket): boolean {
  const sequence = socket.nextSequence();
  socket.send(request(RTM.NEWLINK, sequence, index));
  const failure = answerTo(sequence, socket, 'changing the group of a link');
  if (failure !== undefined && failure.code !== 'not-found') throw failure;
  return failure === undefined;
}

function request(type: number, sequence: number, index: number): Uint8Array {
  const writer = new ByteWriter();
  writeMessage(writer, { type, flags: NLM_F_REQUEST | NLM_F_ACK, sequence }, () => {
    encodeLinkIndex(writer, index);
    attributeU32(writer, IFLA_GROUP, CONDEMNED);
  });
  return writer.view().slice();
}

/** The error that the kernel answered with; undefined for an acknowledgement. */
function answerTo(sequence: number, socket: NetlinkSocket, what: string): SluiceError | undefined {
  for (;;) {
    const messages = socket.receiveOwed();
    if (messages === 'overrun') continue;
    const answer = messages.find((message) => message.type === NLMSG_ERROR && message.sequence === sequence);
    if (answer === undefined) continue;
    const { errno, remark } = readAck(answer);
    return errno === 0 ? undefined : errnoError(errno, what, {}, remark);
  }
}

function indexOf(name: string, socket: NetlinkSocket): number | undefined {
  const ifreq = new Uint8Array(IFREQ);
  for (let i = 0; i < name.length && i < 15; i++) ifreq[i] = name.charCodeAt(i);
  return ioctl(socket.fd, SIOCGIFINDEX, ifreq) < 0 ? undefined : new DataView(ifreq.buffer).getInt32(16, true);
}
