export { BACKENDS } from './backends/backend-table.ts';
export type { Backend, PeerContext, PeerPath } from './backend.ts';
export { ROUTE_PROTOCOL, VXLAN_DEVICE, VXLAN_OVERHEAD, VXLAN_PORT, VXLAN_VNI } from './constants.ts';
export { desiredNetwork } from './desired.ts';
export { diffNetwork } from './diff.ts';
export { isReturnTable } from './return-marks.ts';
export type { ActualNetwork, RoutingChange } from './diff.ts';
export type {
  BackendName,
  DesiredAddress,
  DesiredFdbEntry,
  DesiredNeighbour,
  DesiredNetwork,
  DesiredRoute,
  DesiredRule,
  DesiredVxlan,
  LocalEndpoint,
  ReturnPeer,
  RoutingBlock,
  RoutingInput,
  RoutingNode,
  RoutingProblem,
  Underlay,
} from './types.ts';
export { vtepMac } from './vtep-mac.ts';
