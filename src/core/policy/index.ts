export { effectiveRanges, primaryAddress, tunnelAliases } from './blocks.ts';
export type { TunnelAlias } from './blocks.ts';
export { clusterObjects } from './cluster-objects.ts';
export type { LocatedObjects } from './cluster-objects.ts';
export { clusterState } from './cluster-state.ts';
export type { ClusterObjects, LocateObject, StateOptions } from './cluster-state.ts';
export { EMPTY_STATE, namespaceOf } from './cluster.ts';
export type {
  ClusterState,
  FailsafePort,
  HostEndpointInfo,
  NamedPort,
  NamespaceInfo,
  NetworkSetInfo,
  NodeEndpoint,
  PodEndpoint,
  PolicySettings,
  PoolInfo,
  ProfileInfo,
  ServiceInfo,
  ServicePortInfo,
  SliceBackend,
  WorkloadRef,
} from './cluster.ts';
export { describePolicy, describer } from './describe/describe-policy.ts';
export type { DescribeOptions } from './describe/describe-policy.ts';
export type {
  Chosen,
  DirectionDescription,
  Limit,
  LimitId,
  PolicyDescription,
  RuleDescription,
} from './describe/description.ts';
export { formatDescription } from './describe/format-description.ts';
export { choosesNamespace, selects } from './endpoint-class.ts';
export { namespaceInfo, nodeEndpoint, podEndpoint, serviceInfo, sliceBackends } from './endpoints.ts';
export type { EndpointClass, PlanKind } from './endpoint-class.ts';
export { PolicyEngine } from './evaluate.ts';
export type { TierPlan } from './compile.ts';
export { describe, explain, formatExplanation, formatSource } from './explain.ts';
export type { ExplanationLine } from './explain.ts';
export { DIRECTIONS, flowAt } from './flow.ts';
export type { DecidedBy, DirectionVerdict, Entry, Flow, FlowProtocol, Party, PassStep, Verdict } from './flow.ts';
export { domainMatches } from './domain-name.ts';
export type { Language, Messages } from './messages/catalogue.ts';
export { effectiveLabels } from './effective-labels.ts';
export type { LabelOrigin } from './effective-labels.ts';
export { endpointPeerKey, podSetKey } from './model.ts';
export type {
  Action,
  BlockPeer,
  Condition,
  Direction,
  DomainPeer,
  EndpointPeer,
  HostSubject,
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
  ServicePeer,
  Side,
  SourceRef,
  Tier,
  TierSpec,
} from './model.ts';
export { nearestMisses } from './near-miss.ts';
export type { NearMiss, PeerMiss, PortMiss } from './near-miss.ts';
export { normaliseNetworkPolicy } from './normalise/network-policy.ts';
export type { Normalised } from './normalise/network-policy.ts';
export { NORMALISERS, normalisePolicy } from './normalise/registry.ts';
export type { Normaliser, PolicyObject } from './normalise/registry.ts';
export type { Locate } from './normalise/scope.ts';
export { flowOf, predictMatrix } from './predict.ts';
export type { Prediction, Probe } from './predict.ts';
export { echoRequest, isIcmp, protocolNumber } from './protocol.ts';
export { resolveService, serviceEndpoints } from './services.ts';
export type { ServiceBackend, ServiceEndpoint, ServiceResolution } from './services.ts';
export {
  ADMIN_TIER,
  BASELINE_TIER,
  BUILT_IN_TIERS,
  comparePolicies,
  DEFAULT_TIER,
  NETWORK_POLICY_ORDER,
  tiersOf,
} from './tiers.ts';
