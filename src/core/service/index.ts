export type { ServicePortSpec, ServiceProtocol, ServiceSpec, SliceEndpoint, SliceSpec } from './model.ts';
export { serviceSpec, sliceSpec } from './project.ts';
export { frontendsOf } from './translate.ts';
export type { Backend, Frontend } from './translate.ts';
