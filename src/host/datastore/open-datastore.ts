import { SluiceError } from '../../base/errors.ts';
import type { KubeClient } from '../kube-client/types.ts';

/** Where Calico's kinds can be; the names are Calico's. */
const DATASTORE_TYPES = ['kubernetes', 'etcdv3'] as const;

export type DatastoreType = (typeof DATASTORE_TYPES)[number];

/** A client of Kubernetes and of whatever has Calico's kinds. */
export interface Datastore extends Disposable {
  readonly type: DatastoreType;
  readonly client: KubeClient;
}

/** Reads a datastore's type; throws `invalid-options`. */
export function datastoreType(text: string | undefined): DatastoreType {
  const type = text === undefined || text === '' ? 'kubernetes' : text;
  const known = DATASTORE_TYPES.find((each) => each === type);
  if (known !== undefined) return known;
  throw new SluiceError(
    'invalid-options',
    `DATASTORE_TYPE (datastore_type) is '${type}', must be one of ${DATASTORE_TYPES.join(', ')}`,
  );
}

/**
 * Opens the datastore that the environment names (`DATASTORE_TYPE`, for etcd see `etcdConfig`). The client of Kubernetes
 * stays the caller's to close.
 */
export async function openDatastore(
  env: Readonly<Record<string, string | undefined>>,
  kubernetes: KubeClient,
  report: (message: string) => void,
): Promise<Datastore> {
  const type = datastoreType(env['DATASTORE_TYPE']);
  if (type === 'kubernetes') return { type, client: kubernetes, [Symbol.dispose]: () => undefined };
  // Loaded by those who need it: it costs what the rest of an agent's connections cost together.
  const [{ etcdClient }, { etcdConfig }, { etcdKubeClient }] = await Promise.all([
    import('../etcd/client.ts'),
    import('../etcd/config.ts'),
    import('../etcd/kube-client.ts'),
  ]);
  const etcd = etcdClient(etcdConfig(env));
  const client = etcdKubeClient({ etcd, kubernetes, report });
  return { type, client, [Symbol.dispose]: () => etcd.close() };
}
