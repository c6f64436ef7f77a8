export type { BgpObject } from './fields.ts';
export { birdConfig } from './bird-config.ts';
export { readConfiguration } from './read-configuration.ts';
export { readFilter } from './read-filter.ts';
export { bgpNode } from './read-node.ts';
export { readPeer } from './read-peer.ts';
export { notReadyForBgp } from './readiness.ts';
export { RECOVERY_HOLD } from './recovery.ts';
export type {
  BgpBlock,
  BgpConfiguration,
  BgpFilter,
  BgpInput,
  BgpNode,
  BgpPeer,
  BgpPool,
  BgpProblem,
  SecretKey,
  BgpService,
  BgpView,
  SessionKind,
} from './types.ts';
export { sessionKind } from './session-name.ts';
export { bgpView } from './view.ts';
