import { SluiceError, messageOf } from '../../base/errors.ts';

const WAYS = 'ETCD_ENDPOINTS, ETCD_CA_CERT_FILE, ETCD_CERT_FILE, ETCD_KEY_FILE, ETCD_USERNAME and ETCD_PASSWORD';

/** Error `unreachable`: what the plan depends on is in an etcd that this machine does not reach. */
export function etcdUnreachable(what: string, endpoints: string, error: unknown): SluiceError<'unreachable'> {
  return new SluiceError(
    'unreachable',
    `cannot read ${what} in etcd at ${endpoints}: ${messageOf(error)}. Where this machine reaches it otherwise than the nodes do, say so in ${WAYS}`,
    {},
    error,
  );
}
