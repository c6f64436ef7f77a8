import { addressOf, isAttached } from '../backend.ts';
import type { Backend } from '../backend.ts';

/** `backend` for peers elsewhere, and a plain route to those in a subnet of this node's own. */
export function crossSubnet(backend: Backend): Backend {
  return {
    ...backend,
    carriedBy: 'either-family',
    pathTo: (context) => {
      const via = addressOf(context.peer, context.family);
      if (via !== undefined && isAttached(context.underlay, via)) return { kind: 'direct', via };
      return backend.pathTo(context);
    },
  };
}
