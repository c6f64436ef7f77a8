export { FlannelPeers } from './flannel-peers.ts';
export { FAMILIES } from './lease.ts';
export type { FamilyLease, FlannelLease, LeaseReading } from './lease.ts';
export { parseNetConf } from './net-conf.ts';
export type { FlannelBackend, NetConf } from './net-conf.ts';
export { FLANNEL_PREFIX, nodeAnnotations, readNodeLease } from './node-annotations.ts';
