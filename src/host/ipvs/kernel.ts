import { formatIp } from '../../base/ip/index.ts';
import { NETLINK_GENERIC, ask, familyId } from '../netlink/generic.ts';
import { NetlinkSocket } from '../netlink/socket.ts';
import type { NetnsRef } from '../netns/netns.ts';
import {
  SLUICE,
  decodeDestination,
  decodeServer,
  encodeChange,
  encodeDestinationsRequest,
  encodeServersRequest,
} from './codec.ts';
import type { Ipvs, IpvsChange, IpvsServerId } from './port.ts';

/**
 * IPVS in `netns`, or in the namespace that the calling thread is in. `owner` is the flag that its servers are known by.
 * Throws `not-found` where the kernel has no IPVS.
 */
export function openIpvs(options: { readonly netns?: NetnsRef; readonly owner?: number } = {}): Ipvs {
  const socket = NetlinkSocket.open(NETLINK_GENERIC, options);
  try {
    return kernelIpvs(socket, familyId(socket, 'IPVS'), options.owner ?? SLUICE);
  } catch (error) {
    socket[Symbol.dispose]();
    throw error;
  }
}

function kernelIpvs(socket: NetlinkSocket, family: number, owner: number): Ipvs {
  return {
    servers: () =>
      socket.dump(family, encodeServersRequest, ({ payload }) => decodeServer(payload, owner), 'reading IPVS servers'),
    destinations: (server) =>
      socket.dump(
        family,
        (writer) => encodeDestinationsRequest(writer, server),
        ({ payload }) => decodeDestination(payload, server.address.family),
        `reading the destinations of IPVS server ${nameOf(server)}`,
      ),
    change: (change) => void ask(socket, family, whatOf(change), (writer) => encodeChange(writer, change, owner)),
    [Symbol.dispose]: () => socket[Symbol.dispose](),
  };
}

function whatOf(change: IpvsChange): string {
  const server = `IPVS server ${nameOf(change.server)}`;
  if (!('destination' in change))
    return `${change.kind}: ${server}${'scheduler' in change.server ? `, scheduler ${change.server.scheduler}` : ''}`;
  const { address, port } = change.destination;
  return `${change.kind}: ${server}, ${formatIp(address)} port ${port}`;
}

function nameOf({ address, protocol, port }: IpvsServerId): string {
  return `${protocol} ${formatIp(address)} port ${port}`;
}
