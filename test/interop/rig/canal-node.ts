import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CalicoNode, caliInterface } from '../../../src/app/agent/calico-node.test-support.ts';
import type { CalicoPod } from '../../../src/app/agent/calico-node.test-support.ts';
import type { TestCluster } from '../../../src/app/agent/cluster.test-support.ts';
import { FlannelNode } from '../../../src/app/agent/flannel-node.test-support.ts';
import type { FlannelConfig } from '../../../src/app/agent/flannel-node.test-support.ts';
import { policyOnlyOptions } from '../../../src/app/agent/policy-only-options.ts';
import { wants } from '../../../src/app/migrate/simulated-cluster.test-support.ts';
import type { ConfigMap, DaemonSet, NetworkPolicy, Node, Pod } from '../../../src/core/kube/types.ts';
import { createCniRuntime } from '../../../src/host/cni-runtime/create-runtime.ts';
import { parseNetworkList } from '../../../src/host/cni-runtime/network-list.ts';
import { CONFIG_MAPS, DAEMON_SETS, NETWORK_POLICIES, NODES, PODS } from '../../../src/host/kube-client/resources.ts';
import { ChangingNode, SLUICE_CONFIG, ownedBy } from './changing-node.ts';
import { writePlugins } from './plugin-folder.ts';

/** Canal's, with what is different on this machine left out. */
export const CANAL_CONFIG = {
  'net-conf.json': JSON.stringify({ Network: '10.244.0.0/16', Backend: { Type: 'vxlan' } } satisfies FlannelConfig),
  cni_network_config: `{
    "name": "k8s-pod-network",
    "cniVersion": "1.0.0",
    "plugins": [
      {"type": "calico", "datastore_type": "kubernetes", "mtu": __CNI_MTU__, "nodename": "__KUBERNETES_NODE_NAME__",
       "ipam": {"type": "host-local", "subnet": "usePodCidr"}, "policy": {"type": "k8s"}},
      {"type": "portmap", "snat": true, "capabilities": {"portMappings": true}}
    ]
  }`,
};

/**
 * A node that Canal runs, of segment `a` or `b`: flannel's tunnel, pods behind pairs as Calico's plugin makes them, with
 * leases of host-local, and chains in iptables as Felix has them: per pod, replaced as a whole while it runs, left behind
 * when it ends. Its kubelet starts what the DaemonSets ask for, and pods by the chain that the ConfigMap says.
 */
export class CanalNode extends ChangingNode {
  readonly #address: string;
  readonly #podCidr: string;
  readonly #wiring: CalicoNode;
  readonly #folder = mkdtempSync(join(tmpdir(), 'slc-canal-'));
  readonly failures: string[] = [];

  constructor(cluster: TestCluster, name: string, address: string, podCidr: string) {
    super(cluster, name);
    this.#address = address;
    this.#podCidr = podCidr;
    this.#wiring = new CalicoNode(cluster, name, podCidr);
  }

  override async settle(): Promise<void> {
    const { client } = this.cluster;
    const { items } = await client.list<DaemonSet>(DAEMON_SETS);
    const node = await client.get<Node>(NODES, { name: this.name });
    const wanted = new Set(items.filter((each) => wants(each, node)).map(({ metadata }) => metadata!.name!));
    const starts: Readonly<Record<string, () => Promise<() => Promise<void>>>> = {
      canal: () => this.#startFlannel(),
      'canal-flannel': () => this.#startFlannel(),
      'sluice-node': () => this.#startSluice(),
    };
    for (const name of Object.keys(starts)) if (!wanted.has(name)) await this.ends.get(`${name}-${this.name}`)?.();
    if (wanted.has('canal')) await this.enforce();
    for (const [name, start] of Object.entries(starts)) {
      const pod = `${name}-${this.name}`;
      if (!wanted.has(name) || this.ends.has(pod)) continue;
      const end = await start();
      await this.podObject(pod, { kind: 'DaemonSet', name }, { hostNetwork: true });
      this.ends.set(pod, async () => {
        await end();
        await this.forget(pod);
      });
    }
  }

  async #startFlannel(): Promise<() => Promise<void>> {
    const config = JSON.parse(CANAL_CONFIG['net-conf.json']) as FlannelConfig;
    const flannel = new FlannelNode(this.cluster, this.name, config, [this.#podCidr]);
    await flannel.start([this.#address]);
    return async () => {
      await flannel.end();
      this.failures.push(...flannel.failures);
    };
  }

  async #startSluice(): Promise<() => Promise<void>> {
    const { networking, interface_prefix: prefix } = await this.#settings();
    const problems: string[] = [];
    const environment = { SLUICE_NETWORKING: networking, FELIX_INTERFACEPREFIX: prefix };
    const policyOnly = policyOnlyOptions(environment, problems);
    this.failures.push(...problems);
    await this.cluster.startAgent(this.name, { backend: 'none', policyOnly: policyOnly! });
    return () => this.cluster.stopAgent(this.name);
  }

  async #settings(): Promise<NonNullable<ConfigMap['data']>> {
    return (await this.cluster.client.get<ConfigMap>(CONFIG_MAPS, SLUICE_CONFIG)).data!;
  }

  /** A pod that Canal has started. */
  async addCanalPod(name: string, ordinal: number, labels: Readonly<Record<string, string>>): Promise<CalicoPod> {
    const pod = await this.#wiring.addPod(name, ordinal);
    mkdirSync(this.#leases, { recursive: true });
    writeFileSync(join(this.#leases, pod.ip), `container-${name}\r\neth0`);
    const metadata = { labels, ownerReferences: ownedBy('ReplicaSet', name), creationTimestamp: EARLY };
    await this.cluster.client.patch(PODS, { namespace: 'default', name }, 'merge', { metadata });
    return pod;
  }

  /** A pod that the kubelet starts by the chain of the ConfigMap, until it is moved away. */
  async addSluicePod(name: string, labels: Readonly<Record<string, string>>): Promise<CalicoPod> {
    const { client } = this.cluster;
    const metadata = {
      name,
      namespace: 'default',
      labels,
      ownerReferences: ownedBy('ReplicaSet', name),
      creationTimestamp: new Date().toISOString(),
    };
    await client.create(PODS, { metadata, spec: { nodeName: this.name, containers: [] } } as object);
    writePlugins(join(this.#folder, 'plugins'), this.netns);
    const list = parseNetworkList(await this.#chain());
    const netns = this.cluster.makeNetns(`pod-${name}`);
    const words = { IgnoreUnknown: '1', K8S_POD_NAMESPACE: 'default', K8S_POD_NAME: name };
    const args = Object.entries(words);
    const attachment = { containerId: `container-${name}`, netns, ifname: 'eth0', args, capabilities: {} };
    const runtime = createCniRuntime({
      pluginDirs: [join(this.#folder, 'plugins')],
      cacheDir: join(this.#folder, 'results'),
      timeoutMs: 120_000,
    });
    const result = (await runtime.addNetworkList(list, attachment)) as { ips: readonly { address: string }[] };
    const ip = result.ips[0]!.address.split('/')[0]!;
    const status = { phase: 'Running', podIP: ip, podIPs: [{ ip }] };
    await client.patch(PODS, { namespace: 'default', name }, 'merge', { status }, { subresource: 'status' });
    this.ends.set(name, async () => {
      await runtime.delNetworkList(list, attachment);
      await this.forget(name);
    });
    return { name, netns, ip };
  }

  /** As install-cni writes it, with this node's places. */
  async #chain(): Promise<string> {
    const text = (await this.#settings())['cni_network_config']!.replace('__CNI_MTU__', '1450');
    const chain = JSON.parse(text) as { plugins: { type: string; ipam?: object }[] };
    const { runDir, stateDir } = this.cluster.nodes.get(this.name)!;
    const own = { agent_socket: join(runDir, 'cni.sock'), pending_del_dir: join(stateDir, 'cni/pending-del') };
    const plugins = chain.plugins.map((plugin) =>
      plugin.type === 'sluice'
        ? { ...plugin, ...own, ipam: { ...plugin.ipam, dataDir: join(this.#folder, 'leases') } }
        : plugin,
    );
    return JSON.stringify({ ...chain, plugins });
  }

  get #leases(): string {
    return join(this.#folder, 'leases/k8s-pod-network');
  }

  /** Which addresses host-local has given. */
  lease(ip: string): string {
    return readFileSync(join(this.#leases, ip), 'utf8');
  }

  /** What Felix makes of pods and policies as they are now; one transaction, as its own. */
  async enforce(): Promise<void> {
    const { client } = this.cluster;
    const { items: pods } = await client.list<Pod>(PODS);
    const { items: policies } = await client.list<NetworkPolicy>(NETWORK_POLICIES);
    const wired = pods.filter((pod) => pod.spec?.nodeName === this.name && pod.metadata?.creationTimestamp === EARLY);
    const names = wired.map(({ metadata }) => caliInterface(metadata!.name!));
    const rules = [
      '*filter',
      ...['cali-FORWARD', 'cali-to-wl-dispatch', ...names.map((name) => `cali-tw-${name}`)].map((each) => `:${each} -`),
      '-A FORWARD -j cali-FORWARD',
      '-A cali-FORWARD -o cali+ -j cali-to-wl-dispatch',
      ...names.map((name) => `-A cali-to-wl-dispatch -o ${name} -g cali-tw-${name}`),
      '-A cali-to-wl-dispatch -j DROP',
      ...wired.flatMap((pod, i) => rulesOf(pod, pods, policies).map((rule) => `-A cali-tw-${names[i]} ${rule}`)),
      'COMMIT\n',
    ];
    const file = join(this.#folder, 'rules');
    writeFileSync(file, rules.join('\n'));
    const { code, output } = await this.cluster.run(this.netns, ['iptables-nft-restore', file]);
    if (code !== 0) this.failures.push(output);
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** When the pods began that Canal has started. */
const EARLY = new Date(0).toISOString();

/** Of policies that select by labels and let in pods by labels. */
function rulesOf({ metadata }: Pod, pods: readonly Pod[], policies: readonly NetworkPolicy[]): readonly string[] {
  const has = (labels: Readonly<Record<string, string>> = {}, wanted: Readonly<Record<string, string>> = {}): boolean =>
    Object.entries(wanted).every(([key, value]) => labels[key] === value);
  const own = policies.filter(({ spec }) => has(metadata?.labels, spec?.podSelector?.matchLabels));
  const open = '-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT';
  if (own.length === 0) return [open];
  const peers = own.flatMap(({ spec }) => (spec?.ingress ?? []).flatMap(({ from = [] }) => from));
  const sources = pods.filter((pod) =>
    peers.some(({ podSelector }) => has(pod.metadata?.labels, podSelector?.matchLabels)),
  );
  return [open, ...sources.flatMap(({ status }) => (status?.podIP ? [`-s ${status.podIP} -j RETURN`] : [])), '-j DROP'];
}
