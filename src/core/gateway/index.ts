export { deriveGateways, withGateways } from './derive.ts';
export type { GatewayModel } from './derive.ts';
export { classStatus, gatewayStatus, routeStatus } from './status.ts';
export type { StatusSurroundings } from './status.ts';
export { keyOf } from './types.ts';
export type { Gateway, GatewayClass, HttpRoute, ReferenceGrant } from './types.ts';
export { GATEWAY_CONTROLLER, GATEWAY_GROUP } from './world.ts';
export type { GatewayObjects, GatewayWorld } from './world.ts';
