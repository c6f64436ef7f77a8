import type { Endpoint } from './model.ts';
import type { Rendered } from './render.ts';
import { serverName } from './render.ts';
import type { Slots } from './slots.ts';

/** What changes while the proxy runs. */
export type RuntimeChange =
  /** A place of a backend gets a server, or none. */
  | { readonly kind: 'server'; readonly backend: string; readonly server: string; readonly endpoint?: Endpoint }
  /** A certificate gets a new content. */
  | { readonly kind: 'certificate'; readonly file: string; readonly pem: string };

/**
 * What leads a running proxy from one rendering to another; undefined when only a reload does. New servers come before
 * old ones go.
 */
export function runtimeChanges(before: Rendered, after: Rendered): readonly RuntimeChange[] | undefined {
  if (before.shape !== after.shape) return undefined;
  const servers = [...after.slots].flatMap(([backend, slots]) =>
    changedServers(backend, before.slots.get(backend), slots),
  );
  const certificates = [...after.certificates]
    .filter(([file, pem]) => before.certificates.get(file) !== pem)
    .map(([file, pem]): RuntimeChange => ({ kind: 'certificate', file, pem }));
  return [
    ...servers.filter(({ endpoint }) => endpoint !== undefined),
    ...servers.filter(({ endpoint }) => endpoint === undefined),
    ...certificates,
  ];
}

type ServerChange = Extract<RuntimeChange, { kind: 'server' }>;

function changedServers(backend: string, before: Slots = [], after: Slots): ServerChange[] {
  return after.flatMap((endpoint, place) => {
    const old = before[place];
    if (old?.host === endpoint?.host && old?.port === endpoint?.port) return [];
    const server = serverName(place);
    return [{ kind: 'server', backend, server, ...(endpoint === undefined ? {} : { endpoint }) }];
  });
}
