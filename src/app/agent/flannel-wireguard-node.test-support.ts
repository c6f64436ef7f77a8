import { parseCidr, parseIp } from '../../base/ip/index.ts';
import { newPrivateKey, publicKeyOf } from '../../host/wireguard/key.ts';
import { openWireguard } from '../../host/wireguard/kernel.ts';
import type { SaidLease } from './flannel-sources.test-support.ts';

/** What flannel's backend `wireguard` is told. */
export interface FlannelWireguardConfig {
  readonly Mode?: 'separate' | 'auto' | 'ipv4' | 'ipv6';
  readonly ListenPort?: number;
  readonly ListenPortV6?: number;
  readonly PSK?: string;
  readonly PersistentKeepaliveInterval?: number;
}

interface Network {
  readonly v6: boolean;
  /** Of all nodes. */
  readonly network: string;
  /** Of this one. */
  readonly subnet: string;
}

/**
 * The WireGuard of a node that flannel runs (its pkg/backend/wireguard): a device for each family, or one for both, with a
 * route for the whole network, and a peer for each lease. `ip` runs iproute2 in the node's namespace.
 */
export class FlannelWireguardNode {
  readonly #config: FlannelWireguardConfig;
  readonly #netns: string;
  readonly #ip: (...args: readonly string[]) => Promise<void>;
  readonly #privateKey = newPrivateKey();
  readonly #keys = new Map<string, string>();

  constructor(config: FlannelWireguardConfig, netns: string, ip: (...args: readonly string[]) => Promise<void>) {
    this.#config = config;
    this.#netns = netns;
    this.#ip = ip;
  }

  /** Makes the devices; resolves to what the node says in each family. */
  async add(networks: readonly Network[], mtu: number): Promise<string> {
    const made = new Set<string>();
    for (const { v6, network, subnet } of networks) {
      const { device, port } = this.#endOf(v6);
      if (!made.has(device)) {
        made.add(device);
        await this.#ip('link', 'add', device, 'mtu', String(mtu - 80), 'type', 'wireguard');
        this.#configure(device, { privateKey: this.#privateKey, listenPort: port });
      }
      const host = `${subnet.split('/')[0]}/${v6 ? 128 : 32}`;
      await this.#ip('addr', 'add', host, 'dev', device, ...(v6 ? ['nodad'] : []));
      await this.#ip('link', 'set', device, 'up');
      await this.#ip(v6 ? '-6' : '-4', 'route', 'add', network, 'dev', device, 'scope', 'link');
    }
    return JSON.stringify({ PublicKey: publicKeyOf(this.#privateKey) });
  }

  async remove(networks: readonly Pick<Network, 'v6'>[]): Promise<void> {
    for (const device of new Set(networks.map(({ v6 }) => this.#endOf(v6).device)))
      await this.#ip('link', 'del', device);
  }

  /** What one node says now; undefined: it is gone. */
  follow(node: string, said: readonly SaidLease[] | undefined): void {
    const groups = this.#separate ? (said ?? []).map((each) => [each]) : [said ?? []];
    for (const leases of groups) {
      const last = leases.at(-1);
      if (last === undefined) continue;
      const { device, port } = this.#endOf(last.v6);
      const { PublicKey: publicKey } = JSON.parse(last.data) as { readonly PublicKey: string };
      this.#forget(device, node, publicKey);
      const wanted = this.#config.Mode === 'ipv6' || (this.#separate && last.v6);
      const { publicIp } = leases.find(({ v6 }) => v6 === wanted) ?? last;
      const { PSK, PersistentKeepaliveInterval: keepaliveSeconds = 0 } = this.#config;
      const endpoint = { ip: parseIp(publicIp)!, port };
      const allowedIps = leases.map(({ subnet }) => parseCidr(subnet)!);
      const peer = {
        publicKey,
        endpoint,
        allowedIps,
        keepaliveSeconds,
        ...(PSK === undefined ? {} : { presharedKey: PSK }),
      };
      this.#configure(device, { peers: [peer] });
      this.#keys.set(`${device} ${node}`, publicKey);
    }
    if (said === undefined) for (const v6 of [false, true]) this.#forget(this.#endOf(v6).device, node, undefined);
  }

  get #separate(): boolean {
    return (this.#config.Mode ?? 'separate') === 'separate';
  }

  #endOf(v6: boolean): { readonly device: string; readonly port: number } {
    const { ListenPort = 51_820, ListenPortV6 = 51_821 } = this.#config;
    return v6 && this.#separate
      ? { device: 'flannel-wg-v6', port: ListenPortV6 }
      : { device: 'flannel-wg', port: ListenPort };
  }

  /** A peer with another key than the node has now. */
  #forget(device: string, node: string, key: string | undefined): void {
    const before = this.#keys.get(`${device} ${node}`);
    if (before === undefined || before === key) return;
    this.#configure(device, { peers: [{ publicKey: before, remove: true }] });
    this.#keys.delete(`${device} ${node}`);
  }

  #configure(device: string, change: Parameters<ReturnType<typeof openWireguard>['configure']>[1]): void {
    using wireguard = openWireguard({ netns: this.#netns });
    wireguard.configure(device, change);
  }
}
