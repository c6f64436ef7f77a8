import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseCidr, parseIp } from '../../../src/base/ip/index.ts';
import { createCalcEngine } from '../../../src/core/calc/index.ts';
import type { CalcEngine, Delta } from '../../../src/core/calc/index.ts';
import { replaceAll } from '../../../src/core/nft/index.ts';
import type { PodEndpoint } from '../../../src/core/policy/index.ts';
import { vtepMac } from '../../../src/core/routing/index.ts';
import { openNftables } from '../../../src/host/nftables/kernel.ts';
import type { Nftables } from '../../../src/host/nftables/port.ts';
import { Namespaces } from './namespaces.ts';

/** Port that every place of the rig answers on, with its name and the client's address. */
export const PORT = 8080;

const NODES = ['node-1', 'node-2'] as const;

/** The pods of the rig, with node, address and host-side interface. */
export const PODS = {
  'web-1': { node: 'node-1', ip: '10.244.1.2', interface: 'slc00000000001' },
  'client-1': { node: 'node-1', ip: '10.244.1.3', interface: 'slc00000000002' },
  'web-2': { node: 'node-2', ip: '10.244.2.2', interface: 'slc00000000003' },
} as const;

export const NODE_IPS = { 'node-1': '172.30.1.11', 'node-2': '172.30.1.12' } as const;
/** Mark of answers that go back through the only peer. */
const RETURN_MARK = 0x100;
const TUNNELS = { 'node-1': '10.244.1.1', 'node-2': '10.244.2.1' } as const;
export const OUTSIDE = '203.0.113.10';

export type PodName = keyof typeof PODS;
export type NodeName = keyof typeof NODE_IPS;
export type PlaceName = PodName | NodeName | 'outside';

/**
 * Two nodes joined by VXLAN, three pods and a host outside, each a network namespace of its own with real interfaces;
 * the nodes' filters come from the calculation. Needs root.
 */
export class TwoNodes implements AsyncDisposable {
  readonly #namespaces: Namespaces;
  readonly #peers = new Map<string, Peer>();
  readonly #engines = new Map<NodeName, CalcEngine>();
  readonly #filters = new Map<NodeName, Nftables>();

  constructor(namespaces: Namespaces) {
    this.#namespaces = namespaces;
  }

  static async create(): Promise<TwoNodes> {
    const rig = new TwoNodes(await Namespaces.create(['router', 'outside', ...NODES, ...Object.keys(PODS)]));
    rig.#wire();
    for (const node of NODES) {
      const engine = createCalcEngine({ node, families: [4] });
      for (const delta of clusterDeltas(node)) engine.apply(delta);
      engine.flush();
      const filter = openNftables({ netns: rig.#namespaces.path(node) });
      filter.apply(replaceAll(engine.ruleset()));
      rig.#engines.set(node, engine);
      rig.#filters.set(node, filter);
    }
    await Promise.all(
      ['outside', ...NODES, ...Object.keys(PODS)].map(async (name) => {
        rig.#peers.set(name, await Peer.start(name, rig.#namespaces.path(name)));
      }),
    );
    return rig;
  }

  /** Brings a change to both nodes. */
  apply(...deltas: Delta[]): void {
    for (const [node, engine] of this.#engines) {
      for (const delta of deltas) engine.apply(delta);
      this.#filters.get(node)!.apply(engine.flush().transaction);
    }
  }

  /** `NAME ADDRESS` of who answered and whom it saw; or an errno, or `timeout`. */
  ask(from: PlaceName, address: string, port: number, protocol: 'tcp' | 'udp' = 'tcp'): Promise<string> {
    return this.#peers.get(from)!.ask(protocol, address, port);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const filter of this.#filters.values()) filter[Symbol.dispose]();
    for (const peer of this.#peers.values()) peer.stop();
    await this.#namespaces[Symbol.asyncDispose]();
  }

  #wire(): void {
    const run = (name: string, script: string): void => this.#namespaces.run(name, script);
    const pid = (name: string): number => this.#namespaces.pid(name);
    const forward = 'echo 1 >/proc/sys/net/ipv4/ip_forward; ip link set lo up';
    run(
      'router',
      `${forward}; ip link add br0 type bridge; ip addr add 172.30.1.1/24 dev br0; ip link set br0 up
      ip link add out0 type veth peer name eth0 netns ${pid('outside')}; ip addr add 203.0.113.1/24 dev out0; ip link set out0 up`,
    );
    run(
      'outside',
      `ip addr add ${OUTSIDE}/24 dev eth0; ip link set eth0 up; ip link set lo up; ip route add default via 203.0.113.1`,
    );
    for (const node of NODES) {
      run(
        'router',
        `ip link add ${node} type veth peer name eth0 netns ${pid(node)}; ip link set ${node} master br0 up`,
      );
      run(
        node,
        `${forward}; ip addr add ${NODE_IPS[node]}/24 dev eth0; ip link set eth0 up; ip route add default via 172.30.1.1
        ip link add vxlan.sluice address ${vtepMac(node)} type vxlan id 4096 dstport 4789 local ${NODE_IPS[node]} nolearning
        ip addr add ${TUNNELS[node]}/32 dev vxlan.sluice; ip link set vxlan.sluice up
        echo 2 >/proc/sys/net/ipv4/conf/vxlan.sluice/rp_filter`,
      );
    }
    for (const node of NODES) {
      const peer = node === 'node-1' ? 'node-2' : 'node-1';
      run(
        node,
        `ip route add ${TUNNELS[peer].replace(/1$/, '0/24')} via ${TUNNELS[peer]} dev vxlan.sluice onlink
        ip neigh add ${TUNNELS[peer]} lladdr ${vtepMac(peer)} dev vxlan.sluice nud permanent
        ip rule add fwmark ${RETURN_MARK}/0xffff00 lookup 100 priority 100
        ip route add default via ${TUNNELS[peer]} dev vxlan.sluice onlink table 100
        bridge fdb add ${vtepMac(peer)} dev vxlan.sluice dst ${NODE_IPS[peer]}`,
      );
    }
    for (const [name, { node, ip, interface: link }] of Object.entries(PODS)) {
      run(
        node,
        `ip link add ${link} type veth peer name eth0 netns ${pid(name)}; ip link set ${link} address ee:ee:ee:ee:ee:ee up
        echo 1 >/proc/sys/net/ipv4/conf/${link}/proxy_arp; ip route add ${ip}/32 dev ${link}`,
      );
      run(
        name,
        `ip addr add ${ip}/32 dev eth0; ip link set eth0 up; ip link set lo up; ip route add 169.254.1.1 dev eth0
        ip neigh add 169.254.1.1 lladdr ee:ee:ee:ee:ee:ee dev eth0 nud permanent; ip route add default via 169.254.1.1`,
      );
    }
  }
}

/** A process in one namespace that answers there and asks for us. */
class Peer {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, (result: string) => void>();
  #next = 0;

  constructor(process: ChildProcess) {
    this.#process = process;
  }

  static async start(name: string, netns: string): Promise<Peer> {
    const script = join(import.meta.dirname, 'echo-peer.ts');
    const child = spawn('nsenter', [`--net=${netns}`, process.execPath, script, name, String(PORT)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const peer = new Peer(child);
    const lines = createInterface({ input: child.stdout! });
    await once(lines, 'line');
    lines.on('line', (line) => {
      const { id, result } = JSON.parse(line) as { id: number; result: string };
      peer.#waiting.get(id)?.(result);
      peer.#waiting.delete(id);
    });
    return peer;
  }

  ask(protocol: 'tcp' | 'udp', address: string, port: number): Promise<string> {
    const id = this.#next++;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#process.stdin!.write(`${JSON.stringify({ id, protocol, address, port })}\n`);
    });
  }

  stop(): void {
    this.#process.stdin!.end();
  }
}

function clusterDeltas(node: NodeName): Delta[] {
  const pool = { name: 'pool', cidr: parseCidr('10.244.0.0/16')!, natOutgoing: true };
  const nodes = NODES.map((name): Delta => ({
    kind: 'node',
    key: name,
    value: {
      kind: 'node',
      key: name,
      name,
      labels: {},
      addresses: [parseIp(NODE_IPS[name])!],
      tunnelAddresses: [parseIp(TUNNELS[name])!],
    },
  }));
  const pods = Object.keys(PODS).flatMap((name): Delta[] => {
    const pod = podOf(name as PodName);
    const { interface: link } = PODS[name as PodName];
    const wired = { id: name, interface: link, pod: pod.key, addresses: pod.addresses };
    const here: Delta[] = pod.node === node ? [{ kind: 'local-endpoint', key: name, value: wired }] : [];
    return [{ kind: 'pod', key: pod.key, value: pod }, ...here];
  });
  const peers = NODES.filter((name) => name !== node).map((name): Delta => ({
    kind: 'peer',
    key: name,
    value: { mac: vtepMac(name), mark: RETURN_MARK },
  }));
  return [{ kind: 'pool', key: 'pool', value: pool }, ...nodes, ...peers, ...pods];
}

/** The pod as policy sees it; its labels are `app: NAME without number`. */
function podOf(name: PodName): PodEndpoint {
  const { node, ip } = PODS[name];
  return {
    kind: 'pod',
    key: `default/${name}`,
    namespace: 'default',
    name,
    labels: { app: name.replace(/-\d$/, '') },
    node,
    addresses: [parseIp(ip)!],
    hostNetwork: false,
    completed: false,
    ready: true,
    ports: [{ name: 'http', protocol: 'TCP', port: PORT }],
  };
}
