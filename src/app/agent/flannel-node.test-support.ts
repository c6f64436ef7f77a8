import { randomBytes } from 'node:crypto';
import type { TestCluster } from './cluster.test-support.ts';
import { annotatedLeases } from './flannel-sources.test-support.ts';
import type { LeaseSource, SaidLease } from './flannel-sources.test-support.ts';
import { FlannelWireguardNode } from './flannel-wireguard-node.test-support.ts';
import type { FlannelWireguardConfig } from './flannel-wireguard-node.test-support.ts';

/** flannel's `net-conf.json`, as far as its kube subnet manager and its backends read it. */
export interface FlannelConfig {
  readonly EnableIPv4?: boolean;
  readonly EnableIPv6?: boolean;
  readonly Network?: string;
  readonly IPv6Network?: string;
  readonly Backend: FlannelWireguardConfig & {
    readonly Type: 'vxlan' | 'host-gw' | 'ipip' | 'wireguard';
    readonly VNI?: number;
    readonly Port?: number;
    readonly DirectRouting?: boolean;
  };
}

/** What a node has said, in one family. */
interface Lease {
  readonly subnet: string;
  readonly publicIp: string;
  readonly mac: string;
}

const FAMILIES = [
  { v6: false, flag: '-4', device: 'flannel.', host: '/32' },
  { v6: true, flag: '-6', device: 'flannel-v6.', host: '/128' },
] as const;
/** flannel's device for its backend `ipip`. */
const IPIP = 'flannel.ipip';
type FamilyNames = (typeof FAMILIES)[number];

/**
 * A node that flannel runs: it knows the others by nothing but what their leases say, in annotations and podCIDRs unless
 * another source is given, and programs its kernel with the same devices, neighbours, forwarding entries and routes that
 * flannel does (its pkg/backend/vxlan and pkg/backend/hostgw), by `ip` and `bridge`. Pods are on bridge cni0, as its CNI plugin has them.
 */
export class FlannelNode {
  readonly #cluster: TestCluster;
  readonly #name: string;
  readonly #config: FlannelConfig;
  readonly #subnets: readonly string[];
  readonly #source: LeaseSource;
  readonly #known = new Map<string, Lease>();
  #stop = new AbortController();
  #queue: Promise<void> = Promise.resolve();
  #failures: string[] = [];
  #wireguard: FlannelWireguardNode | undefined;

  constructor(
    cluster: TestCluster,
    name: string,
    config: FlannelConfig,
    subnets: readonly string[],
    source: LeaseSource = annotatedLeases(cluster.client),
  ) {
    this.#source = source;
    this.#cluster = cluster;
    this.#name = name;
    this.#config = config;
    this.#subnets = subnets;
  }

  get netns(): string {
    return this.#cluster.nodes.get(this.#name)!.netns;
  }

  /** What could not be programmed, in the words of the command. */
  get failures(): readonly string[] {
    return this.#failures;
  }

  /** Devices with new hardware addresses, then the lease, then what the others say. `told`: what it says of itself. */
  async start(publicIps: readonly string[], told: readonly string[] = publicIps): Promise<void> {
    this.#stop = new AbortController();
    const of = (texts: readonly string[], v6: boolean): string => texts.find((each) => each.includes(':') === v6)!;
    const said: SaidLease[] = [];
    const key = this.#config.Backend.Type === 'wireguard' ? await this.#addWireguard() : undefined;
    for (const family of this.#families) {
      const { v6 } = family;
      const subnet = of(this.#subnets, v6);
      const data = key ?? (await this.#backendData(family, of(publicIps, v6), subnet));
      said.push({ v6, subnet, publicIp: of(told, v6), data });
    }
    const { Type: type } = this.#config.Backend;
    await this.#source.publish(this.#name, type, said);
    const self = { node: this.#name, type, families: said.length };
    const onLeases = (key: string, leases: readonly SaidLease[] | undefined): void => {
      this.#queue = this.#queue.then(() => this.#follow(key, leases));
    };
    this.#source.follow(self, onLeases, this.#stop.signal);
  }

  /** flannel ends; its node goes on as it was. */
  async end(): Promise<void> {
    this.#stop.abort();
    await this.#queue;
    this.#known.clear();
  }

  /** flannel ends and its devices go, as with a node that is set up anew. The Node object stays. */
  async stop(): Promise<void> {
    await this.end();
    if (this.#wireguard !== undefined) return this.#wireguard.remove(this.#families);
    for (const { device } of this.#families)
      await this.#cluster.run(this.netns, ['ip', 'link', 'del', `${device}${this.#vni}`]);
  }

  /** A pod behind the bridge; resolves to its namespace. */
  async addPod(name: string, ips: readonly string[]): Promise<string> {
    const netns = this.#cluster.makeNetns(`pod-${name}`);
    const bridge = (await this.#cluster.run(this.netns, ['ip', 'link', 'show', 'cni0'])).code === 0;
    if (!bridge) await this.#addBridge();
    const link = `veth-${name}`;
    await this.#ip('link', 'add', link, 'master', 'cni0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', netns);
    await this.#ip('link', 'set', link, 'up');
    const inside = async (...command: readonly string[]): Promise<void> => this.#run(netns, ['ip', ...command]);
    await inside('link', 'set', 'lo', 'up');
    await inside('link', 'set', 'eth0', 'up');
    for (const ip of ips) {
      const family = FAMILIES.find(({ v6 }) => v6 === ip.includes(':'))!;
      const subnet = this.#subnets.find((each) => each.includes(':') === family.v6)!;
      await inside('addr', 'add', `${ip}/${subnet.split('/')[1]}`, 'dev', 'eth0', ...(family.v6 ? ['nodad'] : []));
      await inside(family.flag, 'route', 'add', 'default', 'via', gatewayOf(subnet));
    }
    return netns;
  }

  async #addBridge(): Promise<void> {
    await this.#ip('link', 'add', 'cni0', 'type', 'bridge');
    await this.#ip('link', 'set', 'cni0', 'up');
    for (const subnet of this.#subnets)
      await this.#ip('addr', 'add', `${gatewayOf(subnet)}/${subnet.split('/')[1]}`, 'dev', 'cni0', ...nodad(subnet));
    for (const key of ['net.ipv4.ip_forward', 'net.ipv6.conf.all.forwarding'])
      await this.#run(this.netns, ['sysctl', '-qw', `${key}=1`]);
  }

  get #families(): readonly FamilyNames[] {
    const { EnableIPv4 = true, EnableIPv6 = false } = this.#config;
    return FAMILIES.filter(({ v6 }) => (v6 ? EnableIPv6 : EnableIPv4));
  }

  get #vni(): number {
    return this.#config.Backend.VNI ?? 1;
  }

  async #backendData({ device, host }: FamilyNames, publicIp: string, subnet: string): Promise<string> {
    const { Type, Port = 8472 } = this.#config.Backend;
    if (Type === 'host-gw') return 'null';
    if (Type === 'ipip') return this.#addIpip(publicIp, subnet);
    const name = `${device}${this.#vni}`;
    const there = await this.#cluster.run(this.netns, ['ip', 'link', 'show', name]);
    // One that suits it is used on.
    const used = there.code === 0 ? /link\/ether (\S+)/u.exec(there.output)?.[1] : undefined;
    if (used !== undefined) return JSON.stringify({ VNI: this.#vni, VtepMAC: used });
    const mac = ['6a', ...randomBytes(5).toString('hex').match(/../g)!].join(':');
    const vxlan = ['id', String(this.#vni), 'dev', 'eth0', 'local', publicIp, 'dstport', String(Port), 'nolearning'];
    await this.#ip('link', 'add', name, 'address', mac, 'type', 'vxlan', ...vxlan);
    await this.#ip('addr', 'add', `${subnet.split('/')[0]}${host}`, 'dev', name, ...nodad(subnet));
    await this.#ip('link', 'set', name, 'up');
    return JSON.stringify({ VNI: this.#vni, VtepMAC: mac });
  }

  async #addIpip(publicIp: string, subnet: string): Promise<string> {
    await this.#ip('link', 'add', IPIP, 'type', 'ipip', 'local', publicIp);
    await this.#ip('link', 'set', IPIP, 'mtu', String((await this.#mtu()) - 20), 'up');
    await this.#ip('addr', 'add', `${subnet.split('/')[0]}/32`, 'dev', IPIP);
    return 'null';
  }

  async #addWireguard(): Promise<string> {
    const { Network, IPv6Network, Backend } = this.#config;
    this.#wireguard = new FlannelWireguardNode(Backend, this.netns, (...args) => this.#ip(...args));
    const networks = this.#families.map(({ v6 }) => {
      const subnet = this.#subnets.find((each) => each.includes(':') === v6)!;
      return { v6, subnet, network: (v6 ? IPv6Network : Network)! };
    });
    return this.#wireguard.add(networks, await this.#mtu());
  }

  /** Of the node's own interface. */
  async #mtu(): Promise<number> {
    const { output } = await this.#cluster.run(this.netns, ['ip', 'link', 'show', 'eth0']);
    return Number(/mtu (\d+)/u.exec(output)![1]);
  }

  /** What one node says now; undefined: it is gone. */
  async #follow(name: string, said: readonly SaidLease[] | undefined): Promise<void> {
    if (this.#wireguard !== undefined) return this.#wireguard.follow(name, said);
    for (const family of this.#families) {
      const key = `${name} ${family.device}`;
      const lease = leaseOf(said?.find(({ v6 }) => v6 === family.v6));
      const before = this.#known.get(key);
      if (JSON.stringify(before) === JSON.stringify(lease)) continue;
      if (lease !== undefined) {
        this.#known.set(key, lease);
        await this.#add(family, lease);
      } else if (before !== undefined) {
        this.#known.delete(key);
        await this.#remove(family, before);
      }
    }
  }

  async #add(family: FamilyNames, { subnet, publicIp, mac }: Lease): Promise<void> {
    const { flag, device } = family;
    if (await this.#isDirect(publicIp)) {
      await this.#ip(flag, 'route', 'replace', subnet, 'via', publicIp, 'dev', 'eth0');
      return;
    }
    if (this.#config.Backend.Type === 'ipip') {
      await this.#ip(flag, 'route', 'replace', subnet, 'via', publicIp, 'dev', IPIP, 'onlink');
      return;
    }
    const [name, hop] = [`${device}${this.#vni}`, subnet.split('/')[0]!];
    await this.#ip(flag, 'neigh', 'replace', hop, 'lladdr', mac, 'dev', name, 'nud', 'permanent');
    await this.#run(this.netns, ['bridge', 'fdb', 'replace', mac, 'dev', name, 'self', 'permanent', 'dst', publicIp]);
    await this.#ip(flag, 'route', 'replace', subnet, 'via', hop, 'dev', name, 'onlink');
  }

  async #remove({ flag, device }: FamilyNames, { subnet, publicIp, mac }: Lease): Promise<void> {
    if (this.#config.Backend.Type === 'vxlan' && !(await this.#isDirect(publicIp))) {
      const name = `${device}${this.#vni}`;
      await this.#ip(flag, 'neigh', 'del', subnet.split('/')[0]!, 'dev', name);
      await this.#run(this.netns, ['bridge', 'fdb', 'del', mac, 'dev', name, 'self', 'dst', publicIp]);
    }
    await this.#ip(flag, 'route', 'del', subnet);
  }

  async #isDirect(publicIp: string): Promise<boolean> {
    const { Type, DirectRouting = false } = this.#config.Backend;
    if (Type === 'host-gw') return true;
    if (!DirectRouting) return false;
    const { output } = await this.#cluster.run(this.netns, ['ip', 'route', 'get', publicIp]);
    return !output.includes(' via ');
  }

  #ip(...args: readonly string[]): Promise<void> {
    return this.#run(this.netns, ['ip', ...args]);
  }

  async #run(netns: string, command: readonly string[]): Promise<void> {
    const { code, output } = await this.#cluster.run(netns, command);
    if (code !== 0) this.#failures.push(`${command.join(' ')}: ${output.trim()}`);
  }
}

function leaseOf(said: SaidLease | undefined): Lease | undefined {
  if (said === undefined) return undefined;
  const vtep = JSON.parse(said.data) as { readonly VtepMAC: string } | null;
  return { subnet: said.subnet, publicIp: said.publicIp, mac: vtep?.VtepMAC ?? '' };
}

/** The bridge has the first address after the network's own. */
function gatewayOf(subnet: string): string {
  const [network] = subnet.split('/') as [string];
  return network.includes(':') ? `${network}1` : network.replace(/\d+$/u, (last) => String(Number(last) + 1));
}

function nodad(address: string): readonly string[] {
  return address.includes(':') ? ['nodad'] : [];
}
