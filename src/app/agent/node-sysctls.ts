import { messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { Sysctl } from '../../host/sysctl/sysctl.ts';

/**
 * Makes the node a router. Values that are right already are left alone, since /proc/sys may be read-only. Devices that
 * learn their routes from router advertisements keep doing so (accept_ra 2), which forwarding would otherwise end. Those
 * that forward already learn none, and must not begin to: pods' interfaces are among them when the agent starts again.
 */
export function setNodeSysctls(sysctl: Sysctl, devices: readonly string[], log: Logger): void {
  for (const device of devices) {
    const key = `net/ipv6/conf/${device}/accept_ra`;
    const learns = sysctl.read(`net/ipv6/conf/${device}/forwarding`) === '0' && sysctl.read(key) === '1';
    if (learns) set(sysctl, key, '2', log);
  }
  set(sysctl, 'net/ipv4/ip_forward', '1', log);
  set(sysctl, 'net/ipv6/conf/all/forwarding', '1', log);
}

function set(sysctl: Sysctl, key: string, value: string, log: Logger): void {
  const current = sysctl.read(key);
  if (current === undefined || current === value) return;
  try {
    sysctl.write(key, value);
  } catch (error) {
    log.error('cannot set a kernel parameter that forwarding needs', { key, value, error: messageOf(error) });
  }
}
