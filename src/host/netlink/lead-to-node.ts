import { hasCode } from '../../base/errors.ts';
import { parseCidr } from '../../base/ip/index.ts';
import type { Family } from '../../base/ip/index.ts';
import type { Netlink, NetworkChange, Route, Rule } from './port.ts';

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
export function leadToNode(netlink: Netlink, packets: LedPackets): void {
  for (const family of [4, 6] as const) {
    const { route, rule } = wayOf(packets, family);
    try {
      ensure(netlink, { kind: 'add-route', route });
      ensure(netlink, { kind: 'add-rule', rule });
    } catch (error) {
      // Without any right to do this, IPv4 would have failed before.
      if (family === 4 || !(hasCode(error, 'permission') || hasCode(error, 'unsupported'))) throw error;
    }
  }
}

/** Undoes {@link leadToNode}, as far as there is anything to undo. */
export function leadNoMore(netlink: Netlink, packets: LedPackets): void {
  for (const family of [4, 6] as const) {
    const { route, rule } = wayOf(packets, family);
    netlink.attempt([
      { kind: 'delete-rule', rule },
      { kind: 'delete-route', route },
    ]);
  }
}

function wayOf(
  { mark: bit, table, priority }: LedPackets,
  family: Family,
): { readonly route: Route; readonly rule: Rule } {
  const destination = parseCidr(EVERYWHERE[family])!;
  return {
    route: { type: 'local', destination, link: 'lo', table },
    rule: { family, priority, table, mark: { value: bit, mask: bit } },
  };
}

function ensure(netlink: Netlink, change: NetworkChange): void {
  try {
    netlink.apply([change]);
  } catch (error) {
    if (!hasCode(error, 'exists')) throw error;
  }
}
