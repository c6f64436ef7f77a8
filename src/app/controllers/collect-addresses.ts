import type { Pod } from 'kubernetes-types/core/v1.d.ts';
import { formatCidr, formatIp } from '../../base/ip/index.ts';
import { messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { collectGarbage, type BlockStore, type World } from '../../core/ipam/index.ts';
import { informer } from '../../host/kube-client/informer.ts';
import { listAll } from '../../host/kube-client/list-all.ts';
import { pause } from '../../host/kube-client/pause.ts';
import { NODES, PODS } from '../../host/kube-client/resources.ts';
import type { KubeClient, KubeObject, ObjectMeta } from '../../host/kube-client/types.ts';

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
  readonly log: Logger;
  readonly now: () => number;
}

/** Collects leaked addresses and the blocks of dead nodes: regularly, and at once when a node is deleted. */
export async function collectAddresses(
  options: CollectOptions,
  dependencies: CollectDependencies,
  signal: AbortSignal,
): Promise<void> {
  const { client, log } = dependencies;
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
  const readWorld = (): Promise<World> => readCluster(client);
  const { released, blocks } = await collectGarbage({ graceMs, coolDownMs }, { store, now, readWorld });
  for (const { ip, allocation } of released) {
    log.info('released a leaked address', {
      address: formatIp(ip),
      handle: allocation.handle,
      ...allocation.attributes,
    });
  }
  for (const block of blocks) log.info('took back the block of a node that is gone', { block: formatCidr(block) });
}

/** Pods and nodes as they are now, straight from the API server: a cache could be older than the blocks. */
async function readCluster(client: KubeClient): Promise<World> {
  const nodes = await listAll<KubeObject, string>(
    client,
    NODES,
    {},
    ({ metadata }) => (metadata as ObjectMeta).name ?? '',
  );
  const names = new Set(nodes.items);
  const listing = await listAll<Pod, Holder>(client, PODS, {}, ({ metadata, spec }) => ({
    key: `${metadata?.namespace}/${metadata?.name}`,
    uid: metadata?.uid ?? '',
    node: spec?.nodeName,
  }));
  const pods = new Map(listing.items.map((pod) => [pod.key, pod]));
  return {
    nodeExists: (node) => names.has(node),
    podHolds: ({ namespace, name, uid, node }) => {
      // A finished pod still holds its address: only the agent knows when its interface is gone.
      const pod = pods.get(`${namespace}/${name}`);
      return (
        pod !== undefined &&
        (uid === undefined || pod.uid === uid) &&
        (node === undefined || pod.node === undefined || pod.node === node)
      );
    },
  };
}

interface Holder {
  readonly key: string;
  readonly uid: string;
  readonly node: string | undefined;
}
