import { hasCode } from '../../base/errors.ts';
import { hostCidr } from '../../base/ip/index.ts';
import type { Ip } from '../../base/ip/index.ts';
import { NODE_LINK_MARK } from '../../core/nft/pod-table.ts';
import type { NetworkChange } from '../../host/netlink/port.ts';
import { NODE_LINK } from './endpoint-record.ts';
import type { EndpointRecord, MacvlanPlace } from './endpoint-record.ts';
import { EVERYTHING, POD_GATEWAY, prepareIpv6 } from './pod-link.ts';
import type { PodLinkDependencies } from './pod-link.ts';

/** Routing table, in the pod, of what answers the node, and the priority of the rule that leads there. */
const NODE_TABLE = 4;
const NODE_RULE = 100;

/**
 * Gives the pod its device on the segment with addresses and routes, and sends what is for the node, or answers what came
 * from it, by the link to the node. `node` are the node's addresses; `guard` is called when the device is there and still
 * down. Throws the kernel's error.
 */
export function createMacvlan(
  record: EndpointRecord,
  { master, mode, places }: MacvlanPlace,
  node: readonly Ip[],
  { netlink, openPod, guard }: PodLinkDependencies & { readonly guard: () => void },
): void {
  const { ifname, netns, mac, mtu, addresses } = record;
  const pod = openPod(netns);
  try {
    // Kernels look for the new name among the node's links, too, and there may well be an eth0 there.
    const name = record.interface.replace(/^slc/, 'mvl');
    netlink.apply([{ kind: 'add-link', link: { type: 'macvlan', name, parent: master, mode, netns, mtu, mac } }]);
    pod.netlink.apply([{ kind: 'set-link', link: name, name: ifname }]);
    guard();
    // Neighbours that remember another hardware address are told of the new one.
    pod.sysctl.write(`net/ipv4/conf/${ifname}/arp_notify`, 1);
    // Clients of NodePorts come by a link that no route to them leads to.
    pod.sysctl.write(`net/ipv4/conf/${NODE_LINK}/rp_filter`, 2);
    prepareIpv6(record, ifname, pod.sysctl);
    const addressed = addresses.map((ip, index): NetworkChange => ({
      kind: 'replace-address',
      address: { link: ifname, address: { ip, prefix: places[index]!.prefix } },
    }));
    pod.netlink.apply([...addressed, { kind: 'set-link', link: ifname, up: true }]);
    pod.netlink.apply(addresses.flatMap((ip, index) => routesOf(ifname, ip, places[index]!.gateway, node)));
    pod.netlink.attempt(rules(addresses, 'delete-rule'));
    pod.netlink.apply(rules(addresses, 'add-rule'));
  } finally {
    pod.netlink[Symbol.dispose]();
  }
}

/** Leads what is for the node, whose addresses may have changed, by the link to it. Throws the kernel's error. */
export function leadToNode(record: EndpointRecord, node: readonly Ip[], { openPod }: PodLinkDependencies): void {
  const pod = openPod(record.netns);
  try {
    pod.netlink.apply(record.addresses.flatMap((ip) => nodeRoutes(ip, node)));
  } finally {
    pod.netlink[Symbol.dispose]();
  }
}

/** Takes the device away, if there is one. */
export function deleteMacvlan({ netns, ifname }: EndpointRecord, { openPod }: PodLinkDependencies): void {
  const pod = openPod(netns);
  try {
    const [error] = pod.netlink.attempt([{ kind: 'delete-link', link: ifname }]);
    if (error !== undefined && !hasCode(error, 'not-found')) throw error;
  } finally {
    pod.netlink[Symbol.dispose]();
  }
}

function routesOf(ifname: string, ip: Ip, gateway: Ip | undefined, node: readonly Ip[]): readonly NetworkChange[] {
  const via = POD_GATEWAY[ip.family];
  const destination = EVERYTHING[ip.family];
  // Even the loose check of IPv4's reverse paths wants an address on the link that a packet comes by.
  const shared = { kind: 'replace-address', address: { link: NODE_LINK, address: hostCidr(ip) } } as const;
  return [
    ...(ip.family === 4 ? [shared] : []),
    ...nodeRoutes(ip, node),
    { kind: 'replace-route', route: { destination, via, link: NODE_LINK, table: NODE_TABLE } },
    ...(gateway === undefined
      ? []
      : [{ kind: 'replace-route', route: { destination, via: gateway, link: ifname } } as const]),
  ];
}

function nodeRoutes(ip: Ip, node: readonly Ip[]): readonly NetworkChange[] {
  const via = POD_GATEWAY[ip.family];
  return node
    .filter(({ family }) => family === ip.family)
    .map((own) => ({
      kind: 'replace-route',
      route: { destination: hostCidr(own), via, link: NODE_LINK, source: ip },
    }));
}

function rules(addresses: readonly Ip[], kind: 'add-rule' | 'delete-rule'): readonly NetworkChange[] {
  const mark = { value: NODE_LINK_MARK, mask: NODE_LINK_MARK };
  const families = [...new Set(addresses.map(({ family }) => family))];
  return families.map((family) => ({ kind, rule: { family, priority: NODE_RULE, table: NODE_TABLE, mark } }));
}
