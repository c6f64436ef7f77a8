export { createCalcEngine } from './engine.ts';
export type { CalcEngine, CalcOptions, CalcUpdate, ConntrackFlush, Delta, LocalEndpoint, PoolSpec } from './model.ts';
export { poolSpec } from './project.ts';
