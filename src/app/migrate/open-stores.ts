import type { From, Observed } from '../../core/migrate/index.ts';
import type { KubeClient } from '../../host/kube-client/types.ts';
import { observe } from './observe.ts';
import { openCalicoStore } from './open-calico-store.ts';
import { readFlannelStore } from './read-flannel-store.ts';

/** What a plan depends on besides the API. */
export type Stores = Pick<Observed, 'flannelStore' | 'datastore'>;

/** A cluster, and the etcd in which the network before has what is its own. */
export interface OpenedStores extends Disposable {
  /** Of both. */
  readonly client: KubeClient;
  readonly stores: Stores;
}

/** Opens what the network before keeps in etcd, if it does. Throws `unreachable` with what to do. */
export async function openStores(
  from: From,
  client: KubeClient,
  env: Readonly<Record<string, string | undefined>>,
  report: (message: string) => void,
): Promise<OpenedStores> {
  const nothing = { client, stores: {}, [Symbol.dispose]: () => undefined };
  if (from === 'from-canal') return nothing;
  const seen = await observe(client);
  if (from === 'from-flannel')
    return { ...nothing, stores: { flannelStore: await readFlannelStore(seen, client, env) } };
  const store = await openCalicoStore(seen, client, env, report);
  if (store === undefined) return nothing;
  return { client: store.client, stores: { datastore: 'etcdv3' }, [Symbol.dispose]: () => store[Symbol.dispose]() };
}
