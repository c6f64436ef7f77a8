export { serviceSpec, sliceSpec } from './project.ts';
export { addressDemand, satisfies } from './load-balancer.ts';
export type { AddressDemand } from './load-balancer.ts';
