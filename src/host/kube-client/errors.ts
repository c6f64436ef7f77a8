import { SluiceError, hasCode } from '../../base/errors.ts';

/** What a Kubernetes API call can fail with, whatever carries it. */
export type KubeErrorCode =
  | 'not-found'
  | 'already-exists'
  | 'conflict'
  | 'gone'
  | 'invalid'
  | 'bad-request'
  | 'unauthorized'
  | 'forbidden'
  | 'method-not-allowed'
  | 'unsupported-media-type'
  | 'too-many-requests'
  | 'timeout'
  | 'unavailable'
  | 'aborted'
  | 'internal'
  | 'bad-response';

/** The API's `Status` object, the body of every failure. */
export interface StatusBody {
  readonly kind?: string;
  readonly code?: number;
  readonly reason?: string;
  readonly message?: string;
  readonly details?: {
    readonly name?: string;
    readonly kind?: string;
    readonly retryAfterSeconds?: number;
    readonly causes?: readonly { readonly reason?: string; readonly message?: string; readonly field?: string }[];
  };
}

/** What a request failed with, classified; see the predicates and {@link KubeErrorCode}. */
export class KubeError extends SluiceError<KubeErrorCode> {}

/** The client may not do that. */
export function isForbidden(error: unknown): boolean {
  return hasCode(error, 'forbidden');
}

/** Classifies a failed answer by its HTTP status and, where one status means two things, the Status reason. */
export function kubeErrorOf(httpStatus: number, body: StatusBody | undefined, request: string): KubeError {
  const code = codeOf(httpStatus, body?.reason);
  const message = body?.message ?? `HTTP status ${httpStatus}`;
  return new KubeError(code, `${request}: ${message}`, {
    httpStatus,
    ...(body?.reason === undefined ? {} : { reason: body.reason }),
    ...(body?.details === undefined ? {} : { details: body.details }),
  });
}

const CODE_OF_REASON: Readonly<Record<string, KubeErrorCode>> = {
  NotFound: 'not-found',
  AlreadyExists: 'already-exists',
  Conflict: 'conflict',
  Expired: 'gone',
  Gone: 'gone',
  Invalid: 'invalid',
  BadRequest: 'bad-request',
  Unauthorized: 'unauthorized',
  Forbidden: 'forbidden',
  MethodNotAllowed: 'method-not-allowed',
  UnsupportedMediaType: 'unsupported-media-type',
  TooManyRequests: 'too-many-requests',
  Timeout: 'timeout',
  ServerTimeout: 'timeout',
  ServiceUnavailable: 'unavailable',
  InternalError: 'internal',
};

const CODE_OF_STATUS: Readonly<Record<number, KubeErrorCode>> = {
  400: 'bad-request',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not-found',
  405: 'method-not-allowed',
  409: 'conflict',
  410: 'gone',
  415: 'unsupported-media-type',
  422: 'invalid',
  429: 'too-many-requests',
  502: 'unavailable',
  503: 'unavailable',
  504: 'timeout',
};

function codeOf(httpStatus: number, reason: string | undefined): KubeErrorCode {
  return (
    (reason === undefined ? undefined : CODE_OF_REASON[reason]) ??
    CODE_OF_STATUS[httpStatus] ??
    (httpStatus >= 500 ? 'internal' : 'bad-response')
  );
}

/** No such object, or the API server does not serve such objects. */
export function isNotFound(error: unknown): boolean {
  return hasCode(error, 'not-found');
}

/** There is an object of that name. */
export function isAlreadyExists(error: unknown): boolean {
  return hasCode(error, 'already-exists');
}

/** Somebody else wrote first: read again and retry. */
export function isConflict(error: unknown): boolean {
  return hasCode(error, 'conflict');
}

/** The watch position or continue token is too old: list again. */
export function isGone(error: unknown): boolean {
  return hasCode(error, 'gone');
}

/** The caller's own AbortSignal ended the call. */
export function isAborted(error: unknown): boolean {
  return hasCode(error, 'aborted');
}
