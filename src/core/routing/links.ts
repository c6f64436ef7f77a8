import { equalIp } from '../../base/ip/index.ts';
import type { Ip } from '../../base/ip/index.ts';
import type { DesiredLink } from './types.ts';

/** A device of ours as the kernel has it; the shape is that of `Link` in `host/netlink`. */
export interface ActualLink {
  readonly name: string;
  /** rtnetlink's word; another one than was desired when somebody else made the device. */
  readonly kind: string | undefined;
  readonly mac: string | undefined;
  readonly mtu: number;
  readonly up: boolean;
  readonly vxlan?: { readonly vni: number; readonly port: number; readonly local?: Ip } | undefined;
  readonly ipip?: { readonly local?: Ip } | undefined;
  /** Absent while the agent does not carry what passes through the device. */
  readonly tun?: { readonly port: number; readonly local: Ip } | undefined;
  /** Absent while the agent has not told Open vSwitch of it. */
  readonly ovs?: { readonly vni: number; readonly port: number; readonly local: Ip } | undefined;
}

/** A device to be made, in the words of `host/netlink`. */
export type NewTunnelLink =
  | {
      readonly type: 'vxlan';
      readonly name: string;
      readonly mac: string;
      readonly mtu: number;
      readonly up: true;
      readonly vxlan: { readonly vni: number; readonly port: number; readonly local: Ip };
    }
  | {
      readonly type: 'ipip';
      readonly name: string;
      readonly mtu: number;
      readonly up: true;
      readonly ipip: { readonly local: Ip };
    }
  | {
      readonly type: 'tun';
      readonly name: string;
      readonly mac: string;
      readonly mtu: number;
      readonly up: true;
      readonly tun: { readonly port: number; readonly local: Ip };
    }
  | {
      readonly type: 'ovs';
      readonly name: string;
      readonly mac: string;
      readonly mtu: number;
      readonly up: true;
      readonly ovs: { readonly vni: number; readonly port: number; readonly local: Ip };
    }
  | { readonly type: 'wireguard'; readonly name: string; readonly mtu: number; readonly up: true };

/** What the kernel must have been built with to make a device, and the module that brings it. */
export const LINK_FEATURES: Readonly<
  Record<NewTunnelLink['type'], { readonly option: string; readonly module: string }>
> = {
  vxlan: { option: 'CONFIG_VXLAN', module: 'vxlan' },
  ipip: { option: 'CONFIG_NET_IPIP', module: 'ipip' },
  tun: { option: 'CONFIG_TUN', module: 'tun' },
  // Open vSwitch forwards in user space where the kernel has no switch of its own.
  ovs: { option: 'CONFIG_TUN', module: 'tun' },
  wireguard: { option: 'CONFIG_WIREGUARD', module: 'wireguard' },
};

/** How the device is made. */
export function newLink(link: DesiredLink): NewTunnelLink {
  const { name, mtu } = link;
  if (link.kind === 'wireguard') return { type: 'wireguard', name, mtu, up: true };
  const { local } = link;
  switch (link.kind) {
    case 'vxlan':
      return { type: 'vxlan', name, mac: link.mac, mtu, up: true, vxlan: { vni: link.vni, port: link.port, local } };
    case 'ipip':
      return { type: 'ipip', name, mtu, up: true, ipip: { local } };
    case 'tun':
      return { type: 'tun', name, mac: link.mac, mtu, up: true, tun: { port: link.port, local } };
    case 'ovs':
      return { type: 'ovs', name, mac: link.mac, mtu, up: true, ovs: { vni: link.vni, port: link.port, local } };
  }
}

/** Whether all that cannot be changed on a living device is as desired: its kind, identity, port and local address. */
export function sameDevice(desired: DesiredLink, { kind, vxlan, ipip, tun, ovs }: ActualLink): boolean {
  // Until the agent has taken a bridge over, the kernel has a word of its own for its device.
  if (kind !== desired.kind && !(desired.kind === 'ovs' && ovs === undefined)) return false;
  switch (desired.kind) {
    case 'vxlan':
      return desired.vni === vxlan?.vni && desired.port === vxlan.port && sameIp(desired.local, vxlan.local);
    case 'ipip':
      return sameIp(desired.local, ipip?.local);
    case 'tun':
      return tun === undefined || (desired.port === tun.port && sameIp(desired.local, tun.local));
    case 'ovs':
      return (
        ovs === undefined || (desired.vni === ovs.vni && desired.port === ovs.port && sameIp(desired.local, ovs.local))
      );
    case 'wireguard':
      return true;
  }
}

/** Whether a device that is there must be made all the same: one that the agent carries, of an agent that is no more. */
export function isAbandoned({ kind }: DesiredLink, { tun, ovs }: ActualLink): boolean {
  return (kind === 'tun' && tun === undefined) || (kind === 'ovs' && ovs === undefined);
}

function sameIp(a: Ip, b: Ip | undefined): boolean {
  return b !== undefined && equalIp(a, b);
}
