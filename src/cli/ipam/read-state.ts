import type { Pod } from 'kubernetes-types/core/v1.d.ts';
import { readWorld } from '../../app/controllers/read-world.ts';
import { parseIp } from '../../base/ip/index.ts';
import { decodeHandle } from '../../core/ipam/index.ts';
import type { IpamHandle, IpamHandleSpec, IpamResource, IpamState } from '../../core/ipam/index.ts';
import { kubeBlockStore } from '../../host/ipam-store/kube-block-store.ts';
import { isNotFound } from '../../host/kube-client/errors.ts';
import { listAll } from '../../host/kube-client/list-all.ts';
import { IPAM_HANDLES, PODS } from '../../host/kube-client/resources.ts';
import type { KubeClient } from '../../host/kube-client/types.ts';

/**
 * Reads what {@link IpamState} has: addresses in use before the blocks, since whoever uses one has taken it before, and who
 * exists after them, since a pod exists before its address is taken.
 */
export async function readIpamState(client: KubeClient, now: number, note: (line: string) => void): Promise<IpamState> {
  const store = kubeBlockStore({ client, report: note });
  const pods = await readPods(client);
  const [pools, blocks, affinities, handles] = await Promise.all([
    store.listPools(),
    store.listBlocks(),
    store.listAffinities(),
    readHandles(client),
  ]);
  const world = await readWorld(client);
  return {
    pools,
    blocks: blocks.map(({ value }) => value),
    affinities: affinities.map(({ value }) => value),
    handles,
    world,
    pods,
    now,
  };
}

async function readHandles(client: KubeClient): Promise<readonly IpamHandle[]> {
  try {
    return (await listAll<IpamResource<IpamHandleSpec>, IpamHandle>(client, IPAM_HANDLES, {}, decodeHandle)).items;
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  }
}

async function readPods(client: KubeClient): Promise<IpamState['pods']> {
  const { items } = await listAll<Pod>(client, PODS);
  return items
    .filter(({ spec, status }) => spec?.hostNetwork !== true && !['Succeeded', 'Failed'].includes(status?.phase ?? ''))
    .map(({ metadata, status }) => ({
      name: `${metadata?.namespace}/${metadata?.name}`,
      ips: (status?.podIPs ?? []).map(({ ip }) => parseIp(ip ?? '')).filter((ip) => ip !== undefined),
    }));
}
