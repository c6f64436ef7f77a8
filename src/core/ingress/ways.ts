import { claimOf, deriveIngress } from './derive.ts';
import type { HostMatch, IngressModel, PathMatch, Remark } from './model.ts';
import { readIngress } from './read-ingress.ts';
import type { ServiceTarget } from './read-ingress.ts';
import { serversOf } from './servers.ts';
import type { Settings } from './settings.ts';
import type { IngressWorld } from './world.ts';

/** One host and path of an Ingress, and where its requests go. */
export interface Way {
  readonly host: HostMatch;
  readonly path: PathMatch;
  readonly target: ServiceTarget;
  readonly settings: Settings;
  /** It takes a part of another Ingress's requests. */
  readonly canary: boolean;
  /** `namespace/name` of the Ingress that has these requests instead. */
  readonly holder?: string;
  /** Why no server is behind it. */
  readonly problem?: string;
  /** The name that stands for its servers. */
  readonly external?: string;
}

/** What becomes of one Ingress that is ours. */
export interface IngressWays {
  /** Why it is left out as a whole. */
  readonly refusal?: Remark;
  /** What else is wrong with it. */
  readonly warnings: readonly Remark[];
  readonly ways: readonly Way[];
}

/** The ways of all Ingresses that are ours, by `namespace/name`; `model` is what was derived from the same world. */
export function ingressWays(
  world: IngressWorld,
  model: IngressModel = deriveIngress(world),
): ReadonlyMap<string, IngressWays> {
  const holders = new Map(model.routes.map((route) => [claimOf(route), route.owner]));
  const owned = new Set(model.owned);
  const found = new Map<string, IngressWays>();
  for (const ingress of world.ingresses) {
    const { key, paths, canary, serviceUpstream } = readIngress(ingress, world);
    if (!owned.has(key)) continue;
    const remarks = model.remarks.filter(({ owner }) => owner === key);
    const refusal = remarks.find(({ severity }) => severity === 'refused');
    const ways = paths.flatMap(({ host, path, target, settings, implicit }): Way[] => {
      const holder = holders.get(claimOf({ host, path }));
      const isOwn = holder === key || canary !== undefined;
      if (!isOwn && implicit) return [];
      const { problem, external } = serversOf(target, serviceUpstream, world);
      return [
        {
          host,
          path,
          target,
          settings,
          canary: canary !== undefined,
          ...(isOwn || holder === undefined ? {} : { holder }),
          ...(problem === undefined ? {} : { problem }),
          ...(external === undefined ? {} : { external }),
        },
      ];
    });
    const warnings = remarks.filter(({ severity }) => severity === 'warning');
    found.set(key, { ways, warnings, ...(refusal === undefined ? {} : { refusal }) });
  }
  return found;
}
