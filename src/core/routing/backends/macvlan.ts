import type { Backend } from '../backend.ts';

/**
 * Pods are on the segment of their nodes themselves and need no routes between nodes; pods of other segments are reached
 * by the segment's router. What is different is how a pod is attached.
 */
export const macvlan: Backend = { onSegment: true, pathTo: () => ({ kind: 'foreign' }) };
