export { createCalcEngine } from './engine.ts';
export type { CalcEngine, Delta } from './model.ts';
export { poolSpec } from './project.ts';
