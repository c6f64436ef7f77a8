import { SluiceError } from '../../base/errors.ts';
import { fieldErrorCause, formatFieldError, type FieldError } from '../kube/field-error.ts';

/** Reasons of the API's `Status`, as Kubernetes spells them. */
export type StatusReason =
  | 'Unauthorized'
  | 'Forbidden'
  | 'NotFound'
  | 'AlreadyExists'
  | 'Conflict'
  | 'Gone'
  | 'Expired'
  | 'Invalid'
  | 'BadRequest'
  | 'MethodNotAllowed'
  | 'NotAcceptable'
  | 'UnsupportedMediaType'
  | 'RequestEntityTooLarge'
  | 'Timeout'
  | 'TooManyRequests'
  | 'ServiceUnavailable'
  | 'InternalError';

/** One cause inside a Status: which field, and why. */
export interface StatusCause {
  readonly reason: string;
  readonly message: string;
  readonly field?: string;
}

/** What a Status says of the object that the request was about. */
export interface StatusDetails {
  readonly name?: string;
  readonly group?: string;
  readonly kind?: string;
  readonly uid?: string;
  readonly causes?: readonly StatusCause[];
  readonly retryAfterSeconds?: number;
}

/** The body of every failed request. */
export interface Status {
  readonly kind: 'Status';
  readonly apiVersion: 'v1';
  readonly metadata: Readonly<Record<string, never>>;
  readonly status: 'Failure' | 'Success';
  readonly message?: string;
  readonly reason?: StatusReason;
  readonly details?: StatusDetails;
  readonly code?: number;
}

/** HTTP status of each reason. */
const HTTP_STATUS: Readonly<Record<StatusReason, number>> = {
  Unauthorized: 401,
  Forbidden: 403,
  NotFound: 404,
  AlreadyExists: 409,
  Conflict: 409,
  Gone: 410,
  Expired: 410,
  Invalid: 422,
  BadRequest: 400,
  MethodNotAllowed: 405,
  NotAcceptable: 406,
  UnsupportedMediaType: 415,
  RequestEntityTooLarge: 413,
  Timeout: 504,
  TooManyRequests: 429,
  ServiceUnavailable: 503,
  InternalError: 500,
};

/** A request that the API refuses; carries the Status that the client gets. */
export class ApiError extends SluiceError<StatusReason> {
  readonly status: Status;

  constructor(reason: StatusReason, message: string, details?: StatusDetails) {
    const code = HTTP_STATUS[reason];
    super(reason, message, { httpStatus: code, ...(details === undefined ? {} : { details }) });
    this.status = {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message,
      reason,
      ...(details === undefined ? {} : { details }),
      code,
    };
  }
}

interface Named {
  readonly group: string;
  readonly plural: string;
}

function quoted(resource: Named, name: string): string {
  return `${resource.group === '' ? resource.plural : `${resource.plural}.${resource.group}`} "${name}"`;
}

function details(resource: Named, name: string): StatusDetails {
  return { name, kind: resource.plural, ...(resource.group === '' ? {} : { group: resource.group }) };
}

/** 404: there is no such object. */
export function notFound(resource: Named, name: string): ApiError {
  return new ApiError('NotFound', `${quoted(resource, name)} not found`, details(resource, name));
}

/** 409: a create of a name that is taken. */
export function alreadyExists(resource: Named, name: string): ApiError {
  return new ApiError('AlreadyExists', `${quoted(resource, name)} already exists`, details(resource, name));
}

/** 409: the write was based on an older version than the stored one, or a precondition failed. */
export function conflict(resource: Named, name: string, why: string): ApiError {
  return new ApiError(
    'Conflict',
    `Operation cannot be fulfilled on ${quoted(resource, name)}: ${why}`,
    details(resource, name),
  );
}

/** 403 in the words of admission: `pods "a" is forbidden: …`. */
export function forbidden(resource: Named, name: string, why: string): ApiError {
  const subject = name === '' ? qualified(resource) : quoted(resource, name);
  return new ApiError('Forbidden', `${subject} is forbidden: ${why}`, details(resource, name));
}

function qualified(resource: Named): string {
  return resource.group === '' ? resource.plural : `${resource.plural}.${resource.group}`;
}

/** 400: the request itself cannot be understood. */
export function badRequest(message: string): ApiError {
  return new ApiError('BadRequest', message);
}

/** 422: the object breaks rules, all of them named, in the words of the real API server. */
export function invalidObject(
  kind: { readonly group: string; readonly kind: string },
  name: string,
  errors: readonly FieldError[],
): ApiError {
  const messages = errors.map(formatFieldError);
  const list = messages.length === 1 ? messages[0] : `[${messages.join(', ')}]`;
  const qualifiedKind = kind.group === '' ? kind.kind : `${kind.kind}.${kind.group}`;
  return new ApiError('Invalid', `${qualifiedKind} "${name}" is invalid: ${list}`, {
    name,
    kind: kind.kind,
    ...(kind.group === '' ? {} : { group: kind.group }),
    causes: errors.map(fieldErrorCause),
  });
}

/** 410: the watch or continue position has been compacted away. */
export function expired(requested: number, oldest: number): ApiError {
  return new ApiError('Expired', `too old resource version: ${requested} (${oldest})`);
}
