export { WIREGUARD_DEVICES, WIREGUARD_OVERHEAD, WIREGUARD_PROTOCOL, WIREGUARD_TABLE } from './constants.ts';
export { desiredWireguard, wireguardMtu } from './desired.ts';
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
} from './types.ts';
