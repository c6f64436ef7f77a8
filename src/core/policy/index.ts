export { effectiveRanges, primaryAddress, tunnelAliases } from './blocks.ts';
export type { TunnelAlias } from './blocks.ts';
export { clusterState } from './cluster-state.ts';
export type { ClusterObjects } from './cluster-state.ts';
export type {
  ClusterState,
  NamedPort,
  NamespaceInfo,
  NodeEndpoint,
  PodEndpoint,
  ServiceInfo,
  ServicePortInfo,
  SliceBackend,
} from './cluster.ts';
export { choosesNamespace, selects } from './endpoint-class.ts';
export { namespaceInfo, nodeEndpoint, podEndpoint, serviceInfo, sliceBackends } from './endpoints.ts';
export { PolicyEngine } from './evaluate.ts';
export { describe, explain, formatExplanation, formatSource } from './explain.ts';
export type { ExplanationLine } from './explain.ts';
export { DIRECTIONS } from './flow.ts';
export type { DirectionVerdict, Flow, FlowProtocol, Party, Verdict } from './flow.ts';
export type { Language, Messages } from './messages/catalogue.ts';
export { podSetKey } from './model.ts';
export type {
  Action,
  BlockPeer,
  Direction,
  NamespaceSet,
  NodePeer,
  Peer,
  PodPeer,
  PodSet,
  Policy,
  PolicyIssue,
  PortMatch,
  PortProtocol,
  Rule,
  SourceRef,
  Tier,
} from './model.ts';
export { nearestMisses } from './near-miss.ts';
export type { NearMiss, PeerMiss, PortMiss } from './near-miss.ts';
export { normaliseNetworkPolicy } from './normalise/network-policy.ts';
export type { Normalised } from './normalise/network-policy.ts';
export type { Locate } from './normalise/scope.ts';
export { flowOf, predictMatrix } from './predict.ts';
export type { Prediction, Probe } from './predict.ts';
export { resolveService } from './services.ts';
export type { ServiceBackend, ServiceResolution } from './services.ts';
export { tiersOf } from './tiers.ts';
