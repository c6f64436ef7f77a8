import { SluiceError } from '../../base/errors.ts';
import { informer } from '../kube-client/informer.ts';
import { CALICO_GROUP, CLUSTER_INFORMATIONS } from '../kube-client/resources.ts';
import type { KubeClient, KubeObject, Resource } from '../kube-client/types.ts';

/** How often a cluster without ClusterInformation is asked for it, milliseconds. */
const ABSENT_RETRY = 60_000;

/** The one object of its kind (Calico's ClusterInformation `default`). */
interface ClusterInformation extends KubeObject {
  readonly spec?: { readonly datastoreReady?: boolean };
}

/**
 * A client that writes none of Calico's kinds while the datastore is locked (`datastoreReady: false`), as it is while it
 * is being migrated: such writes are refused with `datastore-locked`. Reads and everything of Kubernetes' go on. It
 * watches the lock until `signal` aborts; until the lock is known for the first time, writes wait.
 */
export function lockableClient(
  client: KubeClient,
  onError: (what: string, error: unknown) => void,
  signal: AbortSignal,
): KubeClient {
  const information = informer<ClusterInformation, boolean>(
    client,
    CLUSTER_INFORMATIONS,
    {
      project: ({ spec }) => spec?.datastoreReady !== false,
      onError: (error) => onError('watching clusterinformations', error),
      absentRetry: ABSENT_RETRY,
    },
    signal,
  );
  const unlocked = async <T>({ group, kind }: Resource, write: () => Promise<T>): Promise<T> => {
    if (group === CALICO_GROUP) {
      await information.synced;
      if (information.items.get('default') === false)
        throw new SluiceError(
          'datastore-locked',
          `no ${kind} is written while the datastore is being migrated (sluice datastore migrate unlock ends that)`,
        );
    }
    return write();
  };
  return {
    list: (resource, options) => client.list(resource, options),
    get: (resource, name, options) => client.get(resource, name, options),
    watch: (resource, options, abort) => client.watch(resource, options, abort),
    create: (resource, object, options) => unlocked(resource, () => client.create(resource, object, options)),
    createSubresource: (resource, name, subresource, body, options) =>
      unlocked(resource, () => client.createSubresource(resource, name, subresource, body, options)),
    update: (resource, object, options) => unlocked(resource, () => client.update(resource, object, options)),
    updateStatus: (resource, object, options) =>
      unlocked(resource, () => client.updateStatus(resource, object, options)),
    patch: (resource, name, kind, body, options) =>
      unlocked(resource, () => client.patch(resource, name, kind, body, options)),
    delete: (resource, name, options) => unlocked(resource, () => client.delete(resource, name, options)),
  };
}
