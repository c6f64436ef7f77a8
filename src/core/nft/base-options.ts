import type { Family } from '../../base/ip/index.ts';
import type { OuterPacket, TunnelSpec } from './overlay.ts';

/** What the base chains depend on. */
export interface BaseOptions {
  readonly families: readonly Family[];
  readonly tunnels: readonly TunnelSpec[];
  /** What no pod may send: it would pass by the policies of whomever it is for. */
  readonly barred: readonly OuterPacket[];
  /** Whether peers lead answers back through this node, so that clients may keep their address. */
  readonly returnPaths: boolean;
  /** Whether IPVS spreads the connections of Services that it can spread. */
  readonly balanced: boolean;
  /** Whether pods keep their address towards nodes. */
  readonly plainToNodes: boolean;
  /** What becomes of packets to advertised addresses that no Service has. */
  readonly strayServicePackets: 'drop' | 'reject' | 'route';
}
