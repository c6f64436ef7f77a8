import type { Observed } from '../../core/migrate/index.ts';
import { isNotFound } from '../../host/kube-client/errors.ts';
import { listAll } from '../../host/kube-client/list-all.ts';
import {
  CONFIG_MAPS,
  DAEMON_SETS,
  DEPLOYMENTS,
  FELIX_CONFIGURATIONS,
  IP_POOLS,
  IP_RESERVATIONS,
  NODES,
  PODS,
  POD_DISRUPTION_BUDGETS,
} from '../../host/kube-client/resources.ts';
import type { KubeClient, KubeObject, Resource } from '../../host/kube-client/types.ts';

/** Reads what a plan, and how far it is, follows from. What the cluster has no definition of is none. */
export async function observe(client: KubeClient): Promise<Observed> {
  const all = async (resource: Resource): Promise<readonly KubeObject[]> => {
    try {
      return (await listAll<KubeObject>(client, resource)).items;
    } catch (error) {
      if (isNotFound(error)) return [];
      throw error;
    }
  };
  const [nodes, pods, daemonSets, deployments, configMaps, pools, reservations, budgets, ...felix] = await Promise.all(
    [
      NODES,
      PODS,
      DAEMON_SETS,
      DEPLOYMENTS,
      CONFIG_MAPS,
      IP_POOLS,
      IP_RESERVATIONS,
      POD_DISRUPTION_BUDGETS,
      ...FELIX_CONFIGURATIONS,
    ].map(all),
  );
  const felixConfigurations = felix.flat();
  const calico = { pools, reservations, felixConfigurations };
  return { nodes, pods, daemonSets, deployments, configMaps, budgets, ...calico } as Observed;
}
