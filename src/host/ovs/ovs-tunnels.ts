import { existsSync } from 'node:fs';
import { equalIp, formatIp } from '../../base/ip/index.ts';
import type { Ip } from '../../base/ip/index.ts';
import type { Netlink } from '../netlink/port.ts';
import type { TunnelPeer } from '../tun/peers.ts';
import type { CarriedTunnel, Carrier } from '../tun/carrier.ts';
import { UPLINK_PORT, datapathsOf, deleteBridge, ensureBridge } from './bridge.ts';
import type { BridgeSettings } from './bridge.ts';
import { FlowSession } from './flow-session.ts';
import { OFPP_LOCAL, encodeAddFlow, encodeDeleteCookie, encodeDeleteFlow } from './openflow-codec.ts';
import type { Flow } from './openflow-codec.ts';

/** Where a switch is spoken to. */
export interface OvsSockets {
  /** The database's. */
  readonly database: string;
  /** The folder with a bridge's own, `<bridge>.mgmt`. */
  readonly folder: string;
}

/** The port into the tunnels: Open vSwitch's own, or a VXLAN device of the kernel. */
const UPLINK = 'ovsx.sluice';
const PRIORITY = 100;
/** The cookies of Sluice's flows: this and a number that changes when all are made anew. */
const COOKIE = 0x736c75696365_0000n;
const GENERATIONS = [0n, 1n, 2n, 3n].map((generation) => COOKIE + generation);
/** There when the kernel's own switch is. */
const MODULE = '/sys/module/openvswitch';

/**
 * Tunnels by Open vSwitch: one bridge, whose own device the node routes pods' packets to, and flows that say which peer's
 * hardware address is behind which far end. Where the kernel has no openvswitch, ovs-vswitchd forwards itself between the
 * bridge and a VXLAN device of the kernel: its own tunnels would need the node's network card.
 */
export class OvsTunnels implements Carrier {
  readonly #sockets: OvsSockets;
  readonly #kernel: Netlink;
  readonly #own: AsyncDisposable | undefined;
  #tunnel: CarriedTunnel | undefined;
  /** By hardware address. */
  #peers = new Map<string, Ip>();
  #cookie: bigint | undefined;
  /** Whether the kernel's device wraps, not the switch. */
  #device = false;

  /** `own` is a switch that ends with this. */
  constructor(sockets: OvsSockets, kernel: Netlink, own?: AsyncDisposable) {
    this.#sockets = sockets;
    this.#kernel = kernel;
    this.#own = own;
  }

  /** Asks the switch itself, which may have been started anew since, without flows. */
  get carries(): boolean {
    if (this.#tunnel === undefined) return false;
    try {
      using session = this.#session(this.#tunnel.name);
      return session.cookies().filter((cookie) => cookie === this.#cookie).length === 2 * this.#peers.size;
    } catch {
      return false;
    }
  }

  set(tunnel: CarriedTunnel): void {
    const before = this.#tunnel;
    const same = before !== undefined && sameSettings(before, tunnel);
    if (!same) {
      this.#tunnel = undefined;
      const settings = this.#settingsOf(tunnel);
      this.#device = settings.uplink.kind === 'device';
      if (this.#device) this.#ensureDevice(tunnel);
      ensureBridge(this.#sockets.database, settings);
    }
    this.#setPeers(tunnel, !same);
    this.#tunnel = tunnel;
  }

  /** The bridge goes, and its device with it. */
  remove(name: string): 'removed' {
    this.#tunnel = undefined;
    deleteBridge(this.#sockets.database, name);
    if (this.#kernel.link(UPLINK) !== undefined) this.#kernel.apply([{ kind: 'delete-link', link: UPLINK }]);
    return 'removed';
  }

  /** Forgets the flows that were made: all are made anew. */
  lost(): void {
    this.#tunnel = undefined;
  }

  /** The node's own switch goes on by itself. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.lost();
    await this.#own?.[Symbol.asyncDispose]();
  }

  #settingsOf({ name, mac, mtu, vni, port, local }: CarriedTunnel): BridgeSettings {
    const common = { name, mac, mtu: mtu ?? 1450 };
    // Its asking loads the module, where the kernel has one.
    if (datapathsOf(this.#sockets.database).includes('system') && existsSync(MODULE))
      return { ...common, datapath: 'system', uplink: { kind: 'vxlan', name: UPLINK, vni: vni ?? 1, port, local } };
    return { ...common, datapath: 'netdev', uplink: { kind: 'device', name: UPLINK } };
  }

  /** The kernel's end of the tunnels, for a switch that has none of its own. */
  #ensureDevice({ mtu, vni, port, local }: CarriedTunnel): void {
    const { vxlan } = this.#kernel.link(UPLINK) ?? {};
    if (vxlan?.vni === vni && vxlan?.port === port && vxlan.local !== undefined && equalIp(vxlan.local, local)) return;
    if (vxlan !== undefined) this.#kernel.apply([{ kind: 'delete-link', link: UPLINK }]);
    const link = {
      type: 'vxlan',
      name: UPLINK,
      up: true,
      ...(mtu === undefined ? {} : { mtu }),
      vxlan: { vni: vni ?? 1, port, local },
    } as const;
    this.#kernel.apply([{ kind: 'add-link', link }]);
  }

  /** Changes the flows of the peers that changed; all of them, and the removal of any others, when it begins. */
  #setPeers(tunnel: CarriedTunnel, all: boolean): void {
    const wanted = new Map(tunnel.peers.map(({ mac, remote }) => [mac, remote]));
    using session = this.#session(tunnel.name);
    const old = all ? session.cookies() : [];
    const cookie = all ? GENERATIONS.find((each) => !old.includes(each))! : this.#cookie!;
    const known = all ? new Map<string, Ip>() : this.#peers;
    const device = this.#device;
    const flows = (mac: string, remote: Ip): readonly Flow[] => flowsOf(tunnel, { mac, remote }, cookie, device);
    const set = [...wanted].filter(([mac, remote]) => !sameRemote(known.get(mac), remote));
    const gone = [...known].filter(([mac, remote]) => !sameRemote(wanted.get(mac), remote));
    session.change([
      ...gone.flatMap(([mac, remote]) => flows(mac, remote)).map(encodeDeleteFlow),
      ...set.flatMap(([mac, remote]) => flows(mac, remote)).map(encodeAddFlow),
      ...[...new Set(old)].map(encodeDeleteCookie),
    ]);
    if (device) this.#forward(tunnel.peers);
    this.#cookie = cookie;
    this.#peers = wanted;
  }

  /** The kernel's device needs to know the same far ends. */
  #forward(peers: readonly TunnelPeer[]): void {
    const present = this.#kernel.fdb({ link: UPLINK });
    const key = ({ mac, remote }: TunnelPeer): string => `${mac} ${formatIp(remote)}`;
    const [have, want] = [present, peers].map((list) => new Set(list.map(key)));
    this.#kernel.apply([
      ...present
        .filter((entry) => !want!.has(key(entry)))
        .map(({ mac, remote }) => ({ kind: 'delete-fdb', entry: { link: UPLINK, mac, remote } }) as const),
      ...peers
        .filter((entry) => !have!.has(key(entry)))
        .map(({ mac, remote }) => ({ kind: 'replace-fdb', entry: { link: UPLINK, mac, remote } }) as const),
    ]);
  }

  #session(name: string): FlowSession {
    return new FlowSession(`${this.#sockets.folder}/${name}.mgmt`);
  }
}

/** Both directions; what comes from the tunnel must come from where the peer is, as far as the switch can see that. */
function flowsOf(
  { mac: own }: CarriedTunnel,
  { mac, remote }: TunnelPeer,
  cookie: bigint,
  device: boolean,
): readonly Flow[] {
  const common = { cookie, priority: PRIORITY };
  return [
    {
      ...common,
      inPort: OFPP_LOCAL,
      to: mac,
      ...(device ? {} : { tunnelDestination: remote }),
      outPort: UPLINK_PORT,
    },
    {
      ...common,
      inPort: UPLINK_PORT,
      from: mac,
      to: own,
      ...(device ? {} : { tunnelSource: remote }),
      outPort: OFPP_LOCAL,
    },
  ];
}

function sameSettings(a: CarriedTunnel, b: CarriedTunnel): boolean {
  return (
    a.name === b.name &&
    a.mac === b.mac &&
    a.mtu === b.mtu &&
    a.vni === b.vni &&
    a.port === b.port &&
    equalIp(a.local, b.local)
  );
}

function sameRemote(a: Ip | undefined, b: Ip | undefined): boolean {
  return a !== undefined && b !== undefined && equalIp(a, b);
}
