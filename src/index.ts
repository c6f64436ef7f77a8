/**
 * Sluice as a library: reads the policies of a Kubernetes cluster and answers what they do. Pure: it neither reads files nor
 * opens connections, and runs in browsers as it is.
 *
 * @packageDocumentation
 */
export { SluiceError, hasCode } from './base/errors.ts';
export { formatCidr, formatIp, parseCidr, parseIp } from './base/ip/index.ts';
export type { Cidr, Family, Interval, IntervalSet, Ip } from './base/ip/index.ts';
export { formatLoadIssue } from './core/kube/check-manifest.ts';
export { parseManifests } from './core/kube/yaml.ts';
export type { LoadIssue, Manifest, Manifests } from './core/kube/yaml.ts';
export type { Finding, Severity } from './core/lint/index.ts';
export {
  PolicyEngine,
  clusterObjects,
  clusterState,
  explain,
  formatExplanation,
  formatSource,
  nearestMisses,
} from './core/policy/index.ts';
export type {
  ClusterState,
  Direction,
  DirectionVerdict,
  Flow,
  FlowProtocol,
  Language,
  NodeEndpoint,
  Party,
  PodEndpoint,
  Policy,
  PolicyIssue,
  PortProtocol,
  Rule,
  SourceRef,
  Tier,
  Verdict,
} from './core/policy/index.ts';
export { diff, formatPorts, includesTraffic, portEntries, reach } from './core/reach/index.ts';
export type {
  CommonEnd,
  Connection,
  Endpoint,
  EndpointRef,
  Group,
  GroupConnection,
  PairConnection,
  PortEntry,
  PortSet,
  Reachability,
  ReachabilityChange,
  ReachabilityDiff,
  ReachOptions,
  ReachQuery,
  SupposedPod,
} from './core/reach/index.ts';
export { Cluster } from './web/cluster.ts';
export type { Answer, Question, Sources } from './web/cluster.ts';
