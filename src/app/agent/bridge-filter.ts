import { messageOf } from '../../base/errors.ts';
import type { Family } from '../../base/ip/index.ts';
import type { Sysctl } from '../../host/sysctl/sysctl.ts';

/** By which the kernel shows the packet filter what a bridge passes from port to port. */
const SWITCHES: Readonly<Record<Family, string>> = {
  4: 'net/bridge/bridge-nf-call-iptables',
  6: 'net/bridge/bridge-nf-call-ip6tables',
};

/**
 * Sees to it that packets between pods on one bridge pass the packet filter, as kube-proxy needs it, too. Returns what
 * prevents it: then policy between pods of one node is not enforced.
 */
export function filterBridges(sysctl: Pick<Sysctl, 'read' | 'write'>): string | undefined {
  for (const key of Object.values(SWITCHES)) {
    const value = sysctl.read(key);
    if (value === undefined)
      return 'the kernel module br_netfilter is not loaded, so pods on one bridge would pass by their policies: load it (modprobe br_netfilter)';
    if (value === '1') continue;
    try {
      sysctl.write(key, 1);
    } catch (error) {
      return `${key} is ${value} and cannot be set to 1, so pods on one bridge would pass by their policies: ${messageOf(error)}`;
    }
  }
  return undefined;
}
