import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseCidr, parseIp } from '../../base/ip/index.ts';
import type { Family } from '../../base/ip/index.ts';
import type { CniReply, CniRequest } from '../../core/cni/index.ts';
import type { BackendName } from '../../core/routing/index.ts';
import { MemoryKubeClient } from '../../host/kube-client/memory-client.ts';
import { IP_POOLS, NAMESPACES, NODES, PODS } from '../../host/kube-client/resources.ts';
import type { ObjectMeta } from '../../host/kube-client/types.ts';
import { openNetlink } from '../../host/netlink/kernel.ts';
import { createNetns, deleteNetns } from '../../host/netns/netns.ts';
import { openSysctl } from '../../host/sysctl/sysctl.ts';
import { runAgent } from './agent.ts';
import { agentWorld } from './agent-world.test-support.ts';
import type { AgentDependencies } from './dependencies.ts';
import { exchange } from './exchange.test-support.ts';
import type { AgentOptions } from './options.ts';
import { NamespacePrograms } from './namespace-programs.test-support.ts';
import { SEGMENTS } from './segments.test-support.ts';
import type { Segment } from './segments.test-support.ts';

/** What became of one CNI ADD. */
export interface TestPod {
  readonly namespace: string;
  readonly name: string;
  readonly node: string;
  readonly netns: string;
  readonly ips: readonly string[];
  readonly request: CniRequest;
}

interface TestNode {
  readonly name: string;
  readonly netns: string;
  readonly segment: Segment;
  /** Of its interface. */
  readonly mac: string;
  /** The last part of its addresses. */
  number: number;
  /** Of its InternalIPs. */
  readonly families: readonly Family[];
  readonly runDir: string;
  readonly stateDir: string;
  readonly plain: boolean;
  stop: AbortController | undefined;
  done: Promise<void>;
}

/**
 * A cluster of network namespaces on one kernel: nodes on bridges in a router namespace, each with the real agent in this
 * process over a fake API, and pods that are attached through the agent's CNI socket. Everything goes with `dispose`.
 */
export class TestCluster extends NamespacePrograms implements AsyncDisposable {
  readonly client = new MemoryKubeClient();
  readonly nodes = new Map<string, TestNode>();
  readonly #directory = mkdtempSync(join(tmpdir(), 'slc-'));
  readonly #backend: BackendName;
  readonly #adapt: (options: AgentOptions) => AgentOptions;
  readonly #families: readonly Family[];
  readonly #world: (node: string) => Partial<AgentDependencies>;
  readonly #namespaces = new Set<string>();
  #containers = 0;

  private constructor(
    backend: BackendName,
    families: readonly Family[],
    adapt: (options: AgentOptions) => AgentOptions,
    world: (node: string) => Partial<AgentDependencies>,
  ) {
    super();
    this.#backend = backend;
    this.#families = families;
    this.#adapt = adapt;
    this.#world = world;
  }

  /**
   * `poolSpec` is what every pool says besides its CIDR; `adapt` changes the options of every agent, `world` what it
   * touches; `families` are those of the nodes' addresses.
   */
  static async create(
    options: {
      backend?: BackendName;
      pools?: readonly string[];
      poolSpec?: object;
      families?: readonly Family[];
      adapt?: (options: AgentOptions) => AgentOptions;
      world?: (node: string) => Partial<AgentDependencies>;
    } = {},
  ): Promise<TestCluster> {
    const { backend = 'vxlan', families = [4, 6], adapt = (each) => each, world = () => ({}) } = options;
    const cluster = new TestCluster(backend, families, adapt, world);
    const router = cluster.makeNetns('router');
    using netlink = openNetlink({ netns: router });
    for (const [segment, ends] of Object.entries(SEGMENTS)) {
      const link = `seg-${segment}`;
      netlink.apply([
        // A bridge that is given no address takes one of its ports', and another when that goes.
        { kind: 'add-link', link: { type: 'bridge', name: link, mac: `02:00:00:00:0${segment}:01`, up: true } },
        ...ends.map(({ router: end, prefix }) => {
          return { kind: 'add-address', address: { link, address: { ip: parseIp(end)!, prefix } } } as const;
        }),
      ]);
    }
    openSysctl({ netns: router }).write('net/ipv4/ip_forward', 1);
    openSysctl({ netns: router }).write('net/ipv6/conf/all/forwarding', 1);
    for (const [i, cidr] of (options.pools ?? ['10.244.0.0/16']).entries())
      await cluster.client.create(IP_POOLS, {
        metadata: { name: `pool-${i}` },
        spec: { cidr, natOutgoing: true, ...options.poolSpec },
      } as object);
    await cluster.client.create(NAMESPACES, { metadata: { name: 'default', labels: { name: 'default' } } });
    return cluster;
  }

  /** Namespace of the router, which is outside of the cluster: 172.30.1.1 and fd00:30:1::1 for the nodes of segment a. */
  get router(): string {
    return this.#path('router');
  }

  /**
   * A node on one of the two segments, with its agent running and ready; `plain`: as if its kernel had no WireGuard;
   * `agent: false`: the node of another network, until its agent is started; `families`: of its InternalIPs; `number`: the
   * last part of its addresses.
   */
  async addNode(
    name: string,
    segment: Segment = 'a',
    {
      plain = false,
      agent = true,
      podCIDRs = [],
      families = this.#families,
      number = 11 + this.nodes.size,
    }: {
      readonly plain?: boolean;
      readonly agent?: boolean;
      readonly podCIDRs?: readonly string[];
      readonly families?: readonly Family[];
      readonly number?: number;
    } = {},
  ): Promise<void> {
    await this.client.create(NODES, {
      metadata: { name, labels: { 'kubernetes.io/hostname': name } },
      ...(podCIDRs.length === 0 ? {} : { spec: { podCIDR: podCIDRs[0], podCIDRs } }),
    } as object);
    const node: TestNode = {
      name,
      netns: this.#path(name),
      segment,
      // Whichever machine gets an address gets the card with it: what neighbours remember is none of ours.
      mac: `02:00:00:00:0${segment}:${number}`,
      number,
      families,
      runDir: join(this.#directory, name),
      stateDir: join(this.#directory, name, 'state'),
      plain,
      stop: undefined,
      done: Promise.resolve(),
    };
    this.nodes.set(name, node);
    await this.#connect(node);
    if (agent) await this.startAgent(name);
  }

  /** The node's network namespace, on its segment, and its addresses in the API. */
  async #connect(node: TestNode): Promise<void> {
    const { name, netns, segment, mac } = node;
    this.makeNetns(name);
    const peer = { name: 'eth0', netns };
    using router = openNetlink({ netns: this.router });
    router.apply([
      { kind: 'add-link', link: { type: 'veth', name: `to-${name}`, up: true, master: `seg-${segment}`, peer } },
    ]);
    using netlink = openNetlink({ netns });
    netlink.apply([
      { kind: 'set-link', link: 'lo', up: true },
      { kind: 'set-link', link: 'eth0', mac, up: true },
    ]);
    await this.#address(node);
  }

  async #address({ name, netns, segment, number, families }: TestNode): Promise<void> {
    const own = SEGMENTS[segment].filter(({ family }) => this.#families.includes(family));
    using netlink = openNetlink({ netns });
    netlink.apply(
      own.flatMap(({ any, router, prefix, of }) => [
        { kind: 'add-address', address: { link: 'eth0', address: { ip: parseIp(of(number))!, prefix } } } as const,
        { kind: 'replace-route', route: { destination: parseCidr(any)!, via: parseIp(router)! } } as const,
      ]),
    );
    await this.client.updateStatus(NODES, {
      metadata: { name },
      status: {
        addresses: own
          .filter(({ family }) => families.includes(family))
          .map(({ of }) => ({ type: 'InternalIP', address: of(number) })),
      },
    } as object);
  }

  /** The node gets other addresses of its segment, on its interface first and then in the API. */
  async changeAddresses(name: string, number: number): Promise<void> {
    const node = this.nodes.get(name)!;
    for (const family of this.#families)
      await this.run(node.netns, ['ip', `-${family}`, 'address', 'flush', 'dev', 'eth0', 'scope', 'global']);
    node.number = number;
    await this.#address(node);
  }

  /** The node is gone without a word, and its pods' sandboxes with it; its disk and all objects remain. */
  async powerOff(name: string): Promise<void> {
    await this.stopAgent(name);
    for (const { name: pod } of await this.#podsOn(name)) this.#dropNetns(this.#path(`pod-${pod}`));
    using router = openNetlink({ netns: this.router });
    router.apply([{ kind: 'delete-link', link: `to-${name}` }]);
    this.#dropNetns(this.#path(name));
  }

  /** Starts what was switched off, with the addresses that it had. */
  async powerOn(name: string): Promise<void> {
    await this.#connect(this.nodes.get(name)!);
    await this.startAgent(name);
  }

  /** The node is gone for good, with its disk, its object and its pods. */
  async removeNode(name: string): Promise<void> {
    await this.powerOff(name);
    for (const pod of await this.#podsOn(name)) await this.client.delete(PODS, pod);
    const { runDir } = this.nodes.get(name)!;
    rmSync(runDir, { recursive: true, force: true });
    this.nodes.delete(name);
    await this.client.delete(NODES, { name });
  }

  async startAgent(name: string, more: Partial<AgentOptions> = {}): Promise<void> {
    const node = this.nodes.get(name)!;
    const { runDir, stateDir } = node;
    mkdirSync(stateDir, { recursive: true });
    const stop = new AbortController();
    const stack = new AsyncDisposableStack();
    node.stop = stop;
    const world = agentWorld({ ...node, backend: this.#backend, client: this.client }, stack);
    const ended = runAgent(
      this.#adapt({ node: name, backend: this.#backend, mtu: 0, runDir, stateDir, logLevel: 'info', ...more }),
      { ...world, ...this.#world(name) },
      stop.signal,
    );
    node.done = disposeAfter(ended, stack);
    await this.cni(name, this.#request('STATUS', { containerId: '', netns: '', args: '' }), 60_000);
  }

  /** Ends the agent and waits for its end; the node's kernel stays as it is. */
  async stopAgent(name: string): Promise<void> {
    const node = this.nodes.get(name)!;
    node.stop?.abort();
    await node.done;
  }

  /** Creates the Pod and attaches it through the CNI socket, as a kubelet would, with what it asks for by capabilities. */
  async addPod(
    node: string,
    name: string,
    labels: Readonly<Record<string, string>> = {},
    runtimeConfig: object = {},
  ): Promise<TestPod> {
    const namespace = 'default';
    await this.client.create(PODS, {
      metadata: { name, namespace, labels },
      spec: { nodeName: node, containers: [{ name: 'c', image: 'busybox' }] },
    } as object);
    return this.#attach(node, namespace, name, runtimeConfig);
  }

  /** A new sandbox for the pod after a restart of its node. */
  async reattachPod({ node, namespace, name, request }: TestPod): Promise<TestPod> {
    await this.cni(node, { ...request, command: 'DEL', netns: '' });
    return this.#attach(node, namespace, name, request.config['runtimeConfig'] ?? {});
  }

  async #attach(node: string, namespace: string, name: string, runtimeConfig: object): Promise<TestPod> {
    const netns = this.makeNetns(`pod-${name}`);
    const plain = this.#request('ADD', {
      containerId: `container-${++this.#containers}-${name}`,
      netns,
      args: `IgnoreUnknown=1;K8S_POD_NAMESPACE=${namespace};K8S_POD_NAME=${name}`,
    });
    const request = { ...plain, config: { ...plain.config, runtimeConfig } };
    const result = (await this.cni(node, request)) as { ips: readonly { address: string }[] };
    const ips = result.ips.map(({ address }) => address.split('/')[0]!);
    await this.client.patch(
      PODS,
      { namespace, name },
      'merge',
      { status: { phase: 'Running', podIP: ips[0], podIPs: ips.map((ip) => ({ ip })) } },
      { subresource: 'status' },
    );
    return { namespace, name, node, netns, ips, request };
  }

  async #podsOn(node: string): Promise<readonly { readonly namespace: string; readonly name: string }[]> {
    const { items } = await this.client.list<{ metadata: ObjectMeta; spec: { nodeName: string } }>(PODS);
    return items
      .filter(({ spec }) => spec.nodeName === node)
      .map(({ metadata }) => ({ namespace: metadata.namespace!, name: metadata.name! }));
  }

  async removePod({ node, namespace, name, request }: TestPod): Promise<void> {
    await this.cni(node, { ...request, command: 'DEL' });
    await this.client.delete(PODS, { namespace, name });
  }

  /** One request over the node's CNI socket; throws what the agent answers as an error. Retries while nobody listens. */
  async cni(node: string, request: CniRequest, patience = 0): Promise<unknown> {
    const path = join(this.nodes.get(node)!.runDir, 'cni.sock');
    const deadline = Date.now() + patience;
    for (;;) {
      const reply = await exchange(path, request).catch(
        (error: Error) => ({ error: { msg: error.message } }) as CniReply,
      );
      if ('ok' in reply) return reply.ok;
      if (Date.now() >= deadline) throw new Error(reply.error.msg);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** The node's status document, or another of its agent. */
  status(node: string, path = '/status'): Promise<unknown> {
    const socketPath = join(this.nodes.get(node)!.runDir, 'agent.sock');
    return new Promise((resolve, reject) => {
      get({ socketPath, path }, (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => (text += chunk.toString()));
        response.on('end', () => resolve(JSON.parse(text)));
      }).on('error', reject);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.endPrograms();
    await Promise.all([...this.nodes.keys()].map((name) => this.stopAgent(name)));
    for (const path of this.#namespaces) deleteNetns(path);
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #path(name: string): string {
    return join(this.#directory, 'ns', name);
  }

  /** A network namespace that goes with the cluster. */
  makeNetns(name: string): string {
    const path = this.#path(name);
    createNetns(path);
    this.#namespaces.add(path);
    return path;
  }

  #dropNetns(path: string): void {
    deleteNetns(path);
    this.#namespaces.delete(path);
  }

  #request(command: CniRequest['command'], rest: Pick<CniRequest, 'containerId' | 'netns' | 'args'>): CniRequest {
    return {
      command,
      ifname: 'eth0',
      path: '',
      config: { cniVersion: '1.1.0', name: 'k8s-pod-network', type: 'sluice' },
      ...rest,
    };
  }
}

/** Gives back what the agent used, however it ended. */
export async function disposeAfter(ended: Promise<void>, stack: AsyncDisposableStack): Promise<void> {
  try {
    await ended;
  } finally {
    await stack.disposeAsync();
  }
}

/** Waits until `condition` holds; throws after `milliseconds`. */
export async function eventually(condition: () => Promise<boolean> | boolean, milliseconds = 180_000): Promise<void> {
  const deadline = Date.now() + milliseconds;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`the condition did not come true within ${milliseconds} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
