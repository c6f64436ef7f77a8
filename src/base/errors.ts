/**
 * The one error class of Sluice. `code` tells callers what happened (each area declares its own union of codes),
 * `data` carries what a message needs (names, positions, limits) and `cause` the foreign error that was classified.
 */
export class SluiceError<Code extends string = string> extends Error {
  override readonly name = 'SluiceError';
  readonly code: Code;
  readonly data: Readonly<Record<string, unknown>>;

  constructor(code: Code, message: string, data: Readonly<Record<string, unknown>> = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.data = data;
  }
}

/** Whether `error` is a {@link SluiceError} that carries `code`. */
export function hasCode<Code extends string>(error: unknown, code: Code): error is SluiceError<Code> {
  return error instanceof SluiceError && error.code === code;
}

/** The message of anything that was thrown, for printing; never used to tell errors apart. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
