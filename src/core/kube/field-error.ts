/** Kinds of field error, as `k8s.io/apimachinery/pkg/util/validation/field` names them. */
type FieldErrorType =
  | 'Required'
  | 'Invalid'
  | 'NotSupported'
  | 'Duplicate'
  | 'Forbidden'
  | 'NotFound'
  | 'TooLong'
  | 'TooMany'
  | 'TypeInvalid';

/** One thing wrong with one field of an object. */
export interface FieldError {
  readonly type: FieldErrorType;
  /** `spec.ingress[0].ports[0].port`; map keys in brackets: `metadata.labels[a b]`. */
  readonly path: string;
  /** The offending value; without meaning for Required, Forbidden and TooLong. */
  readonly value?: unknown;
  readonly detail: string;
  /** For NotSupported. */
  readonly supported?: readonly string[];
}

/** Reasons in `Status.details.causes` (metav1.CauseType), per type. */
const REASONS: Readonly<Record<FieldErrorType, string>> = {
  Required: 'FieldValueRequired',
  Invalid: 'FieldValueInvalid',
  NotSupported: 'FieldValueNotSupported',
  Duplicate: 'FieldValueDuplicate',
  Forbidden: 'FieldValueForbidden',
  NotFound: 'FieldValueNotFound',
  TooLong: 'FieldValueTooLong',
  TooMany: 'FieldValueTooMany',
  TypeInvalid: 'FieldValueTypeInvalid',
};

/** First words of the message, per type. */
const HEADLINES: Readonly<Record<FieldErrorType, string>> = {
  Required: 'Required value',
  Invalid: 'Invalid value',
  NotSupported: 'Unsupported value',
  Duplicate: 'Duplicate value',
  Forbidden: 'Forbidden',
  NotFound: 'Not found',
  TooLong: 'Too long',
  TooMany: 'Too many',
  TypeInvalid: 'Invalid value',
};

/** The path is missing where it must be given. */
export function required(path: string, detail = ''): FieldError {
  return { type: 'Required', path, detail };
}

/** The value is not allowed there. */
export function invalid(path: string, value: unknown, detail: string): FieldError {
  return { type: 'Invalid', path, value, detail };
}

/** The value is none of `supported`. */
export function notSupported(path: string, value: unknown, supported: readonly string[]): FieldError {
  const sorted = [...supported].sort();
  const quoted = sorted.map((each) => JSON.stringify(each)).join(', ');
  return { type: 'NotSupported', path, value, detail: `supported values: ${quoted}`, supported: sorted };
}

/** The value occurs twice in a list that must not repeat it. */
export function duplicate(path: string, value: unknown): FieldError {
  return { type: 'Duplicate', path, value, detail: '' };
}

/** The field must not be set. */
export function forbidden(path: string, detail: string): FieldError {
  return { type: 'Forbidden', path, detail };
}

/** The value refers to something that does not exist. */
export function notFound(path: string, value: unknown): FieldError {
  return { type: 'NotFound', path, value, detail: '' };
}

/** The value has more than `limit` bytes. */
export function tooLong(path: string, limit: number): FieldError {
  return { type: 'TooLong', path, detail: `may not be more than ${limit} bytes` };
}

/** The error in Kubernetes' words: `spec.ports[0].port: Invalid value: 70000: must be between 1 and 65535, inclusive`. */
export function formatFieldError(error: FieldError): string {
  return `${error.path}: ${fieldErrorBody(error)}`;
}

/** The error without its path, as `Status.details.causes[].message` has it. */
function fieldErrorBody(error: FieldError): string {
  const parts = [HEADLINES[error.type]];
  if (!['Required', 'Forbidden', 'TooLong', 'TooMany'].includes(error.type)) parts.push(show(error.value));
  if (error.detail !== '') parts.push(error.detail);
  return parts.join(': ');
}

/** The error as an entry of `Status.details.causes`. */
export function fieldErrorCause(error: FieldError): { reason: string; message: string; field: string } {
  return { reason: REASONS[error.type], message: fieldErrorBody(error), field: error.path };
}

function show(value: unknown): string {
  if (value === undefined || value === null) return 'null';
  return JSON.stringify(value);
}
