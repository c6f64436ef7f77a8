export { serviceSpec, sliceSpec } from './project.ts';
