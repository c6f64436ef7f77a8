import { hasCode } from '../../base/errors.ts';
import { parseCidr } from '../../base/ip/index.ts';
import type { Family } from '../../base/ip/index.ts';
import type { Netlink, NetworkChange } from './port.ts';

const EVERYWHERE: Readonly<Record<Family, string>> = { 4: '0.0.0.0/0', 6: '::/0' };

/** Which packets the node takes, and the place of the rule and the route for them, which nothing else may use. */
export interface LedPackets {
  /** One bit of the packet mark. */
  readonly mark: number;
  readonly table: number;
  readonly priority: number;
}

/**
 * Lets the node take packets with the mark for its own, whoever they are addressed to. Stays until the node restarts:
 * without marked packets it means nothing. What is there already is no error, and a node without IPv6 has no such packets.
 */
export function leadToNode(netlink: Netlink, { mark: bit, table, priority }: LedPackets): void {
  for (const family of [4, 6] as const) {
    const mark = { value: bit, mask: bit };
    const destination = parseCidr(EVERYWHERE[family])!;
    try {
      ensure(netlink, { kind: 'add-route', route: { type: 'local', destination, link: 'lo', table } });
      ensure(netlink, { kind: 'add-rule', rule: { family, priority, table, mark } });
    } catch (error) {
      // Without any right to do this, IPv4 would have failed before.
      if (family === 4 || !(hasCode(error, 'permission') || hasCode(error, 'unsupported'))) throw error;
    }
  }
}

function ensure(netlink: Netlink, change: NetworkChange): void {
  try {
    netlink.apply([change]);
  } catch (error) {
    if (!hasCode(error, 'exists')) throw error;
  }
}
