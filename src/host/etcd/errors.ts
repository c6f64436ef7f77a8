import { SluiceError, hasCode } from '../../base/errors.ts';

/** What a call to etcd can fail with. After any of them but `invalid` a write may or may not have happened. */
export type EtcdErrorCode =
  | 'unavailable'
  | 'timeout'
  | 'aborted'
  | 'compacted'
  | 'unauthenticated'
  | 'forbidden'
  | 'invalid'
  | 'not-found'
  | 'exhausted'
  | 'internal'
  | 'bad-response';

export class EtcdError extends SluiceError<EtcdErrorCode> {}

/** gRPC's status codes (grpc/doc/statuscodes.md), as etcd uses them (etcd api/v3rpc/rpctypes). */
const CODE_OF_STATUS: Readonly<Record<number, EtcdErrorCode>> = {
  1: 'aborted',
  3: 'invalid',
  4: 'timeout',
  5: 'not-found',
  7: 'forbidden',
  8: 'exhausted',
  9: 'invalid',
  11: 'compacted',
  14: 'unavailable',
  16: 'unauthenticated',
};

/** Classifies a failed call by its gRPC status. */
export function etcdErrorOf(status: number, message: string, call: string): EtcdError {
  return new EtcdError(CODE_OF_STATUS[status] ?? 'internal', `etcd ${call}: ${message}`, { status });
}

/** The revision that was asked for is no longer kept: read everything anew. */
export function isCompacted(error: unknown): boolean {
  return hasCode(error, 'compacted');
}
