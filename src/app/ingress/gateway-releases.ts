import { messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { BUNDLE_VERSION, GATEWAY_GROUP } from '../../core/gateway/index.ts';
import type { GatewayObjects } from '../../core/gateway/index.ts';
import { isForbidden } from '../../host/kube-client/errors.ts';
import { informer } from '../../host/kube-client/informer.ts';
import { CUSTOM_RESOURCE_DEFINITIONS } from '../../host/kube-client/resources.ts';
import type { KubeClient, KubeObject, ObjectMeta } from '../../host/kube-client/types.ts';

/** Of which releases the definitions of the Gateway API are. */
export interface ReleaseFeed {
  /** Also when they may not be read. */
  readonly synced: Promise<unknown>;
  readonly done: Promise<unknown>;
  releases(): Pick<GatewayObjects, 'definitions'>;
}

interface Definition extends KubeObject {
  readonly metadata?: ObjectMeta;
  readonly spec?: { readonly group?: string };
}

/** How often an API without definitions is asked for them again, milliseconds. */
const ABSENT_RETRY = 60_000;

/** Watches the definitions; `onChange` when one of the Gateway API has changed. That they may not be read is told once. */
export function feedReleases(
  from: { readonly client: KubeClient; readonly log: Logger; readonly onChange: () => void },
  signal: AbortSignal,
): ReleaseFeed {
  const { client, log, onChange } = from;
  const refused = Promise.withResolvers<void>();
  let isRefused = false;
  const refuse = (error: unknown): void => {
    if (!isRefused) log.info('may not read definitions: classes do not tell of releases', { error: messageOf(error) });
    isRefused = true;
    refused.resolve();
  };
  const versions = informer<Definition, string | undefined>(
    client,
    CUSTOM_RESOURCE_DEFINITIONS,
    {
      // Of the many others nothing is kept.
      project: ({ metadata, spec }) =>
        spec?.group === GATEWAY_GROUP ? (metadata?.annotations?.[BUNDLE_VERSION] ?? '') : undefined,
      onDelta: (delta) => {
        if ((delta.kind === 'set' ? delta.object : undefined) !== delta.previous) onChange();
      },
      onSynced: () => {
        if (isRefused) onChange();
        isRefused = false;
      },
      onError: (error) => {
        if (isForbidden(error)) refuse(error);
        else log.warn('cannot watch, trying again', { error: messageOf(error) });
      },
      absentRetry: ABSENT_RETRY,
    },
    signal,
  );
  const known = (): ReadonlyMap<string, string> =>
    new Map([...versions.items].flatMap(([name, version]) => (version === undefined ? [] : [[name, version]])));
  return {
    synced: Promise.race([versions.synced, refused.promise]),
    done: versions.done,
    releases: () => (isRefused || !versions.hasSynced ? {} : { definitions: known() }),
  };
}
