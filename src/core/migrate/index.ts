export { manifestFor } from './manifest.ts';
export type { ClusterObject, Observed, Plan } from './model.ts';
export { planFromCalico } from './plan.ts';
