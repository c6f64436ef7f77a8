import { SluiceError } from '../../base/errors.ts';
import type { EtcdKubeClientDependencies } from '../etcd/kube-client.ts';
import type { KubeClient } from '../kube-client/types.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Where Calico's kinds can be; the names are Calico's. */
const DATASTORE_TYPES = ['kubernetes', 'etcdv3'] as const;

/** A value of Calico's `DATASTORE_TYPE`. */
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
  throw new SluiceError('invalid-options', `DATASTORE_TYPE is '${type}', must be one of ${DATASTORE_TYPES.join(', ')}`);
}

/**
 * Opens the datastore that the environment names (`DATASTORE_TYPE`, for etcd see `etcdConfig`). The client of Kubernetes
 * stays the caller's to close.
 */
export async function openDatastore(
  env: Environment,
  kubernetes: KubeClient,
  report: (message: string) => void,
): Promise<Datastore> {
  if (datastoreType(env['DATASTORE_TYPE']) === 'etcdv3') return openEtcd(env, { kubernetes, heedsLock: true, report });
  return { type: 'kubernetes', client: kubernetes, [Symbol.dispose]: () => undefined };
}

/** Opens etcd; without a client of Kubernetes there are Calico's kinds alone. */
export async function openEtcd(
  env: Environment,
  options: Omit<EtcdKubeClientDependencies, 'etcd'>,
): Promise<Datastore> {
  // Loaded by those who need it: it costs what the rest of an agent's connections cost together.
  const [{ etcdClient }, { etcdConfig }, { etcdKubeClient }] = await Promise.all([
    import('../etcd/client.ts'),
    import('../etcd/config.ts'),
    import('../etcd/kube-client.ts'),
  ]);
  const etcd = etcdClient(etcdConfig(env));
  const client = etcdKubeClient({ ...options, etcd });
  return { type: 'etcdv3', client, [Symbol.dispose]: () => etcd.close() };
}
