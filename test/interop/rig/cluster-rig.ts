import { formatIp, parseIp } from '../../../src/base/ip/index.ts';
import type { Ip } from '../../../src/base/ip/index.ts';
import { replaceAll } from '../../../src/core/nft/index.ts';
import type { ClusterState, NodeEndpoint, PodEndpoint } from '../../../src/core/policy/index.ts';
import { openConntrack } from '../../../src/host/conntrack/kernel.ts';
import { openNftables } from '../../../src/host/nftables/kernel.ts';
import { interfaceOf } from '../../golden/compiled-node.ts';
import { rulesetsOf } from '../../golden/compiled-state.ts';
import { Namespaces } from './namespaces.ts';

/** A network place of the rig. */
export interface RigPlace {
  /** `namespace/name` of a pod, a node's name, or `outside`. */
  readonly name: string;
  readonly kind: 'pod' | 'node' | 'outside';
  readonly netns: string;
  readonly addresses: readonly Ip[];
}

/** Hardware address of a generated node, `node-N`, on the segment. */
export function underlayMac(node: string): string {
  return `02:00:00:00:01:0${node.slice('node-'.length)}`;
}

/** What connections are marked with that came through the node. */
export function returnMark(node: string): number {
  return (Number(node.slice('node-'.length)) + 1) << 8;
}

const OUTSIDE = ['203.0.113.10', '2001:db8:113::10'];

/**
 * A generated cluster as real network namespaces: its nodes on one segment with plain routes to each other's pods, a
 * router, a host outside, and the filters that the calculation makes for each node. Needs root.
 */
export class ClusterRig implements AsyncDisposable {
  readonly places: readonly RigPlace[];
  readonly #namespaces: Namespaces;

  constructor(namespaces: Namespaces, places: readonly RigPlace[]) {
    this.#namespaces = namespaces;
    this.places = places;
  }

  static async create(state: ClusterState): Promise<ClusterRig> {
    const nodes = [...state.nodes.keys()];
    const pods = [...state.pods.values()].filter((pod) => !pod.hostNetwork && !pod.completed);
    const keyOf = (pod: PodEndpoint) => pod.key;
    const addressesOf = ({ addresses }: PodEndpoint | NodeEndpoint): [string, string] =>
      addresses.slice(0, 2).map(formatIp) as [string, string];
    const namespaces = await Namespaces.create(['router', 'outside', ...nodes, ...pods.map(keyOf)]);
    const run = (name: string, script: string): void => namespaces.run(name, script);
    const up = `ip link set lo up; for f in ipv4/ip_forward ipv6/conf/all/forwarding; do echo 1 >/proc/sys/net/$f; done
      for f in /proc/sys/net/ipv6/conf/*/dad_transmits; do echo 0 >$f; done`;
    run(
      'router',
      `${up}; ip link add br0 type bridge; ip link set br0 up
      ip addr add 172.30.1.1/24 dev br0; ip addr add fd00:30:1::1/64 dev br0 nodad
      ip link add out0 type veth peer name eth0 netns ${namespaces.pid('outside')}; ip link set out0 up
      ip addr add 203.0.113.1/24 dev out0; ip addr add 2001:db8:113::1/64 dev out0 nodad`,
    );
    run(
      'outside',
      `${up}; ip link set eth0 up; ip addr add 203.0.113.10/24 dev eth0
      ip addr add 2001:db8:113::10/64 dev eth0 nodad; ip route add default via 203.0.113.1
      ip route add default via 2001:db8:113::1`,
    );
    for (const node of nodes) {
      run(
        'router',
        `ip link add ${node} type veth peer name eth0 address ${underlayMac(node)} netns ${namespaces.pid(node)}
        ip link set ${node} master br0 up`,
      );
      const [v4, v6] = addressesOf(state.nodes.get(node)!);
      run(
        node,
        `${up}; ip link set eth0 up; ip addr add ${v4}/24 dev eth0; ip addr add ${v6}/64 dev eth0 nodad
        ip route add default via 172.30.1.1; ip route add default via fd00:30:1::1`,
      );
    }
    for (const [i, node] of nodes.entries()) {
      const [v4, v6] = addressesOf(state.nodes.get(node)!);
      for (const other of ['router', ...nodes.filter((each) => each !== node)])
        namespaces.run(
          other,
          `ip route add 10.244.${i}.0/24 via ${v4}; ip route add fd00:10:244::${i}:0/112 via ${v6} `,
        );
      // Answers to clients that came by this node go back by it.
      const mark = `0x${returnMark(node).toString(16)}/0xffff00`;
      for (const other of nodes.filter((each) => each !== node))
        namespaces.run(
          other,
          `ip rule add fwmark ${mark} lookup ${i + 100}; ip -6 rule add fwmark ${mark} lookup ${i + 100}
          ip route add default via ${v4} table ${i + 100}; ip -6 route add default via ${v6} table ${i + 100}`,
        );
    }
    for (const [i, pod] of pods.entries()) {
      const [key, link] = [keyOf(pod), interfaceOf(keyOf(pod))];
      const [v4, v6] = addressesOf(pod);
      const mac = `02:00:00:00:00:${(i + 1).toString(16).padStart(2, '0')}`;
      run(
        pod.node!,
        `ip link add ${link} address ee:ee:ee:ee:ee:ee type veth peer name eth0 address ${mac} netns ${namespaces.pid(key)}
        ip link set ${link} up; ip route add ${v4}/32 dev ${link}; ip route add ${v6}/128 dev ${link}
        ip neigh add ${v4} lladdr ${mac} dev ${link} nud permanent; ip neigh add ${v6} lladdr ${mac} dev ${link} nud permanent`,
      );
      run(
        key,
        `${up}; ip link set eth0 up; ip addr add ${v4}/32 dev eth0; ip addr add ${v6}/128 dev eth0 nodad
        ip route add 169.254.1.1 dev eth0; ip neigh add 169.254.1.1 lladdr ee:ee:ee:ee:ee:ee dev eth0 nud permanent
        ip neigh add fe80::1 lladdr ee:ee:ee:ee:ee:ee dev eth0 nud permanent
        ip route add default via 169.254.1.1; ip route add default via fe80::1 dev eth0`,
      );
    }
    // Until an interface's own IPv6 address is certain to be unique, it cannot ask for its neighbours.
    const settled = 'for i in $(seq 100); do ip -6 addr show tentative | grep -q . || exit 0; sleep 0.05; done; exit 1';
    for (const name of ['router', 'outside', ...nodes, ...pods.map(keyOf)]) run(name, settled);
    const rig = new ClusterRig(namespaces, [
      ...pods.map((pod): RigPlace => ({
        name: keyOf(pod),
        kind: 'pod',
        netns: namespaces.path(keyOf(pod)),
        addresses: pod.addresses,
      })),
      ...[...state.nodes.values()].map((node): RigPlace => ({
        name: node.name,
        kind: 'node',
        netns: namespaces.path(node.name),
        // The others are not made here.
        addresses: node.addresses.slice(0, 2),
      })),
      {
        name: 'outside',
        kind: 'outside',
        netns: namespaces.path('outside'),
        addresses: OUTSIDE.map((ip) => parseIp(ip)!),
      },
    ]);
    rig.filter(state);
    return rig;
  }

  /** Gives every node the filter for a state with the same pods and nodes, and has it forget all connections. */
  filter(state: ClusterState): void {
    for (const [node, ruleset] of rulesetsOf(state)) {
      const netns = this.#namespaces.path(node);
      using filter = openNftables({ netns });
      filter.apply(replaceAll(ruleset));
      using conntrack = openConntrack({ netns });
      conntrack.delete(conntrack.dump());
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#namespaces[Symbol.asyncDispose]();
  }
}
