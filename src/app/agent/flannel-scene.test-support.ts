import { expect } from 'vitest';
import { parseNetConf } from '../../core/flannel/index.ts';
import { NODES } from '../../host/kube-client/resources.ts';
import { TestCluster, eventually } from './cluster.test-support.ts';
import type { TestPod } from './cluster.test-support.ts';
import { FlannelNode } from './flannel-node.test-support.ts';
import type { FlannelConfig } from './flannel-node.test-support.ts';
import { withFlannel } from './flannel-options.ts';
import { textInMemory } from './text-file.ts';
import type { TextStore } from './text-file.ts';

const V4 = { Network: '10.244.0.0/16' } as const;
const V6 = { EnableIPv6: true, IPv6Network: 'fd00:10:244::/56' } as const;
/** Networks of one family or both. */
export const NETWORKS = { both: { ...V4, ...V6 }, v4: V4, v6: { EnableIPv4: false, ...V6 } } as const;

/** How a scene is other than usual. */
export interface SceneOptions {
  readonly networks?: keyof typeof NETWORKS;
  /** With f2 on the other segment; default: yes. */
  readonly far?: boolean;
  /** What f1 believes of the backend where it is not what Sluice does. */
  readonly nearBackend?: FlannelConfig['Backend'];
  /** MTU of all nodes' devices. */
  readonly underlay?: number;
}

/** Sluice's nodes s1 and s2 and flannel's f1 on one segment, and f2 on the other where `far` says so. */
export class FlannelScene implements AsyncDisposable {
  readonly cluster: TestCluster;
  /** What Sluice has written for flannel's plugin, by node. */
  readonly files = new Map<string, TextStore>();
  readonly networks: keyof typeof NETWORKS;
  near!: FlannelNode;
  far: FlannelNode | undefined;
  /** On s1 and s2. */
  first!: TestPod;
  second!: TestPod;
  /** Namespaces of the pods on f1 and f2. */
  nearPod!: string;
  farPod: string | undefined;

  private constructor(cluster: TestCluster, networks: keyof typeof NETWORKS) {
    this.cluster = cluster;
    this.networks = networks;
  }

  static async create(
    Backend: FlannelConfig['Backend'],
    { networks = 'both', far = true, nearBackend = Backend, underlay }: SceneOptions = {},
  ): Promise<FlannelScene> {
    const reading = parseNetConf(JSON.stringify({ ...NETWORKS[networks], Backend }));
    if (reading.kind === 'bad') throw new Error(reading.problems.join());
    const files = new Map(['s1', 's2'].map((name) => [name, textInMemory()]));
    const cluster = await TestCluster.create({
      pools: [],
      adapt: (options) => withFlannel(options, reading.netConf),
      world: (node) => ({ flannel: { subnetFile: files.get(node)! } }),
    });
    const scene = new FlannelScene(cluster, networks);
    for (const [name, file] of files) scene.files.set(name, file);
    const addNode = async (name: string, segment: 'a' | 'b', number: number): Promise<void> => {
      await cluster.addNode(name, segment, { agent: false, podCIDRs: scene.cidrsOf(number) });
      const { netns } = cluster.nodes.get(name)!;
      if (underlay !== undefined) await cluster.run(netns, ['ip', 'link', 'set', 'eth0', 'mtu', String(underlay)]);
    };
    const flannelNode = async (name: string, number: number, backend: FlannelConfig['Backend']) => {
      const config = { ...NETWORKS[networks], Backend: backend };
      const node = new FlannelNode(cluster, name, config, scene.cidrsOf(number));
      await node.start(await scene.addressesOf(name));
      return node;
    };
    await addNode('s1', 'a', 1);
    await addNode('f1', 'a', 2);
    await cluster.startAgent('s1');
    scene.near = await flannelNode('f1', 2, nearBackend);
    if (far) {
      await addNode('f2', 'b', 3);
      scene.far = await flannelNode('f2', 3, Backend);
    }
    await addNode('s2', 'a', 4);
    await cluster.startAgent('s2');
    scene.first = await cluster.addPod('s1', 'first');
    scene.second = await cluster.addPod('s2', 'second');
    scene.nearPod = await scene.near.addPod('near', scene.podOf(2));
    scene.farPod = await scene.far?.addPod('far', scene.podOf(3));
    return scene;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.cluster[Symbol.asyncDispose]();
  }

  /** The podCIDRs of the node of this number. */
  cidrsOf(n: number): readonly string[] {
    return this.#ofNetworks([`10.244.${n}.0/24`, `fd00:10:244:${n}::/64`]);
  }

  /** The addresses of the pod on the flannel node of this number. */
  podOf(n: number): readonly string[] {
    return this.#ofNetworks([`10.244.${n}.77`, `fd00:10:244:${n}::77`]);
  }

  #ofNetworks(texts: readonly string[]): readonly string[] {
    const wanted = { both: [false, true], v4: [false], v6: [true] }[this.networks];
    return texts.filter((text) => wanted.includes(text.includes(':')));
  }

  async addressesOf(name: string): Promise<readonly string[]> {
    const node = await this.cluster.client.get<{
      metadata: object;
      status: { addresses: readonly { readonly address: string }[] };
    }>(NODES, { name });
    return node.status.addresses.map(({ address }) => address);
  }

  async expectPings(from: string, to: readonly string[]): Promise<void> {
    for (const address of to)
      await eventually(() => this.cluster.pings(from, address)).catch((error: unknown) => {
        throw new Error(`${from} does not reach ${address}`, { cause: error });
      });
  }

  /** Every pod reaches every other in all families, and both kinds of node reach the pods of the other. */
  async expectConnected(): Promise<void> {
    const { cluster, near, far, first, second, nearPod, farPod } = this;
    const flannels = [...this.podOf(2), ...(far === undefined ? [] : this.podOf(3))];
    for (const { netns } of [first, second]) await this.expectPings(netns, flannels);
    await this.expectPings(first.netns, second.ips);
    for (const netns of [nearPod, ...(farPod === undefined ? [] : [farPod])])
      await this.expectPings(netns, [...first.ips, ...second.ips]);
    await this.expectPings(cluster.nodes.get('s1')!.netns, flannels);
    await this.expectPings(near.netns, first.ips);
    expect(near.failures).toEqual([]);
    expect(far?.failures ?? []).toEqual([]);
  }

  /** Whether an echo of so many bytes of IP passes unbroken. */
  async passes(from: string, to: string, bytes: number): Promise<boolean> {
    // IPv4 20 or IPv6 40, and ICMP 8.
    const payload = bytes - (to.includes(':') ? 48 : 28);
    const ping = ['ping', '-M', 'do', '-s', String(payload), '-c', '1', '-W', '1', to];
    return (await this.cluster.run(from, ping)).code === 0;
  }

  async mtuOf(netns: string, link: string): Promise<number> {
    const { output } = await this.cluster.run(netns, ['ip', 'link', 'show', link]);
    return Number(/mtu (\d+)/u.exec(output)?.[1]);
  }
}
