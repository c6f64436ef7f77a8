import { hostCidr, parseCidr, parseIp } from '../../src/base/ip/index.ts';
import type { Ip } from '../../src/base/ip/index.ts';
import { openNetlink } from '../../src/host/netlink/kernel.ts';
import type { NetworkChange } from '../../src/host/netlink/port.ts';
import { createNetns } from '../../src/host/netns/netns.ts';

const GATEWAY = parseIp('169.254.1.1')!;
const GATEWAY_MAC = 'ee:ee:ee:ee:ee:ee';

/** The n-th pod as the agent wires it, under a tmpfs at /mnt. Returns its namespace's path. */
export function addPod(n: number): string {
  const netns = `/mnt/pod-${n}`;
  const mac = `02:00:00:00:00:0${n}`;
  const ip = addressOf(n);
  createNetns(netns);
  using node = openNetlink();
  node.apply([
    {
      kind: 'add-link',
      link: { type: 'veth', name: interfaceOf(n), mac: GATEWAY_MAC, up: true, peer: { name: 'eth0', mac, netns } },
    },
    { kind: 'add-route', route: { destination: hostCidr(ip), link: interfaceOf(n) } },
    { kind: 'replace-neighbour', neighbour: { link: interfaceOf(n), ip, mac } },
  ]);
  using pod = openNetlink({ netns });
  const eth0 = { link: 'eth0' };
  const changes: readonly NetworkChange[] = [
    { kind: 'set-link', ...eth0, up: true },
    { kind: 'add-address', address: { ...eth0, address: hostCidr(ip) } },
    { kind: 'replace-neighbour', neighbour: { ...eth0, ip: GATEWAY, mac: GATEWAY_MAC } },
    { kind: 'add-route', route: { destination: hostCidr(GATEWAY), ...eth0 } },
    { kind: 'add-route', route: { destination: parseCidr('0.0.0.0/0')!, via: GATEWAY, ...eth0 } },
  ];
  pod.apply(changes);
  return netns;
}

/** The address of the n-th pod. */
export function addressOf(n: number): Ip {
  return { family: 4, value: 0x0a_f4_00_01n + BigInt(n) };
}

/** The node's end of the n-th pod's link. */
export function interfaceOf(n: number): string {
  return `slc${n.toString(16).padStart(11, '0')}`;
}
