import { constants } from 'node:os';
import { SluiceError } from '../base/errors.ts';

/**
 * What the kernel answered, in words that callers can branch on. `unsupported` covers a protocol, object type or
 * feature that this kernel was built without; `failed` is every errno that nobody needs to tell apart.
 */
export type ErrnoCode =
  | 'again'
  | 'busy'
  | 'exists'
  | 'failed'
  | 'in-use'
  | 'interrupted'
  | 'invalid'
  | 'no-buffer'
  | 'not-found'
  | 'permission'
  | 'refused'
  | 'timed-out'
  | 'too-large'
  | 'unreachable'
  | 'unsupported';

/** The kernel's errno numbers, by name (asm-generic/errno.h). */
export const ERRNO: Readonly<Record<keyof typeof constants.errno, number>> = constants.errno;

const CODES = new Map<number, ErrnoCode>([
  [ERRNO.EAGAIN, 'again'],
  [ERRNO.EBUSY, 'busy'],
  [ERRNO.ENOTEMPTY, 'busy'],
  [ERRNO.EEXIST, 'exists'],
  [ERRNO.EADDRINUSE, 'in-use'],
  [ERRNO.EINTR, 'interrupted'],
  [ERRNO.EINVAL, 'invalid'],
  [ERRNO.ERANGE, 'invalid'],
  [ERRNO.ENAMETOOLONG, 'invalid'],
  [ERRNO.ENOBUFS, 'no-buffer'],
  [ERRNO.ENOMEM, 'no-buffer'],
  [ERRNO.ENOENT, 'not-found'],
  [ERRNO.ESRCH, 'not-found'],
  [ERRNO.ENODEV, 'not-found'],
  [ERRNO.ENXIO, 'not-found'],
  [ERRNO.EADDRNOTAVAIL, 'not-found'],
  [ERRNO.EPERM, 'permission'],
  [ERRNO.EACCES, 'permission'],
  [ERRNO.EROFS, 'permission'],
  [ERRNO.ECONNREFUSED, 'refused'],
  [ERRNO.ETIMEDOUT, 'timed-out'],
  [ERRNO.EMSGSIZE, 'too-large'],
  [ERRNO.E2BIG, 'too-large'],
  [ERRNO.ENETUNREACH, 'unreachable'],
  [ERRNO.EHOSTUNREACH, 'unreachable'],
  [ERRNO.ENETDOWN, 'unreachable'],
  [ERRNO.EOPNOTSUPP, 'unsupported'],
  [ERRNO.EAFNOSUPPORT, 'unsupported'],
  [ERRNO.EPROTONOSUPPORT, 'unsupported'],
  [ERRNO.ENOSYS, 'unsupported'],
]);

const NAMES = new Map(Object.entries(ERRNO).map(([name, number]) => [number, name]));

/** The class of a positive errno. */
export function classifyErrno(errno: number): ErrnoCode {
  return CODES.get(errno) ?? 'failed';
}

/** The symbol of a positive errno, such as `EEXIST`; for printing. */
export function errnoName(errno: number): string {
  return NAMES.get(errno) ?? `errno ${errno}`;
}

/** The classified error of a failed kernel call. `what` says what was attempted, on what; `detail` is the kernel's own remark. */
export function errnoError(
  errno: number,
  what: string,
  data: Readonly<Record<string, unknown>> = {},
  detail?: string,
): SluiceError<ErrnoCode> {
  const remark = detail === undefined || detail === '' ? '' : `: ${detail}`;
  return new SluiceError(classifyErrno(errno), `${what} failed with ${errnoName(errno)}${remark}`, {
    ...data,
    errno,
  });
}

/** Passes a system call's result through, or throws its classified error when it is a negative errno. */
export function expectSuccess(result: number, what: string): number {
  if (result < 0) throw errnoError(-result, what);
  return result;
}
