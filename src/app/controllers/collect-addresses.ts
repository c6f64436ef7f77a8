import { formatCidr, formatIp } from '../../base/ip/index.ts';
import { messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { collectGarbage, type BlockStore } from '../../core/ipam/index.ts';
import { informer } from '../../host/kube-client/informer.ts';
import { pause } from '../../host/kube-client/pause.ts';
import { NODES } from '../../host/kube-client/resources.ts';
import type { KubeClient, KubeObject } from '../../host/kube-client/types.ts';
import { forgetCalicoNodes } from './forget-calico-nodes.ts';
import { readWorld } from './read-world.ts';

/** How often and how carefully addresses are collected. */
export interface CollectOptions {
  readonly collectEveryMs: number;
  readonly graceMs: number;
  readonly coolDownMs: number;
}

/** What collecting needs. */
export interface CollectDependencies {
  readonly client: KubeClient;
  readonly store: BlockStore;
  /** Whether Calico has Nodes of its own, in etcd. */
  readonly calicoNodes?: boolean;
  readonly log: Logger;
  readonly now: () => number;
}

/** Collects leaked addresses and what nodes that are gone have left: regularly, and at once when a node is deleted. */
export async function collectAddresses(
  options: CollectOptions,
  dependencies: CollectDependencies,
  signal: AbortSignal,
): Promise<void> {
  const { client, log, calicoNodes } = dependencies;
  let wake = new AbortController();
  const nodes = informer<KubeObject, true>(
    client,
    NODES,
    { project: () => true, onDelta: (delta) => delta.kind === 'delete' && wake.abort() },
    signal,
  );
  while (!signal.aborted) {
    wake = new AbortController();
    try {
      await collectOnce(options, dependencies);
      if (calicoNodes === true) await forgetCalicoNodes(client, log);
    } catch (error) {
      log.warn('cannot collect addresses, trying again later', { error: messageOf(error) });
    }
    await pause(options.collectEveryMs, AbortSignal.any([signal, wake.signal]));
  }
  await nodes.done;
}

/** One collection; what it did is logged. */
export async function collectOnce(
  { graceMs, coolDownMs }: CollectOptions,
  { client, store, log, now }: CollectDependencies,
): Promise<void> {
  const { released, blocks } = await collectGarbage(
    { graceMs, coolDownMs },
    { store, now, readWorld: () => readWorld(client) },
  );
  for (const { ip, allocation } of released) {
    log.info('released a leaked address', {
      address: formatIp(ip),
      handle: allocation.handle,
      ...allocation.attributes,
    });
  }
  for (const block of blocks) log.info('took back the block of a node that is gone', { block: formatCidr(block) });
}
