import { whenReadable } from '../libc.ts';
import { decodeAddress } from './address-codec.ts';
import { RTM } from './change-codec.ts';
import { decodeLink } from './link-codec.ts';
import type { NetlinkMessage } from './message.ts';
import { decodeNeighbour } from './neighbour-codec.ts';
import type { NetworkEvent, NetworkTopic } from './port.ts';
import { decodeRoute } from './route-codec.ts';
import { decodeRule } from './rule-codec.ts';
import type { NetlinkSocket } from './socket.ts';

/** RTNLGRP_* (linux/rtnetlink.h). */
const GROUPS: Readonly<Record<NetworkTopic, readonly number[]>> = {
  link: [1],
  neighbour: [3],
  address: [5, 9],
  route: [7, 11],
  rule: [8, 19],
};
/** Room for a burst of some thousand events while the event loop is busy. */
const QUEUE = 4 * 1024 * 1024;
/** Datagrams per turn of the event loop, so that a storm does not starve the rest. */
const TURN = 256;
const AF_BRIDGE = 7;

/** Delivers the events of `topics` that arrive at `socket`, which it owns from now on. */
export function watchNetwork(
  socket: NetlinkSocket,
  topics: readonly NetworkTopic[],
  listener: (event: NetworkEvent) => void,
): Disposable {
  using setup = new DisposableStack();
  setup.use(socket);
  socket.growReceiveQueue(QUEUE);
  for (const topic of topics) for (const group of GROUPS[topic]) socket.join(group);
  setup.use(whenReadable(socket.fd, () => deliver(socket, listener)));
  return setup.move();
}

function deliver(socket: NetlinkSocket, listener: (event: NetworkEvent) => void): void {
  for (let turn = 0; turn < TURN; turn++) {
    const messages = socket.receive();
    if (messages === 'empty') return;
    if (messages === 'overrun') {
      listener({ kind: 'overrun' });
      continue;
    }
    for (const message of messages) {
      const event = decodeEvent(message);
      if (event !== undefined) listener(event);
    }
  }
}

/** The event that a multicast message tells of; undefined for what Sluice does not use. */
function decodeEvent({ type, payload }: NetlinkMessage): NetworkEvent | undefined {
  switch (type) {
    case RTM.NEWLINK:
    case RTM.DELLINK:
      // The bridge family reports ports, not links.
      return payload[0] === AF_BRIDGE
        ? undefined
        : { kind: 'link', gone: type === RTM.DELLINK, link: decodeLink(payload) };
    case RTM.NEWADDR:
    case RTM.DELADDR: {
      const address = decodeAddress(payload);
      return address === undefined ? undefined : { kind: 'address', gone: type === RTM.DELADDR, address };
    }
    case RTM.NEWROUTE:
    case RTM.DELROUTE: {
      const route = decodeRoute(payload);
      return route === undefined ? undefined : { kind: 'route', gone: type === RTM.DELROUTE, route };
    }
    case RTM.NEWNEIGH:
    case RTM.DELNEIGH: {
      const neighbour = decodeNeighbour(payload);
      return neighbour === undefined ? undefined : { kind: 'neighbour', gone: type === RTM.DELNEIGH, neighbour };
    }
    case RTM.NEWRULE:
    case RTM.DELRULE: {
      const rule = decodeRule(payload);
      return rule === undefined ? undefined : { kind: 'rule', gone: type === RTM.DELRULE, rule };
    }
    default:
      return undefined;
  }
}
