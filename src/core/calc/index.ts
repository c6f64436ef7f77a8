export { createCalcEngine } from './engine.ts';
export type { CalcEngine, Delta, HostPort } from './model.ts';
export { poolSpec } from './project.ts';
