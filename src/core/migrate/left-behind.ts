/**
 * Tunnels that a network leaves behind when its agent goes. The kernel has only one device of a VNI and port, so ours cannot be
 * made beside them; nobody sends through them any more. `tunl0` is the kernel's own and stays.
 */
const TUNNELS: Readonly<Record<string, RegExp>> = {
  calico: /^(vxlan|vxlan-v6)\.calico$|^wireguard\.cali$|^wg-v6\.cali$/,
  canal: /^flannel(-v6)?\.\d+$|^flannel-wg(-v6)?$/,
  flannel: /^flannel(-v6)?\.\d+$|^flannel-wg(-v6)?$/,
};

/** Bridges that a network's plugin leaves behind, with an address out of the node's range that no pod can have meanwhile. */
const BRIDGES: Readonly<Record<string, string>> = { flannel: 'cni0' };

/** Whether a device is a tunnel of the network before, which goes when Sluice comes; its addresses go with it. */
export function isOldTunnel(before: string, link: string): boolean {
  return TUNNELS[before]?.test(link) === true;
}

/** Whether a device is the bridge of the network before, which goes when no pod is on it. */
export function isOldBridge(before: string, link: string): boolean {
  return BRIDGES[before] === link;
}
