import { PACKET_MARK } from '../../core/nft/statements.ts';
import { leadToNode } from '../../host/netlink/lead-to-node.ts';
import type { Netlink } from '../../host/netlink/port.ts';

/** A table of routes that nothing else uses, and a priority before all other rules but the kernel's own first. */
const TABLE = 799_000;
const PRIORITY = 790;

/**
 * Lets the node take for its own what the packet filter has marked as an answer to a proxy that speaks in its clients' names.
 */
export function leadAnswers(netlink: Netlink): void {
  leadToNode(netlink, { mark: PACKET_MARK.PROXIED, table: TABLE, priority: PRIORITY });
}
