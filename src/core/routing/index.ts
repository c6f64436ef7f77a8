export { ActualTables } from './actual-tables.ts';
export { detectAddress, parseAddressMethod } from './autodetect.ts';
export type { AddressFacts, AddressMethod } from './autodetect.ts';
export { CONFIGURABLE_BACKENDS } from './backends/backend-table.ts';
export type { Backend, NodeContext, PeerContext, PeerPath, TunnelPath } from './backend.ts';
export {
  DEFAULT_SETTINGS,
  FLANNEL_WIREGUARD_DEVICES,
  FLANNEL_WIREGUARD_OVERHEAD,
  ROUTE_PROTOCOL,
  TUNNEL_DEVICES,
  VXLAN_OVERHEAD,
} from './constants.ts';
export { desiredNetwork } from './desired.ts';
export { diffNetwork, diffTables } from './diff.ts';
export type { ActualNetwork, RoutingChange } from './diff.ts';
export { fastWays } from './fast-ways.ts';
export type { FastHop, FastWays } from './fast-ways.ts';
export { hostAddresses } from './host-addresses.ts';
export { LINK_FEATURES } from './links.ts';
export type { ActualLink, NewTunnelLink } from './links.ts';
export { endpointItems } from './block-items.ts';
export { MACVLAN_MODES, placeOn, takenOn } from './macvlan.ts';
export type { MacvlanMode, Segment, SegmentPlace } from './macvlan.ts';
export { KEYS } from './network-items.ts';
export type { ItemTables } from './network-items.ts';
export { tunnelsOf } from './pool-backend.ts';
export { LEAST_MTU, findPathMtu, mtuTo } from './path-mtu.ts';
export type { PathAnswer } from './path-mtu.ts';
export { isReturnTable } from './return-marks.ts';
export { RoutingTable } from './routing-table.ts';
export type { DerivedNetwork, OwnTunnel } from './routing-table.ts';
export type {
  BackendName,
  DesiredNetwork,
  LocalEndpoint,
  PeerMtu,
  ReturnPeer,
  RoutingBlock,
  RoutingInput,
  RoutingNode,
  RoutingPool,
  RoutingProblem,
  RoutingSettings,
  TunnelAddresses,
  TunnelKind,
  Underlay,
} from './types.ts';
export { DEFAULT_TUNNELS, tunnelSettings } from './tunnel-settings.ts';
export type { TunnelSettings } from './tunnel-settings.ts';
export { underlayAddresses, underlayFamilies } from './underlay-addresses.ts';
export { vtepMac } from './vtep-mac.ts';
