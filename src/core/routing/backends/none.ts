import type { Backend } from '../backend.ts';
import { hostGw } from './host-gw.ts';

/** Peers are reached by routes that BIRD learns and programs; those on this node's segments are next hops themselves. */
export const none: Backend = { pathTo: () => ({ kind: 'foreign' }), backTo: hostGw.pathTo };
