import { readFileSync } from 'node:fs';
import type { Container } from 'kubernetes-types/core/v1.d.ts';
import type { ExitStatus } from '../../../../host/container/process.ts';

/**
 * Whether SIGTERM can have an effect: the kernel discards it for a pid 1 that neither catches nor blocks it, such as
 * `sleep`. Waiting out the grace period for one that cannot hear would only make people wait.
 */
export function hearsSigterm(pid: number): boolean {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    if (!/^NSpid:.*\s1$/m.test(status)) return true;
    const mask = (name: string): bigint =>
      BigInt(`0x${new RegExp(`^${name}:\\s*(\\w+)$`, 'm').exec(status)?.[1] ?? '0'}`);
    return ((mask('SigCgt') | mask('SigBlk')) & (1n << 14n)) !== 0n;
  } catch {
    // It has ended meanwhile.
    return true;
  }
}

/** The container's last words: its termination file, or the end of its log where it asks for that. */
export function terminationMessage(
  files: { readonly terminationLog: string; readonly log: string },
  spec: Container,
  exit: ExitStatus,
): string {
  const LIMIT = 4096;
  const own = contentsOf(files.terminationLog).slice(0, LIMIT);
  if (own !== '' || spec.terminationMessagePolicy !== 'FallbackToLogsOnError' || exit.code === 0) return own;
  return contentsOf(files.log)
    .split('\n')
    .slice(-81)
    .map((line) => line.split(' ').slice(3).join(' '))
    .join('\n')
    .slice(-LIMIT);
}

/** Nothing for a file that has gone with its pod. */
function contentsOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
