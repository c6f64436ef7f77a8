import { markPatch, movablePods, stalePods } from '../../core/migrate/index.ts';
import type { Action, ClusterObject, Observed, Target } from '../../core/migrate/index.ts';
import type { Pod } from '../../core/kube/types.ts';
import { SluiceError, hasCode } from '../../base/errors.ts';
import { isNotFound } from '../../host/kube-client/errors.ts';
import { CONFIG_MAPS, DAEMON_SETS, DEPLOYMENTS, NODES, PODS } from '../../host/kube-client/resources.ts';
import type { KubeClient, KubeObject, Resource } from '../../host/kube-client/types.ts';
import { resourceOfKind } from './resource-of-kind.ts';

const RESOURCES: Readonly<Record<Target['kind'], Resource>> = {
  DaemonSet: DAEMON_SETS,
  Deployment: DEPLOYMENTS,
  ConfigMap: CONFIG_MAPS,
};

/**
 * Does one action once. What it does not finish, such as evictions that a budget delays, the next round goes on with; resolves
 * to the pods whose eviction was refused for now.
 */
export async function perform(
  action: Action,
  observed: Observed,
  client: KubeClient,
  objects: () => Promise<readonly ClusterObject[]>,
): Promise<readonly Pod[]> {
  switch (action.kind) {
    case 'mark': {
      const node = observed.nodes.find(({ metadata }) => metadata?.name === action.mark.node);
      if (node !== undefined)
        await client.patch(NODES, { name: action.mark.node }, 'merge', markPatch(action.mark, node));
      return [];
    }
    case 'patch': {
      const { kind, namespace, name } = action.target;
      await client.patch(RESOURCES[kind], { namespace, name }, 'merge', action.patch);
      return [];
    }
    case 'evict':
      return evictAll(movablePods(action.node, observed, action.since), client);
    case 'restart':
      await each(stalePods(action.node, action.agents, observed), (pod) => end(pod, client));
      return [];
    case 'install':
      for (const object of await objects()) await createMissing(object, client);
      return [];
    case 'delete':
      for (const { kind, namespace, name } of action.targets)
        await unlessGone(client.delete(RESOURCES[kind], { namespace, name }, { propagationPolicy: 'Background' }));
      return [];
    case 'wait':
      return [];
  }
}

async function each(pods: readonly Pod[], work: (pod: Pod) => Promise<unknown>): Promise<void> {
  for (const pod of pods) if (pod.metadata?.deletionTimestamp === undefined) await unlessGone(work(pod));
}

async function evictAll(pods: readonly Pod[], client: KubeClient): Promise<readonly Pod[]> {
  const refused: Pod[] = [];
  await each(pods, async (pod) => {
    if (!(await evict(pod, client))) refused.push(pod);
  });
  return refused;
}

/** Whether it was granted. */
async function evict({ metadata }: Pod, client: KubeClient): Promise<boolean> {
  const { name = '', namespace = '' } = metadata ?? {};
  const body = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace } };
  try {
    await client.createSubresource(PODS, { name, namespace }, 'eviction', body);
    return true;
  } catch (error) {
    // A PodDisruptionBudget has it wait for others.
    if (!hasCode(error, 'too-many-requests')) throw error;
    return false;
  }
}

function end({ metadata }: Pod, client: KubeClient): Promise<void> {
  const { name = '', namespace = '', uid } = metadata ?? {};
  return client.delete(PODS, { name, namespace }, uid === undefined ? {} : { preconditions: { uid } });
}

/** What is there stays as it is. */
async function createMissing(object: ClusterObject, client: KubeClient): Promise<void> {
  const resource = resourceOfKind(object);
  if (resource === undefined)
    throw new SluiceError('bad-manifest', `Sluice's manifest has a ${object.apiVersion} ${object.kind}`);
  try {
    await client.create(resource, object as KubeObject);
  } catch (error) {
    if (!hasCode(error, 'already-exists')) throw error;
  }
}

async function unlessGone(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
