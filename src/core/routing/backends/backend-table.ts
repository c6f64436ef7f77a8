import type { Backend } from '../backend.ts';
import type { BackendName } from '../types.ts';
import { crossSubnet } from './cross-subnet.ts';
import { flannelVxlan } from './flannel-vxlan.ts';
import { flannelWireguard } from './flannel-wireguard.ts';
import { hostGw } from './host-gw.ts';
import { macvlan } from './macvlan.ts';
import { none } from './none.ts';
import { ovs } from './ovs.ts';
import { udp } from './udp.ts';
import { ipip } from './ipip.ts';
import { vxlan } from './vxlan.ts';

/** Every backend by the name that the configuration uses. To add one: its file, its name, a line here. */
export const BACKENDS: Readonly<Record<BackendName, Backend>> = {
  vxlan,
  'cross-subnet': crossSubnet(vxlan),
  'host-gw': hostGw,
  ipip,
  'ipip-cross-subnet': crossSubnet(ipip),
  macvlan,
  none,
  ovs,
  udp,
  'flannel-vxlan': flannelVxlan,
  'flannel-vxlan-direct': crossSubnet(flannelVxlan),
  'flannel-wireguard': flannelWireguard,
};

/** Those that a cluster may ask for by name; the others follow from what a flannel network says of itself. */
export const CONFIGURABLE_BACKENDS: readonly string[] = Object.keys(BACKENDS).filter(
  (name) => !name.startsWith('flannel-'),
);
