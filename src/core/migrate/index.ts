export { printedStep } from './commands.ts';
export { lacking } from './condition.ts';
export { manifestFor } from './manifest.ts';
export type { Action, ClusterObject, Observed, Plan, Step, Target } from './model.ts';
export { nextMove } from './next-move.ts';
export { markPatch } from './node-marks.ts';
export { NETWORKS, planFrom } from './plan.ts';
export type { From } from './plan.ts';
export { movablePods, stalePods } from './pods-of-node.ts';
