import { NETWORKS, SECRET_KEYS, USER_KEYS, flannelEtcd } from '../../core/migrate/index.ts';
import type { FlannelEtcd, FlannelStore, Observed } from '../../core/migrate/index.ts';
import { etcdClient } from '../../host/etcd/client.ts';
import { etcdConfig } from '../../host/etcd/config.ts';
import { LeaseStore } from '../../host/flannel/lease-store.ts';
import { isForbidden, isNotFound } from '../../host/kube-client/errors.ts';
import { SECRETS } from '../../host/kube-client/resources.ts';
import type { KubeClient, KubeObject } from '../../host/kube-client/types.ts';
import { etcdUnreachable } from './etcd-unreachable.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads what flannel keeps in etcd, where it does: undefined otherwise, and where its DaemonSet does not say where. The
 * environment may name the way there from this machine (`ETCD_ENDPOINTS` and what else `etcdConfig` reads). Throws
 * `unreachable` with what to do.
 */
export async function readFlannelStore(
  observed: Observed,
  client: KubeClient,
  env: Environment,
): Promise<FlannelStore | undefined> {
  const old = NETWORKS['from-flannel'].find(observed);
  const place = old && flannelEtcd(old);
  if (place === undefined || place.endpoints === '') return undefined;
  const [leases, certificates, user] = await Promise.all([
    readLeases(place, env),
    secretKeys(client, 'calico-etcd-secrets'),
    secretKeys(client, 'sluice-datastore'),
  ]);
  const files = (['ca', 'certificate', 'key'] as const).filter((file) => place.files[file]);
  return {
    ...leases,
    hasCertificates: certificates && files.every((file) => certificates.has(SECRET_KEYS[file])),
    hasUser: user && USER_KEYS.every((key) => user.has(key)),
  };
}

async function readLeases(
  { endpoints, prefix }: FlannelEtcd,
  env: Environment,
): Promise<Pick<FlannelStore, 'config' | 'leases'>> {
  const reached = env['ETCD_ENDPOINTS'] || endpoints;
  try {
    const etcd = etcdClient(etcdConfig({ ...env, ETCD_ENDPOINTS: reached }));
    try {
      // Nothing is written here, so no lease is granted either.
      const store = new LeaseStore(etcd, prefix, 0);
      return { config: await store.config(), leases: (await store.list()).entries };
    } finally {
      etcd.close();
    }
  } catch (error) {
    throw etcdUnreachable("flannel's leases", reached, error);
  }
}

/** The keys of a Secret; none when it is not there, undefined when this user may not look. */
async function secretKeys(client: KubeClient, name: string): Promise<ReadonlySet<string> | undefined> {
  try {
    const { data = {} } = await client.get<KubeObject & { readonly data?: object }>(SECRETS, {
      namespace: 'kube-system',
      name,
    });
    return new Set(Object.keys(data));
  } catch (error) {
    if (isNotFound(error)) return new Set();
    if (isForbidden(error)) return undefined;
    throw error;
  }
}
