import { parseCidr } from '../../base/ip/index.ts';
import { messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { informer } from '../../host/kube-client/informer.ts';
import { pause } from '../../host/kube-client/pause.ts';
import { IPAM_BLOCKS, IP_POOLS } from '../../host/kube-client/resources.ts';
import type { KubeClient, KubeObject } from '../../host/kube-client/types.ts';
import { poolStatus, type BlockSummary, type PoolObject } from './pool-status.ts';

/** What reporting needs. */
export interface ReportDependencies {
  readonly client: KubeClient;
  readonly log: Logger;
  readonly now: () => number;
}

/** Changes within this time become one report: a hundred new pods need not be a hundred writes. */
const SETTLE_MS = 1000;

interface BlockObject extends KubeObject {
  readonly spec?: { readonly cidr?: string; readonly allocations?: readonly (number | null)[] };
}

/** Keeps the status of every IPPool current until the signal aborts. */
export async function reportPools(dependencies: ReportDependencies, signal: AbortSignal): Promise<void> {
  const { client, log } = dependencies;
  let wake: () => void = () => undefined;
  let changed = true;
  const onDelta = (): void => {
    changed = true;
    wake();
  };
  const onError = (error: unknown): void => log.warn('cannot watch, trying again', { error: messageOf(error) });
  const pools = informer<KubeObject & PoolObject, PoolObject>(
    client,
    IP_POOLS,
    {
      project: ({ metadata, spec, status }) => ({
        ...(metadata && { metadata }),
        ...(spec && { spec }),
        ...(status && { status }),
      }),
      onDelta,
      onError,
    },
    signal,
  );
  const blocks = informer<BlockObject, BlockSummary | undefined>(
    client,
    IPAM_BLOCKS,
    { project: summary, onDelta, onError },
    signal,
  );
  await Promise.race([Promise.all([pools.synced, blocks.synced]), pools.done]);
  while (!signal.aborted) {
    if (changed) {
      changed = false;
      const known = [...blocks.items.values()].filter((block) => block !== undefined);
      for (const pool of pools.items.values()) await report(pool, [...pools.items.values()], known, dependencies);
      await pause(SETTLE_MS, signal);
    } else {
      await new Promise<void>((resolve) => {
        wake = resolve;
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
    }
  }
  await Promise.all([pools.done, blocks.done]);
}

async function report(
  pool: PoolObject,
  pools: readonly PoolObject[],
  blocks: readonly BlockSummary[],
  { client, log, now }: ReportDependencies,
): Promise<void> {
  const status = poolStatus(pool, pools, blocks, new Date(now()).toISOString());
  if (JSON.stringify(status) === JSON.stringify(pool.status)) return;
  const name = pool.metadata?.name ?? '';
  try {
    await client.patch(IP_POOLS, { name }, 'merge', { status }, { subresource: 'status' });
  } catch (error) {
    log.warn('cannot report the status of a pool', { pool: name, error: messageOf(error) });
  }
}

function summary({ spec }: BlockObject): BlockSummary | undefined {
  const cidr = parseCidr(spec?.cidr ?? '');
  if (cidr === undefined) return undefined;
  return { cidr, allocated: (spec?.allocations ?? []).filter((index) => index !== null).length };
}
