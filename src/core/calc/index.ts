export { createCalcEngine } from './engine.ts';
export type {
  CalcEngine,
  CalcOptions,
  CalcUpdate,
  ConntrackFlush,
  Delta,
  LocalEndpoint,
  PeerSpec,
  PoolSpec,
} from './model.ts';
export { poolSpec } from './project.ts';
