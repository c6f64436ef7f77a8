import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BLOCK_AFFINITIES, IPAM_BLOCKS, NODES, PODS } from '../../host/kube-client/resources.ts';
import type { KubeObject } from '../../host/kube-client/types.ts';
import type { TestCluster } from './cluster.test-support.ts';

interface AnnotatedNode extends KubeObject {
  readonly metadata: { readonly name: string; readonly annotations?: Readonly<Record<string, string>> };
}

interface Block extends KubeObject {
  readonly spec: { readonly cidr: string; readonly affinity?: string | null };
}

/** A pod of a node of Calico's, as far as packets go. */
export interface CalicoPod {
  readonly name: string;
  readonly netns: string;
  readonly ip: string;
}

const HOST_SIDE_MAC = 'ee:ee:ee:ee:ee:ee';

/**
 * A node that Calico would run, with VXLAN or IPIP: what Felix and Calico's plugin leave in a kernel, from what they read of the
 * cluster, which is annotations and blocks. It shares no code with what it is tested against.
 */
export class CalicoNode {
  readonly name: string;
  readonly #cluster: TestCluster;
  /** First three bytes of its block's addresses and the block's first address. */
  readonly #prefix: string;
  readonly #first: number;
  readonly #tunnel: 'vxlan' | 'ipip';

  constructor(cluster: TestCluster, name: string, block: string, tunnel: 'vxlan' | 'ipip' = 'vxlan') {
    this.#tunnel = tunnel;
    this.#cluster = cluster;
    this.name = name;
    const [address = ''] = block.split('/');
    this.#prefix = address.slice(0, address.lastIndexOf('.'));
    this.#first = Number(address.slice(this.#prefix.length + 1));
  }

  /** The node's own address in the overlay: the first of its block. */
  get tunnelAddress(): string {
    return `${this.#prefix}.${this.#first}`;
  }

  get #cidr(): string {
    return `${this.tunnelAddress}/26`;
  }

  /** What calico/node writes when it starts: its address, its block, and the tunnel's address out of it. */
  async register(address: string): Promise<void> {
    const { client } = this.#cluster;
    const annotations = {
      'projectcalico.org/IPv4Address': `${address}/24`,
      [`projectcalico.org/IPv4${this.#tunnel.toUpperCase()}TunnelAddr`]: this.tunnelAddress,
    };
    await client.patch(NODES, { name: this.name }, 'merge', { metadata: { annotations } });
    await client.create(BLOCK_AFFINITIES, {
      metadata: { name: `${this.name}-${this.#cidr.replaceAll(/[./]/g, '-')}` },
      spec: { cidr: this.#cidr, node: this.name, state: 'confirmed', deleted: 'false', type: 'host' },
    } as object);
    const secondary = { node: this.name, type: `${this.#tunnel}TunnelAddress` };
    await client.create(IPAM_BLOCKS, {
      metadata: { name: this.#cidr.replaceAll(/[./]/g, '-') },
      spec: {
        cidr: this.#cidr,
        affinity: `host:${this.name}`,
        strictAffinity: false,
        allocations: [0, ...Array.from({ length: 63 }, () => null)],
        unallocated: Array.from({ length: 63 }, (_, i) => i + 1),
        attributes: [{ handle_id: `${this.#tunnel}-tunnel-addr-${this.name}`, secondary }],
        deleted: false,
      },
    } as object);
  }

  /** Programs the kernel from what the API says now, as Felix would once it has heard everything. */
  async program(): Promise<void> {
    const { client } = this.#cluster;
    const { items: nodes } = await client.list<AnnotatedNode>(NODES);
    const { items: blocks } = await client.list<Block>(IPAM_BLOCKS);
    const own = nodes.find(({ metadata }) => metadata.name === this.name)!;
    if (this.#tunnel === 'ipip') return this.#programIpip(own, nodes, blocks);
    await this.#ip(
      `link add vxlan.calico address ${vtepMac(this.name)} mtu 1450 type vxlan id 4096 dstport 4789 nolearning local ${hostOf(own)} dev eth0`,
    );
    await this.#ip(`addr add ${this.tunnelAddress}/32 dev vxlan.calico`);
    await this.#ip('link set vxlan.calico up');
    await this.#ip(`route replace blackhole ${this.#cidr} proto 80`);
    for (const peer of nodes.filter((node) => node !== own)) {
      const { name, annotations = {} } = peer.metadata;
      const via = annotations['projectcalico.org/IPv4VXLANTunnelAddr'];
      if (via === undefined) continue;
      const mac = annotations['projectcalico.org/VXLANTunnelMACAddr'] ?? vtepMac(name);
      await this.#ip(`neigh replace ${via} lladdr ${mac} dev vxlan.calico nud permanent`);
      await this.#run(`bridge fdb replace ${mac} dev vxlan.calico dst ${hostOf(peer)} self permanent`);
      for (const { spec } of blocks.filter((block) => block.spec.affinity === `host:${name}`))
        await this.#ip(`route replace ${spec.cidr} via ${via} dev vxlan.calico onlink proto 80`);
    }
  }

  /** With the kernel's own device and the routes that Calico's BIRD makes: to the peer itself, whatever network it is in. */
  async #programIpip(own: AnnotatedNode, nodes: readonly AnnotatedNode[], blocks: readonly Block[]): Promise<void> {
    await this.#ip('link set tunl0 mtu 1480 up');
    await this.#ip(`addr replace ${this.tunnelAddress}/32 dev tunl0`);
    await this.#ip(`route replace blackhole ${this.#cidr} proto bird`);
    for (const peer of nodes.filter((node) => node !== own))
      for (const { spec } of blocks.filter((block) => block.spec.affinity === `host:${peer.metadata.name}`))
        await this.#ip(`route replace ${spec.cidr} via ${hostOf(peer)} dev tunl0 onlink proto bird`);
  }

  /** Runs BIRD with the full mesh as confd's template has it: nodes with lower addresses connect, the others wait. */
  async mesh(): Promise<void> {
    const { items } = await this.#cluster.client.list<AnnotatedNode>(NODES);
    const own = hostOf(items.find(({ metadata }) => metadata.name === this.name)!);
    const peers = items.map(hostOf).filter((address) => address !== own);
    const folder = mkdtempSync(join(tmpdir(), 'calico-bird-'));
    const file = join(folder, 'bird.cfg');
    writeFileSync(file, meshConfig(own, this.#cidr, peers));
    const command = ['/usr/sbin/bird', '-f', '-c', file, '-s', join(folder, 'bird.ctl')];
    const bird = this.#cluster.start(this.#cluster.nodes.get(this.name)!.netns, command);
    bird.once('exit', () => rmSync(folder, { recursive: true, force: true }));
    await this.#ip(`route replace blackhole ${this.#cidr} proto 80`);
  }

  /** A pod as Calico's plugin wires it, with an address of the block that the block is told of. */
  async addPod(name: string, ordinal: number): Promise<CalicoPod> {
    const netns = this.#cluster.makeNetns(`calico-${name}`);
    const link = caliInterface(name);
    const ip = `${this.#prefix}.${this.#first + ordinal}`;
    const node = this.#cluster.nodes.get(this.name)!.netns;
    await this.#ip(`link add ${link} address ${HOST_SIDE_MAC} type veth peer name eth0 netns ${netns}`);
    for (const command of [
      `ip link set ${link} up`,
      `ip route replace ${ip}/32 dev ${link} scope link proto 80`,
      `sysctl -qw net.ipv4.conf.${link}.proxy_arp=1 net.ipv4.ip_forward=1`,
    ])
      await this.#expect(node, command);
    for (const command of [
      'ip link set lo up',
      'ip link set eth0 up',
      `ip addr add ${ip}/32 dev eth0`,
      'ip route add 169.254.1.1 dev eth0 scope link',
      'ip route add default via 169.254.1.1 dev eth0',
    ])
      await this.#expect(netns, command);
    await this.#cluster.client.create(PODS, {
      metadata: { name, namespace: 'default' },
      spec: { nodeName: this.name, containers: [{ name: 'c', image: 'busybox' }] },
      status: { phase: 'Running', podIP: ip, podIPs: [{ ip }] },
    } as object);
    return { name, netns, ip };
  }

  /** The pod ends, as by a drain; its address is nobody's any more. */
  async removePod({ name, netns }: CalicoPod): Promise<void> {
    await this.#expect(netns, 'ip link del eth0');
    await this.#cluster.client.delete(PODS, { namespace: 'default', name });
  }

  async #ip(command: string): Promise<void> {
    await this.#run(`ip ${command}`);
  }

  #run(command: string): Promise<void> {
    return this.#expect(this.#cluster.nodes.get(this.name)!.netns, command);
  }

  async #expect(netns: string, command: string): Promise<void> {
    const { code, output } = await this.#cluster.run(netns, command.split(' '));
    if (code !== 0) throw new Error(`${command}: ${output}`);
  }
}

/** The node's side of a pod of namespace `default`, as Calico's plugin names it. */
export function caliInterface(pod: string): string {
  return `cali${createHash('sha1').update(`default.${pod}`).digest('hex').slice(0, 11)}`;
}

/** As Felix derives it: the letter f and five bytes of the name's SHA-1. */
function vtepMac(node: string): string {
  const bytes = [...Buffer.from('f'), ...createHash('sha1').update(node).digest().subarray(0, 5)];
  return bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(':');
}

function hostOf({ metadata }: AnnotatedNode): string {
  return metadata.annotations!['projectcalico.org/IPv4Address']!.split('/')[0]!;
}

/** In the words of BIRD 2; Calico's own is of the older one. */
function meshConfig(own: string, block: string, peers: readonly string[]): string {
  const sessions = peers.map(
    (peer) => `protocol bgp Mesh_${peer.replaceAll('.', '_')} from mesh {
  neighbor ${peer} as 64512;
  source address ${own};
  ${number(peer) > number(own) ? 'passive on;' : ''}
}`,
  );
  return `router id ${own};
protocol device { scan time 2; }
protocol direct { ipv4; interface -"cali*", -"kube-ipvs*", "*"; }
protocol static { ipv4; route ${block} blackhole; }
protocol kernel {
  learn; persist; scan time 2; graceful restart;
  ipv4 { import all; export filter { if source = RTS_BGP then accept; reject; }; };
}
template bgp mesh {
  local as 64512;
  multihop;
  graceful restart;
  connect delay time 2; connect retry time 5; error wait time 5,30;
  ipv4 {
    gateway recursive; add paths on;
    import all;
    export filter { if net = ${block} then accept; reject; };
  };
}
${sessions.join('\n')}
`;
}

function number(address: string): number {
  return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}
