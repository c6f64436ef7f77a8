import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runAgent } from '../../../src/app/agent/agent.ts';
import { fileEndpointStore } from '../../../src/app/agent/endpoint-store.ts';
import { disposeAfter, eventually } from '../../../src/app/agent/cluster.test-support.ts';
import type { AgentStatus } from '../../../src/app/agent/status.ts';
import { textInMemory } from '../../../src/app/agent/text-file.ts';
import { parseCidr } from '../../../src/base/ip/index.ts';
import { jsonLogger, silentLogger } from '../../../src/base/log.ts';
import type { LogLevel } from '../../../src/base/log.ts';
import { createCniRuntime } from '../../../src/host/cni-runtime/create-runtime.ts';
import { parseNetworkList } from '../../../src/host/cni-runtime/network-list.ts';
import type { NetworkList, RuntimeAttachment } from '../../../src/host/cni-runtime/types.ts';
import { openConntrack } from '../../../src/host/conntrack/kernel.ts';
import { kubeBlockStore } from '../../../src/host/ipam-store/kube-block-store.ts';
import { MemoryKubeClient } from '../../../src/host/kube-client/memory-client.ts';
import { NAMESPACES, NETWORK_POLICIES, NODES, PODS } from '../../../src/host/kube-client/resources.ts';
import { openNetlink } from '../../../src/host/netlink/kernel.ts';
import { openIpvs } from '../../../src/host/ipvs/kernel.ts';
import { openLinkReaper } from '../../../src/host/netlink/link-reaper.ts';
import { createNetns, deleteNetns } from '../../../src/host/netns/netns.ts';
import { openPacketCopies } from '../../../src/host/nflog/kernel.ts';
import { openNftables } from '../../../src/host/nftables/kernel.ts';
import { openSysctl } from '../../../src/host/sysctl/sysctl.ts';
import { openWireguard } from '../../../src/host/wireguard/kernel.ts';
import { writePlugins } from './plugin-folder.ts';

/** What the cluster has given the node to give its pods. */
const POD_CIDRS = ['10.244.1.0/24', 'fd00:244:1::/64'];

/** A pod that plugins of others have wired. */
export interface ForeignPod {
  readonly name: string;
  readonly netns: string;
  readonly ips: readonly string[];
  readonly list: NetworkList;
  readonly attachment: RuntimeAttachment;
}

/**
 * One node in a network namespace, on the network of others: real upstream plugins, our built one behind them, and our
 * agent for policy alone over a fake API. `outside` is another namespace on its underlay.
 */
export class PolicyOnlyNode implements AsyncDisposable {
  readonly client = new MemoryKubeClient();
  readonly directory = mkdtempSync(join(tmpdir(), 'slc-'));
  readonly #namespaces: string[] = [];
  readonly #children = new Set<ChildProcess>();
  readonly netns = this.#namespace('node');
  readonly outside = this.#namespace('outside');
  readonly #prefixes: readonly string[] | undefined;
  #stop: AbortController | undefined;
  #ended: Promise<void> = Promise.resolve();
  #containers = 0;

  private constructor(prefixes: readonly string[] | undefined) {
    this.#prefixes = prefixes;
  }

  /** `prefixes` of the other network's interfaces, as the ConfigMap has them. The agent is not started yet. */
  static async create(prefixes?: readonly string[]): Promise<PolicyOnlyNode> {
    const node = new PolicyOnlyNode(prefixes);
    node.#connect();
    writePlugins(join(node.directory, 'plugins'), node.netns);
    await node.client.create(NAMESPACES, { metadata: { name: 'default', labels: { name: 'default' } } });
    await node.client.create(NODES, { metadata: { name: 'n1' }, spec: { podCIDRs: POD_CIDRS } } as object);
    const addresses = ['172.30.1.11', 'fd00:30:1::b'].map((address) => ({ type: 'InternalIP', address }));
    await node.client.updateStatus(NODES, { metadata: { name: 'n1' }, status: { addresses } } as object);
    return node;
  }

  get stateDir(): string {
    return join(this.directory, 'state');
  }

  /** Where install-cni would have written the chain that calls our plugin. */
  get conflist(): string {
    return join(this.directory, '00-sluice.conflist');
  }

  async startAgent(): Promise<void> {
    const { netns, stateDir } = this;
    mkdirSync(stateDir, { recursive: true });
    this.#stop = new AbortController();
    const stack = new AsyncDisposableStack();
    const level = process.env['SLUICE_TEST_LOG'] as LogLevel | undefined;
    const log =
      level === undefined
        ? silentLogger
        : jsonLogger(
            { level, fields: {} },
            { write: (line) => void process.stderr.write(`${line}\n`), now: () => new Date().toISOString() },
          );
    const ended = runAgent(
      {
        node: 'n1',
        backend: 'none',
        mtu: 0,
        runDir: this.directory,
        stateDir,
        logLevel: 'info',
        policyOnly: { prefixes: this.#prefixes, conflist: this.conflist },
      },
      {
        client: this.client,
        blockStore: kubeBlockStore({ client: this.client, report: () => undefined }),
        netlink: stack.use(openNetlink({ netns })),
        reaper: stack.use(openLinkReaper({ netns })),
        nftables: stack.use(openNftables({ netns })),
        bridgeFilter: stack.use(openNftables({ netns, family: 'bridge' })),
        conntrack: stack.use(openConntrack({ netns })),
        sysctl: openSysctl({ netns }),
        openWireguard: () => openWireguard({ netns }),
        openIpvs: () => openIpvs({ netns }),
        wireguardKeys: textInMemory(),
        openPod: (pod: string) => ({ netlink: openNetlink({ netns: pod }), sysctl: openSysctl({ netns: pod }) }),
        openPodFilter: (pod: string) => openNftables({ netns: pod }),
        openPodConntrack: (pod: string) => openConntrack({ netns: pod }),
        endpoints: fileEndpointStore(join(stateDir, 'endpoints')),
        copies: openPacketCopies({ netns }),
        openBird: () => {
          throw new Error('policy alone needs no BIRD');
        },
        domains: textInMemory(),
        log,
        now: Date.now,
      },
      this.#stop.signal,
    );
    this.#ended = disposeAfter(ended, stack);
    await eventually(async () => (await this.status().catch(() => undefined))?.ready === true);
  }

  async stopAgent(): Promise<void> {
    this.#stop?.abort();
    await this.#ended;
  }

  /** A chain of `plugins`; the agent's socket and the places of host-local are put in. */
  chain(name: string, ...plugins: readonly Record<string, unknown>[]): NetworkList {
    const own = {
      agent_socket: join(this.directory, 'cni.sock'),
      pending_del_dir: join(this.stateDir, 'cni/pending-del'),
    };
    const complete = plugins.map((plugin) => ({
      ...plugin,
      ...(plugin['type'] === 'sluice' ? own : {}),
      ...(plugin['ipam'] === undefined ? {} : { ipam: { dataDir: this.leases, ...(plugin['ipam'] as object) } }),
    }));
    return parseNetworkList(JSON.stringify({ name, cniVersion: '1.0.0', plugins: complete }));
  }

  /** Where host-local keeps what it gave. */
  get leases(): string {
    return join(this.directory, 'leases');
  }

  /** Creates the Pod and runs the chain for it; `tell` says when its object shows its addresses, as a kubelet does later. */
  async addPod(
    list: NetworkList,
    name: string,
    labels: Readonly<Record<string, string>> = {},
    { tell = true }: { readonly tell?: boolean } = {},
  ): Promise<ForeignPod> {
    await this.client.create(PODS, {
      metadata: { name, namespace: 'default', labels },
      spec: { nodeName: 'n1', containers: [{ name: 'c', image: 'busybox' }] },
    } as object);
    const netns = this.#namespace(`pod-${name}`);
    const attachment: RuntimeAttachment = {
      containerId: `container-${++this.#containers}`,
      netns,
      ifname: 'eth0',
      args: [
        ['IgnoreUnknown', '1'],
        ['K8S_POD_NAMESPACE', 'default'],
        ['K8S_POD_NAME', name],
      ],
      capabilities: {},
    };
    const result = (await this.runtime.addNetworkList(list, attachment)) as { ips: readonly { address: string }[] };
    const ips = result.ips.map(({ address }) => address.split('/')[0]!);
    if (tell) await this.tell(name, ips);
    return { name, netns, ips, list, attachment };
  }

  /** The pod's object shows its addresses. */
  async tell(name: string, ips: readonly string[]): Promise<void> {
    const status = { phase: 'Running', podIP: ips[0], podIPs: ips.map((ip) => ({ ip })) };
    await this.client.patch(PODS, { namespace: 'default', name }, 'merge', { status }, { subresource: 'status' });
  }

  async removePod({ name, list, attachment }: ForeignPod): Promise<void> {
    await this.runtime.delNetworkList(list, attachment);
    await this.client.delete(PODS, { namespace: 'default', name });
  }

  get runtime() {
    return createCniRuntime({
      pluginDirs: [join(this.directory, 'plugins')],
      cacheDir: join(this.directory, 'results'),
      timeoutMs: 120_000,
    });
  }

  async setPolicy(name: string, spec: object): Promise<void> {
    await this.client
      .create(NETWORK_POLICIES, { metadata: { name, namespace: 'default' }, spec } as object)
      .catch(() => this.client.patch(NETWORK_POLICIES, { namespace: 'default', name }, 'merge', { spec }));
  }

  async removePolicy(name: string): Promise<void> {
    await this.client.delete(NETWORK_POLICIES, { namespace: 'default', name });
  }

  status(): Promise<AgentStatus> {
    return new Promise((resolve, reject) => {
      get({ socketPath: join(this.directory, 'agent.sock'), path: '/status' }, (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => (text += chunk.toString()));
        response.on('end', () => resolve(JSON.parse(text) as AgentStatus));
      }).on('error', reject);
    });
  }

  /** Runs a program inside a namespace; resolves to its exit code and output. */
  run(netns: string, ...command: readonly string[]): Promise<{ readonly code: number; readonly output: string }> {
    return new Promise((resolve) => {
      execFile('nsenter', [`--net=${netns}`, ...command], { timeout: 120_000 }, (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
        resolve({ code, output: stdout + stderr });
      });
    });
  }

  /** Serves on port 8080, over both families, until the end. */
  async serve({ netns, name }: Pick<ForeignPod, 'netns' | 'name'>): Promise<void> {
    const script = join(import.meta.dirname, 'echo-peer.ts');
    // A socket of IPv6 serves IPv4, too. It ends with its input.
    const command = [`--net=${netns}`, process.execPath, script, name, '8080', '6'];
    const child = spawn('nsenter', command, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#children.add(child);
    await new Promise((resolve) => child.stdout.once('data', resolve));
  }

  /** Waits until a connection to port 8080 is answered at every address of `to`. */
  async reaches(from: string, to: Pick<ForeignPod, 'ips' | 'name'>): Promise<void> {
    await eventually(async () => (await this.reached(from, to)).length === to.ips.length);
  }

  /** The addresses of `to`, of both families, at which a connection to port 8080 is answered within about a second. */
  async reached(from: string, { ips, name }: Pick<ForeignPod, 'ips' | 'name'>): Promise<readonly string[]> {
    const asked = ips.map(async (ip) => {
      const { output } = await this.run(from, 'busybox', 'nc', '-w', '1', ip, '8080');
      return output.startsWith(`${name} `) ? [ip] : [];
    });
    return (await Promise.all(asked)).flat();
  }

  /** Whether an echo request of this flow is answered within a second. */
  async echoes(from: string, ip: string, flow: number): Promise<boolean> {
    return (await this.run(from, 'ping', '-e', String(flow), '-c', '1', '-W', '1', ip)).code === 0;
  }

  /** Whether an echo request with this source is answered within a second. */
  async echoesFrom(from: string, source: string, ip: string): Promise<boolean> {
    return (await this.run(from, 'ping', '-I', source, '-c', '1', '-W', '1', ip)).code === 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) child.kill('SIGKILL');
    await this.stopAgent();
    for (const path of this.#namespaces) deleteNetns(path);
    rmSync(this.directory, { recursive: true, force: true });
  }

  #connect(): void {
    const { netns, outside } = this;
    using node = openNetlink({ netns });
    const address = (link: string, text: string) =>
      ({ kind: 'add-address', address: { link, address: parseCidr(text)! } }) as const;
    node.apply([
      { kind: 'set-link', link: 'lo', up: true },
      { kind: 'add-link', link: { type: 'veth', name: 'eth0', up: true, peer: { name: 'eth0', netns: outside } } },
    ]);
    for (const [path, v4, v6] of [
      [netns, '172.30.1.11/24', 'fd00:30:1::b/64'],
      [outside, '172.30.1.1/24', 'fd00:30:1::1/64'],
    ] as const) {
      openSysctl({ netns: path }).write('net/ipv6/conf/eth0/accept_dad', 0);
      using netlink = openNetlink({ netns: path });
      netlink.apply([{ kind: 'set-link', link: 'eth0', up: true }, address('eth0', v4), address('eth0', v6)]);
    }
    const sysctl = openSysctl({ netns });
    // Host sides of pairs would be usable only after a second or two.
    sysctl.write('net/ipv6/conf/all/accept_dad', 0);
    sysctl.write('net/ipv6/conf/default/accept_dad', 0);
    // As a node has it on which nobody has filtered bridges yet.
    for (const name of ['iptables', 'ip6tables']) sysctl.write(`net/bridge/bridge-nf-call-${name}`, 0);
    sysctl.write('net/ipv4/ip_forward', 1);
    sysctl.write('net/ipv6/conf/all/forwarding', 1);
    using far = openNetlink({ netns: outside });
    for (const [destination, via] of [
      ['10.244.0.0/16', '172.30.1.11/32'],
      ['fd00:244::/32', 'fd00:30:1::b/128'],
    ] as const)
      far.apply([{ kind: 'add-route', route: { destination: parseCidr(destination)!, via: parseCidr(via)!.ip } }]);
  }

  #namespace(name: string): string {
    const path = join(this.directory, 'ns', name);
    createNetns(path);
    this.#namespaces.push(path);
    return path;
  }
}
