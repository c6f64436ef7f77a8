import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Every suite, in two lanes. Clusters and packets mostly wait, and come one after the other; beside them runs what
 * computes: the emulated machine, then what needs no root, which yields to them. What the second lane prints comes after
 * the first's, and then every failure of both once more: a long log is read from its end. Exits with 1 when a suite fails.
 */
const FIRST: readonly Step[] = [{ args: ['--project', 'e2e'] }, { args: ['--project', 'kernel'] }];
const SECOND: readonly Step[] = [{ args: ['--project', 'vm'] }, { args: ['--project', 'unit'], niceness: 10 }];

interface Step {
  /** Of `vitest run`. */
  readonly args: readonly string[];
  /** As of nice(1): how much it yields to the other lane. */
  readonly niceness?: number;
}

/** The part of vitest's JSON report that is read here. */
interface Report {
  readonly testResults: readonly {
    /** The file's path. */
    readonly name: string;
    readonly status: string;
    /** Why the file as a whole failed, if it did. */
    readonly message: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

const running = new Set<ChildProcess>();
let stopped = false;
let reports = 0;
const failed: string[] = [];
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
for (const failure of [...failures(), ...failed]) console.log(failure);
rmSync(folder, { recursive: true });
process.exitCode = passed.every(Boolean) ? 0 : 1;

/** All steps, whatever becomes of those before. */
async function lane(steps: readonly Step[], output: number | 'inherit'): Promise<boolean> {
  let isGood = true;
  for (const { args, niceness = 0 } of steps) {
    if (stopped) return false;
    const report = join(folder, `${String(reports++)}.json`);
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
    const command = ['-n', String(niceness), 'vitest', 'run', ...args, ...reporters];
    const child = spawn('nice', command, { stdio: ['ignore', output, output] });
    running.add(child);
    const [code] = (await once(child, 'close')) as [number | null];
    running.delete(child);
    if (code === 0) continue;
    isGood = false;
    failed.push(`FAILED (exit code ${String(code)}): vitest run ${args.join(' ')}`);
  }
  return isGood;
}

/** What failed by the reports of vitest, a text each: where, which test, and what it said. */
function failures(): string[] {
  const reports = readdirSync(folder).filter((name) => name.endsWith('.json'));
  return reports
    .flatMap((name) => (JSON.parse(readFileSync(join(folder, name), 'utf8')) as Report).testResults)
    .flatMap(({ name, message, status, assertionResults }) => {
      const tests = assertionResults.filter((test) => test.status === 'failed');
      if (tests.length === 0) return status === 'failed' ? [`FAILED ${name}\n${message}`] : [];
      return tests.map((test) => `FAILED ${name}: ${test.fullName}\n${test.failureMessages.join('\n')}`);
    });
}
