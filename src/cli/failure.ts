import { SluiceError, messageOf } from '../base/errors.ts';

/**
 * Tells the user of a failure in one message, without a stack trace unless `debug`, and returns the exit code. What the
 * parser has already said is not said again.
 */
export function reportFailure(
  error: unknown,
  { debug, write }: { readonly debug: boolean; readonly write: (line: string) => void },
): number {
  if (isParserError(error)) return error.exitCode === 0 ? 0 : 2;
  write(`sluice: ${messageOf(error)}`);
  if (debug && error instanceof Error) {
    for (let each: unknown = error; each instanceof Error; each = each.cause) write(each.stack ?? each.message);
  } else if (!(error instanceof SluiceError)) {
    write('This is a bug in sluice. Run the command again with --debug to see where.');
  }
  return 2;
}

function isParserError(error: unknown): error is { readonly exitCode: number } {
  return (
    error instanceof Error && 'exitCode' in error && 'code' in error && String(error.code).startsWith('commander.')
  );
}
