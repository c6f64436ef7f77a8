import { ByteWriter } from '../../base/bytes/index.ts';
import type { Family, Ip } from '../../base/ip/index.ts';
import type { SluiceError } from '../../base/errors.ts';
import { hasCode } from '../../base/errors.ts';
import { ERRNO, errnoError } from '../errno.ts';
import type { ErrnoCode } from '../errno.ts';
import { close, ioctl } from '../libc.ts';
import type { NetnsRef } from '../netns/netns.ts';
import { decodeAddress, encodeAddressDump } from './address-codec.ts';
import { ChangeBatch } from './change-batch.ts';
import { RTM } from './change-codec.ts';
import { decodeLink, encodeLinkDump, encodeLinkIndex } from './link-codec.ts';
import { NLMSG_ERROR, NLM_F_REQUEST, readAck, writeMessage } from './message.ts';
import { decodeFdb, decodeNeighbour, encodeFdbDump, encodeNeighbourDump } from './neighbour-codec.ts';
import type { Link, LinkRef, Netlink, NetworkChange, NetworkEvent, NetworkTopic, RouteEntry } from './port.ts';
import { decodeRoute, encodeRouteDump, encodeRouteLookup } from './route-codec.ts';
import { decodeRule, encodeRuleDump } from './rule-codec.ts';
import { NETLINK_ROUTE, NetlinkSocket } from './socket.ts';
import { watchNetwork } from './watch.ts';

/** Interface index of a name (linux/sockios.h). */
const SIOCGIFINDEX = 0x8933;
/** linux/if.h: `struct ifreq`. */
const IFREQ = 40;
const MAX_NAME = 15;
const RT_TABLE_LOCAL = 255;

/** rtnetlink of `netns`, or of the namespace that the calling thread is in. */
export function openNetlink(options: { readonly netns?: NetnsRef } = {}): Netlink {
  return new KernelNetlink(NetlinkSocket.open(NETLINK_ROUTE, options));
}

class KernelNetlink implements Netlink {
  readonly #socket: NetlinkSocket;

  constructor(socket: NetlinkSocket) {
    this.#socket = socket;
  }

  links(filter: { readonly kind?: string } = {}): readonly Link[] {
    const all = this.#socket.dump(
      RTM.GETLINK,
      (writer) => encodeLinkDump(writer, filter.kind),
      ({ payload }) => decodeLink(payload),
      'listing links',
    );
    return filter.kind === undefined ? all : all.filter((link) => link.kind === filter.kind);
  }

  link(ref: LinkRef): Link | undefined {
    const index = typeof ref === 'number' ? ref : this.#findIndex(ref);
    if (index === undefined) return undefined;
    const answer = this.#ask(RTM.GETLINK, (writer) => encodeLinkIndex(writer, index), `looking up link ${ref}`);
    if (answer instanceof Uint8Array) return decodeLink(answer);
    if (answer.code === 'not-found') return undefined;
    throw answer;
  }

  addresses(filter: { readonly link?: LinkRef; readonly family?: Family } = {}) {
    const index = this.#filterIndex(filter.link);
    if (index === 'gone') return [];
    return this.#socket.dump(
      RTM.GETADDR,
      (writer) => encodeAddressDump(writer, filter.family, index ?? 0),
      ({ payload }) => decodeAddress(payload),
      'listing addresses',
    );
  }

  routes(filter: Parameters<Netlink['routes']>[0] = {}): readonly RouteEntry[] {
    const link = this.#filterIndex(filter.link);
    if (link === 'gone') return [];
    const families: readonly Family[] = filter.family === undefined ? [4, 6] : [filter.family];
    const { table, protocol } = filter;
    return families.flatMap((family) =>
      this.#dumpRoutes({
        family,
        ...(table === undefined ? {} : { table }),
        ...(protocol === undefined ? {} : { protocol }),
        ...(link === undefined ? {} : { link }),
      }),
    );
  }

  routeTo(destination: Ip, options: { readonly mark?: number; readonly source?: Ip } = {}): RouteEntry | undefined {
    const answer = this.#ask(
      RTM.GETROUTE,
      (writer) => encodeRouteLookup(writer, destination, options),
      'looking up a route',
    );
    if (answer instanceof Uint8Array) return decodeRoute(answer);
    // A blackhole answers EINVAL, a prohibit route EACCES.
    if (['unreachable', 'invalid', 'permission', 'not-found'].includes(answer.code)) return undefined;
    throw answer;
  }

  neighbours(filter: { readonly link?: LinkRef; readonly family?: Family } = {}) {
    const index = this.#filterIndex(filter.link);
    if (index === 'gone') return [];
    return this.#socket.dump(
      RTM.GETNEIGH,
      (writer) => encodeNeighbourDump(writer, filter.family, index),
      ({ payload }) => decodeNeighbour(payload),
      'listing neighbours',
    );
  }

  fdb(filter: { readonly link?: LinkRef } = {}) {
    const index = this.#filterIndex(filter.link);
    if (index === 'gone') return [];
    return this.#socket.dump(
      RTM.GETNEIGH,
      (writer) => encodeFdbDump(writer, index),
      ({ payload }) => decodeFdb(payload),
      'listing forwarding entries',
    );
  }

  rules(filter: { readonly family?: Family; readonly protocol?: number } = {}) {
    const families: readonly Family[] = filter.family === undefined ? [4, 6] : [filter.family];
    const rules = families.flatMap((family) =>
      this.#socket.dump(
        RTM.GETRULE,
        (writer) => encodeRuleDump(writer, family),
        ({ payload }) => decodeRule(payload),
        'listing routing rules',
      ),
    );
    return filter.protocol === undefined ? rules : rules.filter((rule) => rule.protocol === filter.protocol);
  }

  apply(changes: readonly NetworkChange[]): void {
    const failure = this.attempt(changes).find((outcome) => outcome !== undefined);
    if (failure !== undefined) throw failure;
  }

  attempt(changes: readonly NetworkChange[]): readonly (SluiceError<ErrnoCode> | undefined)[] {
    return new ChangeBatch(this.#socket, (ref) => this.#indexOf(ref)).run(changes);
  }

  watch(topics: readonly NetworkTopic[], listener: (event: NetworkEvent) => void): Disposable {
    const netns = this.#socket.openNetns();
    try {
      return watchNetwork(NetlinkSocket.open(NETLINK_ROUTE, { netns }), topics, listener);
    } finally {
      close(netns);
    }
  }

  [Symbol.dispose](): void {
    this.#socket[Symbol.dispose]();
  }

  #dumpRoutes(filter: Parameters<typeof encodeRouteDump>[1]): RouteEntry[] {
    try {
      return this.#socket.dump(
        RTM.GETROUTE,
        (writer) => encodeRouteDump(writer, filter),
        ({ payload }) => {
          const route = decodeRoute(payload);
          return route !== undefined && wanted(route, filter) ? route : undefined;
        },
        'listing routes',
      );
    } catch (error) {
      // A table that never had a route does not exist.
      if (filter.table !== undefined && hasCode(error, 'not-found')) return [];
      throw error;
    }
  }

  /** One request with one answer: its payload, or the error. */
  #ask(type: number, write: (writer: ByteWriter) => void, what: string): Uint8Array | SluiceError<ErrnoCode> {
    const sequence = this.#socket.nextSequence();
    const writer = new ByteWriter();
    writeMessage(writer, { type, flags: NLM_F_REQUEST, sequence }, () => write(writer));
    const sent = this.#socket.send(writer.view());
    if (sent < 0) return errnoError(-sent, what);
    for (;;) {
      const messages = this.#socket.receiveOwed();
      if (messages === 'overrun') return errnoError(ERRNO.ENOBUFS, what);
      const answer = messages.find((message) => message.sequence === sequence);
      if (answer === undefined) continue;
      if (answer.type !== NLMSG_ERROR) return answer.payload;
      const { errno, remark } = readAck(answer);
      return errnoError(errno, what, {}, remark);
    }
  }

  #filterIndex(ref: LinkRef | undefined): number | undefined | 'gone' {
    if (ref === undefined || typeof ref === 'number') return ref;
    return this.#findIndex(ref) ?? 'gone';
  }

  #indexOf(ref: LinkRef): number {
    const index = typeof ref === 'number' ? ref : this.#findIndex(ref);
    if (index === undefined) throw errnoError(ERRNO.ENODEV, `looking up link ${ref}`);
    return index;
  }

  #findIndex(name: string): number | undefined {
    if (name.length === 0 || name.length > MAX_NAME) return undefined;
    const request = new Uint8Array(IFREQ);
    for (let i = 0; i < name.length; i++) request[i] = name.charCodeAt(i);
    if (ioctl(this.#socket.fd, SIOCGIFINDEX, request) < 0) return undefined;
    return new DataView(request.buffer).getInt32(16, true);
  }
}

/** The kernel filters by table, protocol and device only with strict checking, which kernels before 4.20 lack. */
function wanted(route: RouteEntry, filter: Parameters<typeof encodeRouteDump>[1]): boolean {
  return (
    (filter.table === undefined ? route.table !== RT_TABLE_LOCAL : route.table === filter.table) &&
    (filter.protocol === undefined || route.protocol === filter.protocol) &&
    (filter.link === undefined || route.link === filter.link)
  );
}
