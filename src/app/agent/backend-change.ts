import type { BackendName, RoutingChange } from '../../core/routing/index.ts';
import { FormerBird } from './former-bird.ts';
import type { FormerBirdDependencies } from './former-bird.ts';
import { FormerTunnels } from './former-tunnels.ts';
import type { FormerTunnelsDependencies } from './former-tunnels.ts';

/** What another backend left on the node: it goes once this one has what replaces it. */
export interface BackendChange {
  /** Of the changes that are to be made to links and routes, those that need not wait. */
  readonly due: (changes: readonly RoutingChange[]) => readonly RoutingChange[];
  /** Takes away what is replaced. Call it when links and routes are programmed, and again and again. */
  readonly settle: () => Promise<void>;
}

/** BIRD's work goes where it is left alone no longer, and that of all others where it is BIRD's now. */
export function backendChange(
  backend: BackendName,
  dependencies: FormerBirdDependencies & FormerTunnelsDependencies,
): BackendChange {
  return backend === 'none' ? new FormerTunnels(dependencies) : new FormerBird(dependencies);
}
