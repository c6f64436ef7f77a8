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

/** What a call of etcd failed with, classified; see the predicates and {@link EtcdErrorCode}. */
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

/**
 * What etcd calls unknown (status 2) though it is not: errors of Go's context, of a call whose time was over by the server's
 * clock first or of a server that is ending, and a write that came while there was no leader (raft ErrProposalDropped).
 */
const CODE_OF_UNKNOWN: Readonly<Record<string, EtcdErrorCode>> = {
  'context deadline exceeded': 'timeout',
  'context canceled': 'unavailable',
  'raft proposal dropped': 'unavailable',
};

/** Classifies a failed call by its gRPC status. */
export function etcdErrorOf(status: number, message: string, call: string): EtcdError {
  const code = CODE_OF_STATUS[status] ?? CODE_OF_UNKNOWN[message] ?? 'internal';
  return new EtcdError(code, `etcd ${call}: ${message}`, { status });
}

/** The revision that was asked for is no longer kept: read everything anew. */
export function isCompacted(error: unknown): boolean {
  return hasCode(error, 'compacted');
}
