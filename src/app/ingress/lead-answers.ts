import { hasCode } from '../../base/errors.ts';
import { parseCidr } from '../../base/ip/index.ts';
import type { Family } from '../../base/ip/index.ts';
import { PACKET_MARK } from '../../core/nft/statements.ts';
import type { Netlink, NetworkChange } from '../../host/netlink/port.ts';

/** A table of routes that nothing else uses, and a priority before all other rules but the kernel's own first. */
const TABLE = 799_000;
const PRIORITY = 790;
const EVERYWHERE: Readonly<Record<Family, string>> = { 4: '0.0.0.0/0', 6: '::/0' };

/**
 * Lets the node take for its own what the packet filter has marked as an answer to a proxy that speaks in its clients' names.
 * Stays until the node restarts: without marked packets it means nothing. What is there already is no error, and a node
 * without IPv6 has no IPv6 clients.
 */
export function leadAnswers(netlink: Netlink): void {
  for (const family of [4, 6] as const) {
    const mark = { value: PACKET_MARK.PROXIED, mask: PACKET_MARK.PROXIED };
    const destination = parseCidr(EVERYWHERE[family])!;
    try {
      ensure(netlink, { kind: 'add-route', route: { type: 'local', destination, link: 'lo', table: TABLE } });
      ensure(netlink, { kind: 'add-rule', rule: { family, priority: PRIORITY, table: TABLE, mark } });
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
