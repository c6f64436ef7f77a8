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
}

/** A device to be made, in the words of `host/netlink`. */
export interface NewTunnelLink {
  readonly type: 'vxlan';
  readonly name: string;
  readonly mac: string;
  readonly mtu: number;
  readonly up: true;
  readonly vxlan: { readonly vni: number; readonly port: number; readonly local: Ip };
}

/** How the device is made. */
export function newLink(link: DesiredLink): NewTunnelLink {
  const { name, mac, mtu, vni, port, local } = link;
  return { type: 'vxlan', name, mac, mtu, up: true, vxlan: { vni, port, local } };
}

/** Whether all that cannot be changed on a living device is as desired: its kind, identity, port and local address. */
export function sameDevice(desired: DesiredLink, { kind, vxlan }: ActualLink): boolean {
  if (kind !== desired.kind || vxlan === undefined) return false;
  return (
    desired.vni === vxlan.vni &&
    desired.port === vxlan.port &&
    vxlan.local !== undefined &&
    equalIp(desired.local, vxlan.local)
  );
}
