import { NETWORKS, calicoEtcd } from '../../core/migrate/index.ts';
import type { Observed } from '../../core/migrate/index.ts';
import { openEtcd } from '../../host/datastore/open-datastore.ts';
import type { Datastore } from '../../host/datastore/open-datastore.ts';
import { IP_POOLS } from '../../host/kube-client/resources.ts';
import type { KubeClient } from '../../host/kube-client/types.ts';
import { etcdUnreachable } from './etcd-unreachable.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Opens Calico's etcd where its objects are there: undefined otherwise, and where its DaemonSet does not say where. The
 * environment may name the way there from this machine (`ETCD_ENDPOINTS` and what else `etcdConfig` reads). Throws
 * `unreachable` with what to do.
 */
export async function openCalicoStore(
  observed: Observed,
  kubernetes: KubeClient,
  env: Environment,
  report: (message: string) => void,
): Promise<Datastore | undefined> {
  const old = NETWORKS['from-calico'].find(observed);
  const endpoints = old && calicoEtcd(old)?.['ETCD_ENDPOINTS'];
  if (endpoints === undefined) return undefined;
  const reached = env['ETCD_ENDPOINTS'] || endpoints;
  const store = await openEtcd({ ...env, ETCD_ENDPOINTS: reached }, { kubernetes, heedsLock: true, report });
  try {
    await store.client.list(IP_POOLS, { limit: 1 });
    return store;
  } catch (error) {
    store[Symbol.dispose]();
    throw etcdUnreachable("Calico's objects", reached, error);
  }
}
