export { BACKENDS } from './backends/backend-table.ts';
export type { Backend, NodeContext, PeerContext, PeerPath, TunnelPath } from './backend.ts';
export { DEFAULT_SETTINGS, ROUTE_PROTOCOL, TUNNEL_DEVICES } from './constants.ts';
export { desiredNetwork } from './desired.ts';
export { diffNetwork } from './diff.ts';
export type { ActualNetwork, RoutingChange } from './diff.ts';
export { madeLink } from './links.ts';
export type { ActualLink } from './links.ts';
export { tunnelsOf } from './pool-backend.ts';
export { isReturnTable } from './return-marks.ts';
export type {
  BackendName,
  DesiredNetwork,
  LocalEndpoint,
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
export { vtepMac } from './vtep-mac.ts';
