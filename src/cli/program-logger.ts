import process from 'node:process';
import { jsonLogger, type LogLevel, type Logger } from '../base/log.ts';

/** The logger of a program that runs in a container: JSON lines on standard error, level from SLUICE_LOG_LEVEL. */
export function programLogger(program: string, env: Readonly<Record<string, string | undefined>>): Logger {
  const wanted = env['SLUICE_LOG_LEVEL'];
  const level: LogLevel = wanted === 'debug' || wanted === 'warn' || wanted === 'error' ? wanted : 'info';
  return jsonLogger(
    { level, fields: { program } },
    { write: (line) => void process.stderr.write(`${line}\n`), now: () => new Date().toISOString() },
  );
}
