import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { TestCluster, eventually } from '../../src/app/agent/cluster.test-support.ts';
import type { FlannelWorld } from '../../src/app/agent/dependencies.ts';
import { FlannelNode } from '../../src/app/agent/flannel-node.test-support.ts';
import type { FlannelConfig } from '../../src/app/agent/flannel-node.test-support.ts';
import { withFlannel } from '../../src/app/agent/flannel-options.ts';
import { annotatedLeases, storedLeases } from '../../src/app/agent/flannel-sources.test-support.ts';
import type { LeaseSource } from '../../src/app/agent/flannel-sources.test-support.ts';
import type { AgentOptions } from '../../src/app/agent/options.ts';
import { textInMemory } from '../../src/app/agent/text-file.ts';
import { upgradeIpam } from '../../src/app/cni/upgrade-ipam.ts';
import { parseIp } from '../../src/base/ip/index.ts';
import { silentLogger } from '../../src/base/log.ts';
import { parseEtcdNetConf, parseNetConf } from '../../src/core/flannel/index.ts';
import type { Node } from '../../src/core/kube/types.ts';
import type { FlannelStore } from '../../src/core/migrate/index.ts';
import { EtcdServer } from '../../src/host/etcd/etcd.test-support.ts';
import { LeaseStore } from '../../src/host/flannel/lease-store.ts';
import { BOOT_ID } from '../../src/core/ipam/index.ts';
import { kubeBlockStore } from '../../src/host/ipam-store/kube-block-store.ts';
import { CONFIG_MAPS, DAEMON_SETS, IPAM_BLOCKS, NODES, PODS } from '../../src/host/kube-client/resources.ts';
import { openSysctl } from '../../src/host/sysctl/sysctl.ts';
import type { KubeObject } from '../../src/host/kube-client/types.ts';
import { ChangingNode, daemonSet, ownedBy } from './rig/changing-node.ts';

const CONFIG: FlannelConfig = { Network: '10.244.0.0/16', Backend: { Type: 'vxlan' } };
/** Node f1 of two that flannel runs: a kubelet and controllers, which start and end on it what its Node asks for. */
class FormerFlannelNode extends ChangingNode {
  readonly flannel: FlannelNode;
  /** host-local's, as on a node under /var/lib/cni/networks. */
  readonly leases = mkdtempSync(join(tmpdir(), 'slc-leases-'));
  #restarts = 0;
  /** Of the DaemonSet's pod that runs now. */
  logs: { readonly netns: string; readonly ip: string } | undefined;

  constructor(cluster: TestCluster, source: LeaseSource) {
    super(cluster, 'f1');
    this.flannel = new FlannelNode(cluster, 'f1', CONFIG, ['10.244.1.0/24'], source);
  }

  override async settle(): Promise<void> {
    const { metadata } = await this.cluster.client.get<Node>(NODES, { name: 'f1' });
    const network = metadata?.labels?.['sluice.dev/network'];
    if (network !== undefined && this.ends.has('flannel')) await this.ends.get('flannel')!();
    if (network !== 'sluice' && this.ends.has('sluice')) await this.ends.get('sluice')!();
    if (network === undefined && !this.ends.has('flannel')) await this.#startFlannel();
    if (network === 'sluice' && !this.ends.has('sluice')) await this.#startSluice();
    if (network !== 'none' && this.logs === undefined) await this.#startLogs(network === 'sluice');
  }

  async #startFlannel(): Promise<void> {
    await this.flannel.start(['172.30.1.11']);
    await this.podObject('flannel', { kind: 'DaemonSet', name: 'kube-flannel-ds' }, { hostNetwork: true });
    this.ends.set('flannel', async () => {
      await this.flannel.end();
      await this.forget('flannel');
    });
  }

  /** The init containers, then the agent. */
  async #startSluice(): Promise<void> {
    const { client } = this.cluster;
    const store = kubeBlockStore({ client, report: () => undefined });
    const { defaultPools = [] } = withFlannel({ defaultPools: [] } as never, netConf());
    const bootId = openSysctl().read(BOOT_ID) ?? '';
    // Of the bridge; that of the tunnel is Sluice's from now on.
    const hostAddresses = [parseIp('10.244.1.1')!];
    await upgradeIpam(
      { nodeName: 'f1', directory: this.leases, network: 'k8s-pod-network', defaultPools, bootId, hostAddresses },
      { client, store, log: silentLogger, now: Date.now },
    );
    await this.cluster.startAgent('f1', { networkBefore: 'flannel' });
    await this.podObject('sluice', { kind: 'DaemonSet', name: 'sluice-node' }, { hostNetwork: true });
    this.ends.set('sluice', async () => {
      await this.cluster.stopAgent('f1');
      await this.forget('sluice');
    });
  }

  async #startLogs(isSluice: boolean): Promise<void> {
    const name = `logs-${++this.#restarts}`;
    if (!isSluice) return this.addFlannelPod(name, '10.244.1.77', { kind: 'DaemonSet', name: 'logs' });
    const pod = await this.cluster.addPod('f1', name);
    const metadata = { ownerReferences: ownedBy('DaemonSet', 'logs'), creationTimestamp: new Date().toISOString() };
    await this.cluster.client.patch(PODS, { namespace: 'default', name }, 'merge', { metadata });
    this.logs = { netns: pod.netns, ip: pod.ips[0]! };
    this.ends.set(name, async () => {
      // Without an agent the plugin leaves a note for the next one, and nothing is there to be taken away.
      if (this.ends.has('sluice')) await this.cluster.removePod(pod);
      else await this.cluster.client.delete(PODS, { namespace: 'default', name });
      this.ends.delete(name);
      this.logs = undefined;
    });
  }

  /** A pod as flannel's plugin has it: on the bridge, with a lease of host-local. */
  async addFlannelPod(
    name: string,
    ip: string,
    owner: { readonly kind: string; readonly name: string },
  ): Promise<void> {
    const netns = await this.flannel.addPod(name, [ip]);
    mkdirSync(join(this.leases, 'cbr0'), { recursive: true });
    writeFileSync(join(this.leases, 'cbr0', ip), `container-${name}\r\neth0`);
    await this.podObject(name, owner, {}, ip);
    if (owner.name === 'logs') this.logs = { netns, ip };
    this.ends.set(name, async () => {
      await this.cluster.run(this.flannel.netns, ['ip', 'link', 'del', `veth-${name}`]);
      rmSync(join(this.leases, 'cbr0', ip), { force: true });
      await this.forget(name);
      if (owner.name === 'logs') this.logs = undefined;
    });
  }
}

function netConf() {
  const reading = parseNetConf(JSON.stringify(CONFIG));
  if (reading.kind === 'bad') throw new Error(reading.problems.join());
  return reading.netConf;
}

/** Where the leases of a network are, and what says so in the API and to Sluice's agents. */
interface Leases extends AsyncDisposable {
  readonly source: (cluster: TestCluster) => LeaseSource;
  readonly adapt: (options: AgentOptions) => AgentOptions;
  readonly world: FlannelWorld;
  readonly args: readonly string[];
  readonly podCidrs: boolean;
  /** As the command reads it. */
  store(): Promise<FlannelStore | undefined>;
}

const LEASES = {
  'in Nodes': (): Promise<Leases> =>
    Promise.resolve({
      source: ({ client }) => annotatedLeases(client),
      adapt: (options) => withFlannel(options, netConf()),
      world: { subnetFile: textInMemory() },
      args: ['--kube-subnet-mgr'],
      podCidrs: true,
      store: () => Promise.resolve(undefined),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }),
  'in etcd': async (): Promise<Leases> => {
    const server = await EtcdServer.start();
    server.ctl('put', '/coreos.com/network/config', JSON.stringify(CONFIG));
    const etcd = server.client();
    const store = new LeaseStore(etcd, '/coreos.com/network', 600);
    const reading = parseEtcdNetConf(JSON.stringify(CONFIG));
    if (reading.kind === 'bad') throw new Error(reading.problems.join());
    return {
      source: () => storedLeases(etcd),
      adapt: (options) => withFlannel(options, reading.netConf, reading.cuts),
      world: { subnetFile: textInMemory(), etcd: { store, cuts: reading.cuts } },
      args: ['--etcd-endpoints=http://10.0.0.1:2379'],
      podCidrs: false,
      store: async () => ({ config: await store.config(), leases: (await store.list()).entries }),
      [Symbol.asyncDispose]: async () => {
        etcd.close();
        await server[Symbol.asyncDispose]();
      },
    };
  },
} as const;

it.each(['in Nodes', 'in etcd'] as const)(
  'takes a node from flannel and gives it back, killed at every step, while the other node goes on as it was: leases %s',
  async (where) => {
    await using leases = await LEASES[where]();
    await using cluster = await TestCluster.create({
      pools: [],
      adapt: leases.adapt,
      world: () => ({ flannel: leases.world }),
    });
    const { client } = cluster;
    const podCidrs = (cidr: string) => (leases.podCidrs ? { podCIDRs: [cidr] } : {});
    await cluster.addNode('f1', 'a', { agent: false, ...podCidrs('10.244.1.0/24') });
    await cluster.addNode('f2', 'b', { agent: false, ...podCidrs('10.244.2.0/24') });
    const status = { conditions: [{ type: 'Ready', status: 'True' }] };
    for (const name of ['f1', 'f2'])
      await client.patch(NODES, { name }, 'merge', { status }, { subresource: 'status' });
    const { spec, ...agents } = daemonSet('kube-flannel-ds');
    const template = { spec: { hostNetwork: true, containers: [{ name: 'kube-flannel', args: leases.args }] } };
    await client.create(DAEMON_SETS, { ...agents, spec: { ...(spec as object), template } } as object);
    if (leases.podCidrs)
      await client.create(CONFIG_MAPS, {
        metadata: { name: 'kube-flannel-cfg', namespace: 'kube-system' },
        data: { 'net-conf.json': JSON.stringify(CONFIG) },
      } as object);
    const far = new FlannelNode(cluster, 'f2', CONFIG, ['10.244.2.0/24'], leases.source(cluster));
    await far.start(['172.30.2.12']);
    const farPod = await far.addPod('far', ['10.244.2.77']);
    const node = new FormerFlannelNode(cluster, leases.source(cluster));
    await node.settle();
    node.flannelStore = await leases.store();
    await node.addFlannelPod('web', '10.244.1.78', { kind: 'ReplicaSet', name: 'web' });
    const connected = async (): Promise<boolean> =>
      (await cluster.pings(farPod, node.logs!.ip)) && (await cluster.pings(node.logs!.netns, '10.244.2.77'));
    await eventually(connected);
    const plain = async () => {
      const { metadata, spec } = await client.get<Node>(NODES, { name: 'f1' });
      return { labels: metadata?.labels, spec: { ...spec } };
    };
    const before = await plain();

    for (const step of ['drain', 'leave', 'join', 'restart'])
      expect(await node.migrate({ from: 'from-flannel', direction: 'forward' }, `f1/${step}`)).toEqual({
        kind: 'interrupted',
      });
    expect(await node.migrate({ from: 'from-flannel', direction: 'forward' })).toEqual({ kind: 'done' });
    const { items: blocks } = await client.list<KubeObject>(IPAM_BLOCKS);
    // The address of the pod that ran on was not to be given out.
    expect(JSON.stringify(blocks)).toContain('"pod":"logs-1"');
    expect(node.logs!.ip).not.toBe('10.244.1.77');
    expect(node.logs!.ip).toMatch(/^10\.244\.1\./u);
    expect((await cluster.run(node.flannel.netns, ['ip', '-br', 'link'])).output).not.toContain('flannel.1');
    expect(readdirSync(node.leases).filter((name) => name === 'cbr0')).toEqual([]);
    await eventually(connected);

    for (const step of ['restart', 'join', 'leave', 'drain'])
      expect(await node.migrate({ from: 'from-flannel', direction: 'back' }, `back from f1/${step}`)).toEqual({
        kind: 'interrupted',
      });
    expect(await node.migrate({ from: 'from-flannel', direction: 'back' })).toEqual({ kind: 'done' });
    expect(await plain()).toEqual(before);
    // It is the same subnet, all the time.
    expect((await leases.store())?.leases.map(({ key }) => key)).toEqual(
      where === 'in etcd' ? ['10.244.1.0-24', '10.244.2.0-24'] : undefined,
    );
    const links = await cluster.run(node.flannel.netns, ['ip', '-br', 'link']);
    expect(links.output).not.toMatch(/sluice|slc/);
    await eventually(connected);
    expect([...node.flannel.failures, ...far.failures]).toEqual([]);
    rmSync(node.leases, { recursive: true });
  },
);
