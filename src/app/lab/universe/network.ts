import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { SluiceError } from '../../../base/errors.ts';
import { inNamespaces } from '../../../host/container/namespaces.ts';
import type { NodePlace } from './topology.ts';
import { UNDERLAY } from './topology.ts';

/** Sets up the router in the present network namespace: bridges of both segments, the API's address, forwarding. */
export function makeRouter(): void {
  const { a, b } = UNDERLAY.segments;
  const { api } = UNDERLAY;
  ip([
    'link set lo up',
    `address add ${api.ipv4}/32 dev lo`,
    `address add ${api.ipv6}/128 dev lo nodad`,
    ...[a, b].flatMap(({ bridge, ipv4, ipv6 }) => [
      `link add ${bridge} type bridge`,
      `link set ${bridge} up`,
      `address add ${ipv4}.1/24 dev ${bridge}`,
      `address add ${ipv6}1/64 dev ${bridge} nodad`,
    ]),
  ]);
  for (const [path, value] of [
    ['ipv4/ip_forward', '1'],
    ['ipv6/conf/all/forwarding', '1'],
    // The router is asked for routes to pods by nobody, so a packet for one must not wander back out the way it came.
    ['ipv4/conf/all/send_redirects', '0'],
    ['ipv4/conf/default/send_redirects', '0'],
  ] as const)
    writeFileSync(`/proc/sys/net/${path}`, value);
}

/** Connects the network namespace of process `pid` to its segment, as the node at `place`. */
export function connectNode(place: NodePlace, pid: number): void {
  const near = `v-${place.name}`;
  ip([
    `link add ${near} type veth peer name eth0 netns ${pid}`,
    `link set ${near} master ${UNDERLAY.segments[place.segment].bridge} up`,
  ]);
  inNetworkOf(pid, [
    'link set lo up',
    `address add ${place.ipv4}/24 dev eth0`,
    `address add ${place.ipv6}/64 dev eth0 nodad`,
    'link set eth0 up',
    `route add default via ${place.gateway.ipv4}`,
    `route add ::/0 via ${place.gateway.ipv6}`,
  ]);
}

/** Connects the network namespace of process `pid` as the host that stands for the rest of the world. */
export function connectOutside(pid: number): void {
  const { router, host } = UNDERLAY.outside;
  ip([
    `link add outside type veth peer name eth0 netns ${pid}`,
    'link set outside up',
    `address add ${router.ipv4}/24 dev outside`,
    `address add ${router.ipv6}/64 dev outside nodad`,
  ]);
  inNetworkOf(pid, [
    'link set lo up',
    `address add ${host.ipv4}/24 dev eth0`,
    `address add ${host.ipv6}/64 dev eth0 nodad`,
    'link set eth0 up',
    `route add default via ${router.ipv4}`,
    `route add ::/0 via ${router.ipv6}`,
  ]);
}

function inNetworkOf(pid: number, commands: readonly string[]): void {
  inNamespaces({ join: { net: `/proc/${pid}/ns/net` } }, () => ip(commands));
}

function ip(commands: readonly string[]): void {
  const result = spawnSync('/sbin/ip', ['-batch', '-'], { input: `${commands.join('\n')}\n`, encoding: 'utf8' });
  if (result.status === 0) return;
  const reason = result.error?.message ?? result.stderr.trim();
  throw new SluiceError('network-setup', `ip -batch failed: ${reason}`, { commands });
}
