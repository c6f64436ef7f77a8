import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseCidr } from '../../base/ip/index.ts';
import type { LogFields, Logger } from '../../base/log.ts';
import { silentLogger } from '../../base/log.ts';
import type { CniRequest } from '../../core/cni/index.ts';
import type { Bird } from '../../host/bird/port.ts';
import { FakeConntrack } from '../../host/conntrack/fake.ts';
import { kubeBlockStore } from '../../host/ipam-store/kube-block-store.ts';
import { FakeIpvs } from '../../host/ipvs/fake.ts';
import { MemoryKubeClient } from '../../host/kube-client/memory-client.ts';
import { IP_POOLS, NAMESPACES, NODES, PODS } from '../../host/kube-client/resources.ts';
import { FakeNetwork } from '../../host/netlink/fake.ts';
import { FakePacketCopies } from '../../host/nflog/fake.ts';
import { FakeNftables } from '../../host/nftables/fake.ts';
import { FakeSysctl } from '../../host/sysctl/fake.ts';
import { FakeWireguard } from '../../host/wireguard/fake.ts';
import { runAgent } from './agent.ts';
import { exchange } from './exchange.test-support.ts';
import type { AgentOptions } from './options.ts';
import { memoryEndpointStore } from './endpoint-store.ts';
import { textInMemory } from './text-file.ts';

/** What a pod's interface has of IPv6. */
const POD_SYSCTLS = Object.fromEntries(
  ['disable_ipv6', 'accept_dad', 'accept_ra'].map((name) => [`net/ipv6/conf/eth0/${name}`, '1']),
);

/** One node without a kernel: the real agent over fakes of everything it touches, driven through its CNI socket. */
export class FakeNode implements AsyncDisposable {
  readonly client = new MemoryKubeClient();
  readonly warnings: string[] = [];
  readonly conntrack = new FakeConntrack();
  readonly endpoints = memoryEndpointStore();
  readonly copies = new FakePacketCopies();
  readonly domains = textInMemory();
  /** What BIRD was configured with, in order. */
  readonly birdTexts: string[] = [];
  readonly bird: Bird = {
    configure: async (text) => {
      if (this.birdTexts.at(-1) === text) return 'unchanged';
      return this.birdTexts.push(text) === 1 ? 'started' : 'changed';
    },
    recovering: async () => false,
    sessions: async () => [],
    routes: async () => [],
    stop: async () => undefined,
    hasRun: () => this.birdTexts.length > 0,
    forget: () => void this.birdTexts.splice(0),
  };
  nftables = new FakeNftables();
  network = new FakeNetwork();
  readonly #directory = mkdtempSync(join(tmpdir(), 'slc-'));
  #stop = new AbortController();
  #done: Promise<void> = Promise.resolve();

  static async create(): Promise<FakeNode> {
    const node = new FakeNode();
    const { client } = node;
    await client.create(IP_POOLS, { metadata: { name: 'pool' }, spec: { cidr: '10.244.0.0/24' } } as object);
    await client.create(NAMESPACES, { metadata: { name: 'default' } });
    await client.create(NODES, { metadata: { name: 'n1' } });
    const status = { addresses: [{ type: 'InternalIP', address: '172.30.1.11' }] };
    await client.updateStatus(NODES, { metadata: { name: 'n1' }, status } as object);
    node.boot();
    return node;
  }

  /** A kernel as it is after a boot: nothing of an earlier life is left. */
  boot(): void {
    this.network = new FakeNetwork();
    this.nftables = new FakeNftables();
    this.network.netlink().apply([
      { kind: 'add-link', link: { type: 'bridge', name: 'eth0', up: true } },
      { kind: 'add-address', address: { link: 'eth0', address: parseCidr('172.30.1.11/24')! } },
    ]);
  }

  /** Starts an agent; resolves when it can serve. */
  async start(options: Partial<AgentOptions> = {}): Promise<void> {
    this.#stop = new AbortController();
    const netlink = this.network.netlink();
    const warnings = this.warnings;
    const warn = (message: string, fields?: LogFields): void =>
      void warnings.push(`${message} ${JSON.stringify(fields)}`);
    const log: Logger = { ...silentLogger, warn, error: warn };
    this.#done = runAgent(
      {
        node: 'n1',
        backend: 'vxlan',
        mtu: 0,
        runDir: this.#directory,
        stateDir: this.#directory,
        logLevel: 'info',
        ...options,
      },
      {
        client: this.client,
        blockStore: kubeBlockStore({ client: this.client, report: warn }),
        netlink,
        reaper: {
          delete: async (name) => void netlink.attempt([{ kind: 'delete-link', link: name }]),
          [Symbol.dispose]: () => undefined,
        },
        openPod: (netns) => ({
          netlink: this.network.netlink({ netns }),
          sysctl: new FakeSysctl(POD_SYSCTLS),
        }),
        openPodFilter: () => new FakeNftables(),
        openPodConntrack: () => new FakeConntrack(),
        nftables: this.nftables,
        conntrack: this.conntrack,
        openWireguard: () => new FakeWireguard((name) => netlink.link(name)?.kind === 'wireguard'),
        openIpvs: () => new FakeIpvs(),
        wireguardKeys: textInMemory(),
        sysctl: new FakeSysctl({ 'net/ipv4/ip_forward': '0' }),
        endpoints: this.endpoints,
        copies: this.copies,
        openBird: () => this.bird,
        domains: this.domains,
        log,
        now: Date.now,
      },
      this.#stop.signal,
    );
    await this.until(async () => (await this.ask(this.request('STATUS', ''))) === null);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#done;
  }

  /** Creates a Pod object and its network namespace, without a network yet. */
  async createPod(name: string): Promise<void> {
    this.network.addNetns(`/netns/${name}`);
    await this.client.create(PODS, { metadata: { name, namespace: 'default' }, spec: { nodeName: 'n1' } } as object);
  }

  request(command: CniRequest['command'], pod: string, change: Partial<CniRequest> = {}): CniRequest {
    return {
      command,
      containerId: pod === '' ? '' : `container-${pod}`,
      netns: pod === '' ? '' : `/netns/${pod}`,
      ifname: 'eth0',
      args: pod === '' ? '' : `K8S_POD_NAMESPACE=default;K8S_POD_NAME=${pod}`,
      path: '',
      config: { cniVersion: '1.1.0', name: 'net', type: 'sluice' },
      ...change,
    };
  }

  /** Sends one request; resolves to the result, rejects with `code: message`. */
  async ask(request: CniRequest): Promise<unknown> {
    const reply = await exchange(join(this.#directory, 'cni.sock'), request);
    if ('ok' in reply) return reply.ok;
    throw new Error(`${reply.error.code}: ${reply.error.msg}`);
  }

  /** What the plugin leaves when it finds no agent to ask. */
  leaveTombstone(request: CniRequest): void {
    const directory = join(this.#directory, 'cni/pending-del');
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, `${request.containerId}-${request.ifname}.json`), JSON.stringify(request));
  }

  /** The addresses that blocks say are held by pods. */
  async heldByPods(): Promise<readonly string[]> {
    const blocks = await kubeBlockStore({ client: this.client, report: () => undefined }).listBlocks();
    return blocks.flatMap(({ value }) =>
      [...value.allocations.values()]
        .filter(({ attributes }) => 'pod' in attributes)
        .map(({ attributes }) => attributes['pod']!),
    );
  }

  /** Waits for a condition; a failure counts as not yet. */
  async until(condition: () => Promise<boolean> | boolean): Promise<void> {
    const deadline = Date.now() + 180_000;
    while (
      !(await Promise.resolve()
        .then(condition)
        .catch(() => false))
    ) {
      if (Date.now() > deadline) throw new Error('the condition did not come true within 180 s');
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
