import type { Backend } from '../backend.ts';

/** Peers are reached by routes that BIRD learns and programs. */
export const none: Backend = { pathTo: () => ({ kind: 'foreign' }) };
