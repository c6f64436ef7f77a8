import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Every suite, in two lanes. Clusters and packets mostly wait, and come one after the other; beside them runs what
 * computes: the emulated machine, then what needs no root, which yields to them. At the end each lane has a part of the
 * suites about the kernel, which share nothing. What the second lane prints comes after everything else. Exits with 1
 * when a suite fails.
 */
const FIRST: readonly Step[] = [
  { args: ['--project', 'e2e'] },
  { args: ['--project', 'kernel', '--exclude', 'src/**/*.kernel.test.ts'] },
];
const SECOND: readonly Step[] = [
  { args: ['--project', 'vm'] },
  { args: ['--project', 'unit'], niceness: 10 },
  { args: ['--project', 'kernel', '--exclude', 'test/interop/**'] },
];

interface Step {
  /** Of `vitest run`. */
  readonly args: readonly string[];
  /** As of nice(1): how much it yields to the other lane. */
  readonly niceness?: number;
}

const running = new Set<ChildProcess>();
let stopped = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => {
    stopped = true;
    for (const child of running) child.kill(signal);
  });

const folder = mkdtempSync(join(tmpdir(), 'sluice-suites-'));
const file = join(folder, 'second');
const log = openSync(file, 'a');
const passed = await Promise.all([lane(FIRST, 'inherit'), lane(SECOND, log)]);
closeSync(log);
console.log(readFileSync(file, 'utf8'));
rmSync(folder, { recursive: true });
process.exitCode = passed.every(Boolean) ? 0 : 1;

/** All steps, whatever becomes of those before. */
async function lane(steps: readonly Step[], output: number | 'inherit'): Promise<boolean> {
  let isGood = true;
  for (const { args, niceness = 0 } of steps) {
    if (stopped) return false;
    const command = ['-n', String(niceness), 'vitest', 'run', ...args];
    const child = spawn('nice', command, { stdio: ['ignore', output, output] });
    running.add(child);
    const [code] = (await once(child, 'close')) as [number | null];
    running.delete(child);
    isGood &&= code === 0;
  }
  return isGood;
}
