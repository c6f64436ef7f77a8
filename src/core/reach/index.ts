export type {
  AddressGroup,
  Connection,
  DomainGroup,
  Endpoint,
  EndpointRef,
  Group,
  GroupConnection,
  GroupId,
  NodeGroup,
  PairConnection,
  PodGroup,
  Reachability,
  ReachOptions,
  ReachQuery,
  SupposedPod,
} from './model.ts';
export {
  ALL_ICMP,
  ALL_PORTS,
  complementPorts,
  formatPorts,
  icmpPorts,
  includesTraffic,
  NO_PORTS,
  portEntries,
  portRange,
  portsOfEntries,
  protocolPorts,
  trafficSet,
} from './port-set.ts';
export type { PortEntry, PortSet, Traffic } from './port-set.ts';
export { covers, disjoint, equal, intersect, members, subtract, union } from './int-set.ts';
export type { IntSet } from './int-set.ts';
export { reach } from './reach.ts';
export type { ClusterReachability } from './reach.ts';
export { diff } from './diff/diff.ts';
export type { CommonEnd, ReachabilityChange, ReachabilityDiff } from './diff/model.ts';
export { freeAddress, sampleTraffic, witness } from './witness.ts';
export type { Witness, WitnessEnd } from './witness.ts';
export { exposures, NEW_NAMESPACE, supposedPods } from './exposure.ts';
export type { Exposure, Exposures } from './exposure.ts';
export { generate } from './generate/generate.ts';
export type {
  Deviation,
  Generated,
  GeneratedPolicy,
  GenerateOptions,
  PolicyApi,
  Wish,
  WishedEnd,
} from './generate/model.ts';
