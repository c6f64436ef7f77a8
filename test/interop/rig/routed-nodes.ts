import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { forgetClients } from '../../../src/app/agent/forget-clients.ts';
import type { Family } from '../../../src/base/ip/index.ts';
import { createCalcEngine } from '../../../src/core/calc/index.ts';
import type { CalcEngine, Delta } from '../../../src/core/calc/index.ts';
import { replaceAll } from '../../../src/core/nft/index.ts';
import type { PodEndpoint } from '../../../src/core/policy/index.ts';
import { DEFAULT_SETTINGS, desiredNetwork, diffNetwork } from '../../../src/core/routing/index.ts';
import type { BackendName, DesiredNetwork } from '../../../src/core/routing/index.ts';
import { openNetlink } from '../../../src/host/netlink/kernel.ts';
import { openNftables } from '../../../src/host/nftables/kernel.ts';
import type { Nftables } from '../../../src/host/nftables/port.ts';
import type { PeerCommand } from './echo-peer.ts';
import { Namespaces } from './namespaces.ts';
import { cidrOf, ipOf, planOf, podLink, PODS, SEGMENTS, underlayMac } from './plan.ts';
import type { NodeName, PlaceName, Plan, PodName } from './plan.ts';

/** Port that every place of the rig answers on, with its name and the client's address. */
export const PORT = 8080;

/**
 * Nodes of one backend and family on two segments, their pods and a host outside, each a network namespace of its own with
 * real interfaces. Links, routes and rules come from the routing core, the nodes' filters from the calculation, and
 * reverse paths are checked strictly wherever routing does not ask for less. Needs root.
 */
export class RoutedNodes implements AsyncDisposable {
  readonly #plan: Plan;
  readonly #namespaces: Namespaces;
  readonly #peers = new Map<string, Peer>();
  readonly #engines = new Map<NodeName, CalcEngine>();
  readonly #filters = new Map<NodeName, Nftables>();

  private constructor(plan: Plan, namespaces: Namespaces) {
    this.#plan = plan;
    this.#namespaces = namespaces;
  }

  static async create(backend: BackendName, family: Family): Promise<RoutedNodes> {
    const plan = planOf(backend, family);
    const answering = ['outside', ...plan.nodes, ...plan.pods];
    const rig = new RoutedNodes(plan, await Namespaces.create(['router', ...answering]));
    rig.#wire();
    for (const node of plan.nodes) rig.#startFilter(node, rig.#route(node));
    await Promise.all(
      answering.map(async (name) => {
        rig.#peers.set(name, await Peer.start(name, rig.#namespaces.path(name), family));
      }),
    );
    return rig;
  }

  /** Brings a change to all nodes. */
  apply(...deltas: Delta[]): void {
    for (const [node, engine] of this.#engines) {
      for (const delta of deltas) engine.apply(delta);
      const { transaction, affinityFlush } = engine.flush();
      const filter = this.#filters.get(node)!;
      filter.apply(transaction);
      forgetClients(filter, affinityFlush);
    }
  }

  /** From here on pods keep their addresses towards nodes and the outside. */
  withoutMasquerade(): void {
    this.apply({
      kind: 'pool',
      key: 'pool',
      value: { name: 'pool', cidr: cidrOf(this.#plan.pool), natOutgoing: false },
    });
    for (const node of this.#plan.nodes) this.#loosen(node, this.#desired(node, true));
  }

  /** From here on the world outside reaches addresses of Services by this node, as by a route that BGP spread. */
  leadToServicesBy(node: NodeName): void {
    const { services, ip } = this.#plan;
    this.#namespaces.run('router', `ip route replace ${services} via ${ip(node)}`);
  }

  /** `NAME ADDRESS` of who answered and whom it saw; or an errno, or `timeout` after far longer than an answer takes. */
  ask(from: PlaceName, address: string, port: number, protocol: 'tcp' | 'udp' = 'tcp'): Promise<string> {
    return this.#peers.get(from)!.ask({ protocol, address, port, patience: 30_000 });
  }

  /** As {@link ask} where no answer is expected: a second of silence is enough. */
  askInVain(from: PlaceName, address: string, port: number, protocol: 'tcp' | 'udp' = 'tcp'): Promise<string> {
    return this.#peers.get(from)!.ask({ protocol, address, port, patience: 1000 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const filter of this.#filters.values()) filter[Symbol.dispose]();
    for (const peer of this.#peers.values()) peer.stop();
    await this.#namespaces[Symbol.asyncDispose]();
  }

  #wire(): void {
    const { nodes, pods, ip, unlisted, router, prefix, family } = this.#plan;
    const run = (name: string, script: string): void => this.#namespaces.run(name, script);
    const pid = (name: string): number => this.#namespaces.pid(name);
    const add = (address: string, device: string): string =>
      `ip addr add ${address} dev ${device}${family === 6 ? ' nodad' : ''}`;
    const up = `ip link set lo up; for f in ipv4/ip_forward ipv6/conf/all/forwarding ipv4/conf/all/rp_filter; do
      echo 1 >/proc/sys/net/$f; done; for f in /proc/sys/net/ipv6/conf/*/dad_transmits; do echo 0 >$f; done`;
    run(
      'router',
      `${up}; for n in 1 2; do ip link add br$n type bridge; ip link set br$n up; done
      ${add(`${router(1)}/${prefix}`, 'br1')}; ${add(`${router(2)}/${prefix}`, 'br2')}
      ip link add out0 type veth peer name eth0 netns ${pid('outside')}; ip link set out0 up
      ${add(`${router('outside')}/${prefix}`, 'out0')}`,
    );
    run(
      'outside',
      `${up}; ip link set eth0 up; ${add(`${ip('outside')}/${prefix}`, 'eth0')}
      ip route add default via ${router('outside')}`,
    );
    for (const node of nodes) {
      run(
        'router',
        `ip link add ${node} type veth peer name eth0 address ${underlayMac(node)} netns ${pid(node)}
        ip link set ${node} master br${SEGMENTS[node]} up`,
      );
      run(
        node,
        `${up}; ip link set eth0 up; ${add(`${ip(node)}/${prefix}`, 'eth0')}
        ${add(`${unlisted(node)}/${prefix}`, 'eth0')}${family === 6 ? ' preferred_lft 0' : ''}
        ip route add default via ${router(SEGMENTS[node])}`,
      );
    }
    const gateway = family === 4 ? '169.254.1.1' : 'fe80::1';
    for (const pod of pods) {
      const { interface: link, mac } = podLink(pod);
      run(
        PODS[pod],
        `ip link add ${link} address ee:ee:ee:ee:ee:ee type veth peer name eth0 address ${mac} netns ${pid(pod)}
        ip link set ${link} up`,
      );
      run(
        pod,
        `${up}; ip link set eth0 up; ${add(`${ip(pod)}/${family === 4 ? 32 : 128}`, 'eth0')}
        ${family === 4 ? `ip route add ${gateway} dev eth0` : ''}
        ip neigh add ${gateway} lladdr ee:ee:ee:ee:ee:ee dev eth0 nud permanent
        ip route add default via ${gateway} dev eth0`,
      );
    }
    // Until an interface's own IPv6 address is certain to be unique, it cannot ask for its neighbours.
    const settled = 'for i in $(seq 100); do ip -6 addr show tentative | grep -q . || exit 0; sleep 0.05; done; exit 1';
    for (const name of ['router', 'outside', ...nodes, ...pods]) run(name, settled);
  }

  /** Gives a node the links, routes and rules that routing wants. */
  #route(node: NodeName): DesiredNetwork {
    const desired = this.#desired(node, false);
    if (desired.problems.length > 0) throw new Error(desired.problems[0]!.message);
    using netlink = openNetlink({ netns: this.#namespaces.path(node) });
    netlink.apply(diffNetwork(desired, NOTHING));
    this.#loosen(node, desired);
    return desired;
  }

  #loosen(node: NodeName, { looseLinks }: DesiredNetwork): void {
    for (const link of looseLinks) this.#namespaces.run(node, `echo 2 >/proc/sys/net/ipv4/conf/${link}/rp_filter`);
  }

  #desired(node: NodeName, plainSources: boolean): DesiredNetwork {
    const { backend, nodes, pods, ip, block, prefix, tunnel } = this.#plan;
    const tunnelAddresses = (name: NodeName) => (backend === 'host-gw' ? {} : { vxlan: [ipOf(tunnel(name))] });
    return desiredNetwork({
      node,
      backend,
      pools: [],
      nodes: new Map(
        nodes.map((name) => [
          name,
          {
            name,
            addresses: [ipOf(ip(name))],
            tunnelAddresses: tunnelAddresses(name),
            underlayMacs: [underlayMac(name)],
          },
        ]),
      ),
      blocks: nodes.map((name) => ({ cidr: cidrOf(block(name)), node: name, elsewhere: [] })),
      endpoints: pods
        .filter((pod) => PODS[pod] === node)
        .map((pod) => ({ ...podLink(pod), addresses: [ipOf(ip(pod))] })),
      underlay: { subnets: [cidrOf(`${ip(node)}/${prefix}`)], links: ['eth0'], mtu: 1500, peerMtu: new Map() },
      plainSources,
      settings: DEFAULT_SETTINGS,
      configuredMtu: 0,
    });
  }

  #startFilter(node: NodeName, { returnPeers }: DesiredNetwork): void {
    const engine = createCalcEngine({ node, families: [this.#plan.family] });
    for (const delta of clusterDeltas(this.#plan, node)) engine.apply(delta);
    for (const { node: key, ...value } of returnPeers) engine.apply({ kind: 'peer', key, value });
    engine.flush();
    const filter = openNftables({ netns: this.#namespaces.path(node) });
    filter.apply(replaceAll(engine.ruleset()));
    this.#engines.set(node, engine);
    this.#filters.set(node, filter);
  }
}

/** A kernel that holds nothing of Sluice's. */
const NOTHING = {
  links: [],
  addresses: [],
  routes: [],
  neighbours: [],
  fdb: [],
  rules: [],
  returnRoutes: [],
};

/** A process in one namespace that answers there and asks for us. */
class Peer {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, (result: string) => void>();
  #next = 0;

  constructor(process: ChildProcess) {
    this.#process = process;
  }

  static async start(name: string, netns: string, family: Family): Promise<Peer> {
    const script = join(import.meta.dirname, 'echo-peer.ts');
    const child = spawn('nsenter', [`--net=${netns}`, process.execPath, script, name, String(PORT), String(family)], {
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

  ask(command: Omit<PeerCommand, 'id'>): Promise<string> {
    const id = this.#next++;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#process.stdin!.write(`${JSON.stringify({ id, ...command })}\n`);
    });
  }

  stop(): void {
    this.#process.stdin!.end();
  }
}

function clusterDeltas(plan: Plan, node: NodeName): Delta[] {
  const pool = { name: 'pool', cidr: cidrOf(plan.pool), natOutgoing: true };
  const nodes = plan.nodes.map((name): Delta => ({
    kind: 'node',
    key: name,
    value: {
      kind: 'node',
      key: name,
      name,
      labels: {},
      addresses: [ipOf(plan.ip(name))],
      tunnelAddresses: plan.backend === 'host-gw' ? [] : [ipOf(plan.tunnel(name))],
    },
  }));
  const pods = plan.pods.flatMap((name): Delta[] => {
    const pod = podOf(plan, name);
    const { interface: link } = podLink(name);
    const wired = { id: name, interface: link, pod: pod.key, addresses: pod.addresses };
    const here: Delta[] = pod.node === node ? [{ kind: 'local-endpoint', key: name, value: wired }] : [];
    return [{ kind: 'pod', key: pod.key, value: pod }, ...here];
  });
  return [{ kind: 'pool', key: 'pool', value: pool }, ...nodes, ...pods];
}

/** The pod as policy sees it; its labels are `app: NAME without number`. */
function podOf(plan: Plan, name: PodName): PodEndpoint {
  return {
    kind: 'pod',
    key: `default/${name}`,
    namespace: 'default',
    name,
    labels: { app: name.replace(/-\d$/, '') },
    node: PODS[name],
    addresses: [ipOf(plan.ip(name))],
    hostNetwork: false,
    completed: false,
    ready: true,
    serviceAccount: 'default',
    ports: [{ name: 'http', protocol: 'TCP', port: PORT }],
  };
}
