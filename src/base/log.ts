/** Severities, from chatty to grave. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;

/** One of {@link LOG_LEVELS}. */
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Whether the text is a severity. */
export function isLogLevel(text: string): text is LogLevel {
  return (LOG_LEVELS as readonly string[]).includes(text);
}

/** Structured fields of one log line; values must survive `JSON.stringify`. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Where a component writes what it did. Passed in, never global. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger that adds `fields` to every line. */
  with(fields: LogFields): Logger;
}

/** A logger that hands each line, as one JSON object, to `write`. `now` supplies the timestamp in RFC 3339. */
export function jsonLogger(
  options: { readonly level: LogLevel; readonly fields?: LogFields },
  dependencies: { readonly write: (line: string) => void; readonly now: () => string },
): Logger {
  const emit = (level: LogLevel, message: string, fields?: LogFields): void => {
    if (LOG_LEVELS.indexOf(level) < LOG_LEVELS.indexOf(options.level)) return;
    dependencies.write(JSON.stringify({ time: dependencies.now(), level, message, ...options.fields, ...fields }));
  };
  return {
    debug: (message, fields) => emit('debug', message, fields),
    info: (message, fields) => emit('info', message, fields),
    warn: (message, fields) => emit('warn', message, fields),
    error: (message, fields) => emit('error', message, fields),
    with: (fields) => jsonLogger({ ...options, fields: { ...options.fields, ...fields } }, dependencies),
  };
}

/** A logger that keeps nothing. */
export const silentLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  with: () => silentLogger,
};
