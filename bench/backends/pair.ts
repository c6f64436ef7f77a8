import { execFileSync } from 'node:child_process';
import { formatIp, hostCidr, parseCidr, parseIp } from '../../src/base/ip/index.ts';
import type { Cidr, Ip } from '../../src/base/ip/index.ts';
import { openNetlink } from '../../src/host/netlink/kernel.ts';
import type { NetworkChange } from '../../src/host/netlink/port.ts';
import { createNetns } from '../../src/host/netns/netns.ts';
import { openSysctl } from '../../src/host/sysctl/sysctl.ts';

/** One node of a {@link Pair}: its namespace, its pod's, and their addresses. */
export interface PairNode {
  readonly name: string;
  /** Paths of the namespaces. */
  readonly netns: string;
  readonly pod: string;
  readonly address: Ip;
  readonly podAddress: Ip;
  readonly podMac: string;
  readonly block: Cidr;
  /** For its end of a tunnel, if there is to be one. */
  readonly tunnel: Ip;
}

/** Two nodes on one wire, with a pod each that is wired as the agent does; nothing leads from one pod to the other yet. */
export type Pair = readonly [PairNode, PairNode];

export const POD_LINK = 'slc00000000001';
const GATEWAY = parseIp('169.254.1.1')!;
const GATEWAY_MAC = 'ee:ee:ee:ee:ee:ee';
/** Largest packet of the wire. */
export const MTU = 1500;

/** Largest packets that devices take to be cut later, bytes, where not the usual ones. */
export interface PacketSizes {
  readonly wire?: number;
  readonly pods?: number;
}

/** Makes the namespaces below `directory`, which lies on a file system of its own; pods get `podMtu`. */
export function makePair(directory: string, podMtu: number, { wire: onWire, pods }: PacketSizes = {}): Pair {
  const pair: Pair = [nodeOf(directory, 1), nodeOf(directory, 2)];
  for (const { netns, pod } of pair) for (const path of [netns, pod]) createNetns(path);
  const [first, second] = pair;
  using netlink = openNetlink({ netns: first.netns });
  netlink.apply([
    {
      kind: 'add-link',
      link: {
        type: 'veth',
        name: 'eth0',
        mtu: MTU,
        ...sizeOf(onWire),
        peer: { name: 'eth0', mtu: MTU, netns: second.netns, ...sizeOf(onWire) },
      },
    },
  ]);
  for (const node of pair) wire(node, podMtu, pods);
  return pair;
}

/** Runs commands of a shell in a namespace, as somebody would who sets a network up by hand. */
export function byHand(netns: string, script: string): void {
  execFileSync('nsenter', [`--net=${netns}`, 'sh', '-ec', script]);
}

function sizeOf(packetSize: number | undefined): { readonly packetSize?: number } {
  return packetSize === undefined ? {} : { packetSize };
}

function wire({ netns, pod, address, podAddress, podMac }: PairNode, mtu: number, size?: number): void {
  openSysctl({ netns }).write('net/ipv4/ip_forward', 1);
  using node = openNetlink({ netns });
  node.apply([
    { kind: 'set-link', link: 'lo', up: true },
    { kind: 'set-link', link: 'eth0', up: true },
    { kind: 'add-address', address: { link: 'eth0', address: { ip: address, prefix: 24 } } },
    {
      kind: 'add-link',
      link: {
        type: 'veth',
        name: POD_LINK,
        mac: GATEWAY_MAC,
        mtu,
        up: true,
        ...sizeOf(size),
        peer: { name: 'eth0', mac: podMac, mtu, netns: pod, ...sizeOf(size) },
      },
    },
    { kind: 'add-route', route: { destination: hostCidr(podAddress), link: POD_LINK } },
    { kind: 'replace-neighbour', neighbour: { link: POD_LINK, ip: podAddress, mac: podMac } },
  ]);
  using inside = openNetlink({ netns: pod });
  const eth0 = { link: 'eth0' };
  const changes: readonly NetworkChange[] = [
    { kind: 'set-link', ...eth0, up: true },
    { kind: 'add-address', address: { ...eth0, address: hostCidr(podAddress) } },
    { kind: 'replace-neighbour', neighbour: { ...eth0, ip: GATEWAY, mac: GATEWAY_MAC } },
    { kind: 'add-route', route: { destination: hostCidr(GATEWAY), ...eth0 } },
    { kind: 'add-route', route: { destination: parseCidr('0.0.0.0/0')!, via: GATEWAY, ...eth0 } },
  ];
  inside.apply(changes);
}

function nodeOf(directory: string, n: number): PairNode {
  return {
    name: `node-${n}`,
    netns: `${directory}-node-${n}`,
    pod: `${directory}-pod-${n}`,
    address: parseIp(`172.30.1.${10 + n}`)!,
    podAddress: parseIp(`10.244.${n}.2`)!,
    podMac: `02:00:00:00:01:0${n}`,
    block: parseCidr(`10.244.${n}.0/24`)!,
    tunnel: parseIp(`10.244.${n}.1`)!,
  };
}

/** `node`, its peer, and the peer's block and address as text: what commands are made of. */
export function textOf(
  node: PairNode,
  peer: PairNode,
): Readonly<Record<'own' | 'far' | 'ownTunnel' | 'farTunnel' | 'farBlock', string>> {
  return {
    own: formatIp(node.address),
    far: formatIp(peer.address),
    ownTunnel: formatIp(node.tunnel),
    farTunnel: formatIp(peer.tunnel),
    farBlock: `${formatIp(peer.block.ip)}/${peer.block.prefix}`,
  };
}
