import { writeFileSync } from 'node:fs';
import { hasCode } from '../../../base/errors.ts';
import type { Cidr, Ip } from '../../../base/ip/index.ts';
import { parseCidr, parseIp } from '../../../base/ip/index.ts';
import { inNetns, netnsOfPid } from '../../../host/netns/netns.ts';
import { openNetlink } from '../../../host/netlink/kernel.ts';
import type { NetworkChange } from '../../../host/netlink/port.ts';
import type { NodePlace } from './topology.ts';
import { UNDERLAY } from './topology.ts';

/** Sets up the router in the present network namespace: bridges of both segments, the API's address, forwarding. */
export function makeRouter(): void {
  const { a, b } = UNDERLAY.segments;
  const { api } = UNDERLAY;
  apply([
    { kind: 'set-link', link: 'lo', up: true },
    address('lo', `${api.ipv4}/32`),
    address('lo', `${api.ipv6}/128`),
    ...[a, b].flatMap(({ bridge, ipv4, ipv6 }): NetworkChange[] => [
      // An address of its own: else it would have the least of its ports', and with a node that dies or returns every other
      // node of the segment would send to a router that is no more, until its neighbour entry runs out.
      { kind: 'add-link', link: { type: 'bridge', name: bridge, mac: macOf(`${ipv4}.1`), up: true } },
      address(bridge, `${ipv4}.1/24`),
      address(bridge, `${ipv6}1/64`),
    ]),
  ]);
  for (const [path, value] of [
    ['ipv4/ip_forward', '1'],
    ['ipv6/conf/all/forwarding', '1'],
    // Nodes of one segment that send by way of the router are to go on doing so.
    ['ipv4/conf/all/send_redirects', '0'],
    ['ipv4/conf/default/send_redirects', '0'],
  ] as const)
    writeFileSync(`/proc/sys/net/${path}`, value);
}

/** Connects the network namespace of process `pid` to its segment, as the node at `place`. */
export function connectNode(place: NodePlace, pid: number): void {
  // Named after the address: a node's name may be longer than the 15 characters that an interface's has.
  const near = `n${place.segment}-${place.ipv4.split('.')[3]}`;
  const { bridge } = UNDERLAY.segments[place.segment];
  // After a crash the kernel takes its time to clear away the old node's end, and with it this one.
  deleteLink(near);
  const { ipv4, ipv6, gateway } = place;
  // As a machine keeps its network card when it starts anew, its neighbours need not learn another address.
  const peer = { name: 'eth0', mac: macOf(ipv4), netns: netnsOfPid(pid) };
  apply([{ kind: 'add-link', link: { type: 'veth', name: near, master: bridge, up: true, peer } }]);
  connectInside(pid, { addresses: [`${ipv4}/24`, `${ipv6}/64`], gateways: [gateway.ipv4, gateway.ipv6] });
}

/** Connects the network namespace of process `pid` as the host that stands for the rest of the world. */
export function connectOutside(pid: number): void {
  const { router, host } = UNDERLAY.outside;
  apply([
    {
      kind: 'add-link',
      link: { type: 'veth', name: 'outside', up: true, peer: { name: 'eth0', netns: netnsOfPid(pid) } },
    },
    address('outside', `${router.ipv4}/24`),
    address('outside', `${router.ipv6}/64`),
  ]);
  connectInside(pid, {
    addresses: [`${host.ipv4}/24`, `${host.ipv6}/64`],
    gateways: [router.ipv4, router.ipv6],
  });
}

function connectInside(
  pid: number,
  { addresses, gateways }: { readonly addresses: readonly string[]; readonly gateways: readonly string[] },
): void {
  inNetns(netnsOfPid(pid), () =>
    apply([
      { kind: 'set-link', link: 'lo', up: true },
      { kind: 'set-link', link: 'eth0', up: true },
      ...addresses.map((cidr) => address('eth0', cidr)),
      ...gateways.map((gateway): NetworkChange => {
        const destination = cidrOf(gateway.includes(':') ? '::/0' : '0.0.0.0/0');
        return { kind: 'add-route', route: { destination, via: ipOf(gateway) } };
      }),
    ]),
  );
}

/** The hardware address of who has that IPv4 address in the underlay: locally administered (IEEE 802, second bit of the first byte). */
function macOf(ipv4: string): string {
  const bytes = ipv4.split('.').map((byte) => Number(byte).toString(16).padStart(2, '0'));
  return ['02', '00', ...bytes].join(':');
}

/** Deletes a link; that it is gone already, or goes at this moment, is fine. */
function deleteLink(name: string): void {
  using netlink = openNetlink();
  const [error] = netlink.attempt([{ kind: 'delete-link', link: name }]);
  if (error !== undefined && !hasCode(error, 'not-found')) throw error;
}

function apply(changes: readonly NetworkChange[]): void {
  using netlink = openNetlink();
  netlink.apply(changes);
}

function address(link: string, text: string): NetworkChange {
  return { kind: 'add-address', address: { link, address: cidrOf(text) } };
}

function cidrOf(text: string): Cidr {
  const cidr = parseCidr(text);
  if (cidr === undefined) throw new RangeError(`not a CIDR: ${text}`);
  return cidr;
}

function ipOf(text: string): Ip {
  const ip = parseIp(text);
  if (ip === undefined) throw new RangeError(`not an address: ${text}`);
  return ip;
}
