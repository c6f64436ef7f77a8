import type { KnownNode } from './routing-objects.ts';

/** Where a node publishes how its agent makes routes: in a change of backend some nodes have the old one for a while. */
export const BACKEND_ANNOTATION = 'sluice.dev/backend';

/** The nodes besides `own` that say that they have another backend than `none`: BIRD is not there. The silent may have it. */
export function nodesWithoutBgp(nodes: ReadonlyMap<string, KnownNode>, own: string): readonly KnownNode[] {
  return [...nodes].flatMap(([name, node]) =>
    name === own || (node.annotations[BACKEND_ANNOTATION] ?? 'none') === 'none' ? [] : [node],
  );
}
