export {
  HANDOVER_DEVICES,
  WIREGUARD_DEVICES,
  WIREGUARD_OVERHEAD,
  WIREGUARD_PROTOCOL,
  WIREGUARD_TABLE,
} from './constants.ts';
export { desiredWireguard, wireguardMtu } from './desired.ts';
export { isChanging, wayTo } from './handover.ts';
export { isWireguardKey } from './key-text.ts';
export { DEFAULT_WIREGUARD, wireguardSettings } from './settings.ts';
export type {
  DesiredWireguard,
  WireguardInput,
  WireguardKeys,
  WireguardProblem,
  WireguardRoute,
  WireguardRule,
  WireguardSettings,
  WireguardTunnel,
  WireguardTunnelPeer,
  WireguardWay,
} from './types.ts';
