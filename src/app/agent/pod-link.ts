import { hasCode } from '../../base/errors.ts';
import { bitsOf, equalIp, hostCidr, parseCidr, parseIp } from '../../base/ip/index.ts';
import type { Cidr, Family, Ip } from '../../base/ip/index.ts';
import { MAIN_TABLE } from '../../host/netlink/port.ts';
import type { Netlink, NetworkChange } from '../../host/netlink/port.ts';
import type { Sysctl } from '../../host/sysctl/sysctl.ts';
import { HOST_MAC, NODE_LINK } from './endpoint-record.ts';
import type { EndpointRecord } from './endpoint-record.ts';

/** Every pod's next hop: addresses that exist nowhere, at the host side's hardware address (Calico's choice). */
export const POD_GATEWAY: Readonly<Record<Family, Ip>> = {
  4: parseIp('169.254.1.1')!,
  6: parseIp('fe80::ecee:eeff:feee:eeee')!,
};

/** Where default routes lead. */
export const EVERYTHING: Readonly<Record<Family, Cidr>> = { 4: parseCidr('0.0.0.0/0')!, 6: parseCidr('::/0')! };

/** What runtimes call the interface of a pod's own network, which they make before any other. */
const FIRST = 'eth0';
/** Where a pod's further interfaces have their routes: a table for each, by the number of the link, and its rules. */
const FURTHER = { table: 10_000, priority: 1000 } as const;

/** The network of a node and the way into a pod's. */
export interface PodLinkDependencies {
  readonly netlink: Netlink;
  /** A second netlink and the parameters, bound to the pod's namespace; the caller disposes the netlink. */
  readonly openPod: (netns: string) => { readonly netlink: Netlink; readonly sysctl: Sysctl };
}

/**
 * Creates the pair of interfaces and everything inside the pod: addresses, default routes and the permanent neighbour
 * behind them. Of a pod with a macvlan device the pair leads to the node alone; the rest comes with that. Throws the
 * kernel's error; then nothing of the pair is left. `packetSize` is what both ends take, where that is not the usual.
 */
export function createPodLink(
  record: EndpointRecord,
  { netlink, openPod }: PodLinkDependencies,
  packetSize?: number,
): void {
  const pod = openPod(record.netns);
  try {
    // A pair that an interrupted ADD left behind under the same name is nobody's.
    deletePodLink(record.interface, netlink);
    // The alias is for people who look at `ip link`; the kernel takes 255 bytes (IFALIASZ).
    const alias = `${record.namespace}/${record.pod}`.slice(0, 255);
    netlink.apply([
      { kind: 'add-link', link: newPair(record, packetSize) },
      { kind: 'set-link', link: record.interface, alias },
    ]);
    try {
      prepareIpv6(record, pairedLink(record), pod.sysctl);
      pod.netlink.apply(podChanges(record, pod.netlink));
    } catch (error) {
      deletePodLink(record.interface, netlink);
      throw error;
    }
  } finally {
    pod.netlink[Symbol.dispose]();
  }
}

/** Deletes the pair by its host side; the pod's side goes with it. Does nothing when there is none. */
export function deletePodLink(name: string, netlink: Netlink): void {
  const [error] = netlink.attempt([{ kind: 'delete-link', link: name }]);
  if (error !== undefined && !hasCode(error, 'not-found')) throw error;
}

/** What in the pod differs from what {@link createPodLink} made; empty when nothing does. */
export function inspectPodLink(record: EndpointRecord, { netlink, openPod }: PodLinkDependencies): readonly string[] {
  const problems: string[] = [];
  const host = netlink.link(record.interface);
  if (host === undefined) return [`the node has no interface ${record.interface}`];
  if (!host.up) problems.push(`interface ${record.interface} on the node is down`);
  const pod = openPod(record.netns);
  try {
    const link = pod.netlink.link(record.ifname);
    if (link === undefined) return [...problems, `the pod has no interface ${record.ifname}`];
    if (!link.up) problems.push(`interface ${record.ifname} in the pod is down`);
    const present = pod.netlink.addresses({ link: link.index });
    for (const ip of record.addresses) {
      if (!present.some(({ address }) => address.ip.value === ip.value && address.ip.family === ip.family))
        problems.push(`interface ${record.ifname} in the pod lacks an address of ADD's result`);
      const routes = pod.netlink.routes({ family: ip.family, link: link.index });
      const isolated = record.macvlan?.places.every(({ gateway }) => gateway?.family !== ip.family) ?? false;
      if (!isolated && !routes.some(({ destination }) => destination.prefix === 0))
        problems.push(`the pod has no IPv${ip.family} default route through ${record.ifname}`);
    }
  } finally {
    pod.netlink[Symbol.dispose]();
  }
  return problems;
}

/** The pod's end of the pair. */
function pairedLink({ ifname, macvlan }: EndpointRecord): string {
  return macvlan === undefined ? ifname : NODE_LINK;
}

function newPair(record: EndpointRecord, packetSize: number | undefined) {
  const { interface: name, netns, mac, mtu } = record;
  const size = packetSize === undefined ? {} : { packetSize };
  return {
    type: 'veth',
    name,
    mac: HOST_MAC,
    mtu,
    up: true,
    ...size,
    peer: { name: pairedLink(record), netns, mac, mtu, ...size },
  } as const;
}

/** Addresses must be usable at once: no duplicate address detection, which takes a second, on a link with two ends. */
export function prepareIpv6({ addresses }: EndpointRecord, link: string, sysctl: Sysctl): void {
  if (!addresses.some(({ family }) => family === 6)) return;
  sysctl.write(`net/ipv6/conf/${link}/disable_ipv6`, 0);
  sysctl.write(`net/ipv6/conf/${link}/accept_dad`, 0);
  sysctl.write(`net/ipv6/conf/${link}/accept_ra`, 0);
}

function podChanges(record: EndpointRecord, pod: Netlink): readonly NetworkChange[] {
  const link = pairedLink(record);
  const up = ['lo', link].map((each) => ({ kind: 'set-link', link: each, up: true }) as const);
  if (record.macvlan !== undefined) return [...up, ...record.addresses.flatMap((ip) => wayToNode(link, ip))];
  return [...up, ...record.addresses.flatMap((ip) => familyChanges(link, ip, pod))];
}

/** The next hop behind the pair, in a table of its own where one is given. */
function wayToNode(link: string, ip: Ip, table: { readonly table?: number } = {}): readonly NetworkChange[] {
  const via = POD_GATEWAY[ip.family];
  return [
    { kind: 'replace-neighbour', neighbour: { link, ip: via, mac: HOST_MAC } },
    { kind: 'replace-route', route: { destination: hostCidr(via), link, scope: 'link', ...table } },
  ];
}

/**
 * The pair is the pod's own interface and the way to everybody. Where another interface is that already, this one is the way
 * of what is sent from its address alone: the node drops packets that come by an interface which does not have their source.
 */
function familyChanges(link: string, ip: Ip, pod: Netlink): readonly NetworkChange[] {
  const { family } = ip;
  const own: NetworkChange = { kind: 'replace-address', address: { link, address: hostCidr(ip) } };
  const everything = { destination: EVERYTHING[family], via: POD_GATEWAY[family], link };
  if (!isFurther(link, ip, pod)) return [own, ...wayToNode(link, ip), { kind: 'replace-route', route: everything }];
  const table = FURTHER.table + pod.link(link)!.index;
  const rule = { family, priority: FURTHER.priority, table, from: hostCidr(ip) };
  // Rules outlive the link that they were for, and an address may come back on another.
  const stale = pod.rules({ family }).filter(({ priority, from }) => priority === FURTHER.priority && isOnly(from, ip));
  return [
    own,
    ...wayToNode(link, ip, { table }),
    { kind: 'replace-route', route: { ...everything, table } },
    ...stale.map((each) => ({ kind: 'delete-rule', rule: each }) as const),
    { kind: 'add-rule', rule },
  ];
}

/** Whether another interface of the pod leads to everybody already; its first one need not ask. */
function isFurther(link: string, { family }: Ip, pod: Netlink): boolean {
  if (link === FIRST) return false;
  const index = pod.link(link)?.index;
  const routes = pod.routes({ family, table: MAIN_TABLE });
  return routes.some((route) => route.destination.prefix === 0 && route.link !== undefined && route.link !== index);
}

function isOnly(range: Cidr | undefined, ip: Ip): boolean {
  return range !== undefined && range.prefix === bitsOf(ip.family) && equalIp(range.ip, ip);
}
