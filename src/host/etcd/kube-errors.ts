import { KubeError } from '../kube-client/errors.ts';
import type { KubeErrorCode } from '../kube-client/errors.ts';
import { EtcdError } from './errors.ts';
import type { EtcdErrorCode } from './errors.ts';

const KUBE_CODE: Readonly<Record<EtcdErrorCode, KubeErrorCode>> = {
  unavailable: 'unavailable',
  timeout: 'timeout',
  aborted: 'aborted',
  compacted: 'gone',
  unauthenticated: 'unauthorized',
  forbidden: 'forbidden',
  invalid: 'bad-request',
  'not-found': 'not-found',
  exhausted: 'too-many-requests',
  internal: 'internal',
  'bad-response': 'bad-response',
};

/** An error of etcd as those who use a `KubeClient` tell errors apart; any other error as it is. */
export function asKubeError(error: unknown): unknown {
  if (!(error instanceof EtcdError)) return error;
  return new KubeError(KUBE_CODE[error.code], error.message, error.data, error);
}
