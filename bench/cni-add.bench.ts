import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { median } from './harness.ts';
import type { Bench, Figure } from './harness.ts';

interface Times {
  readonly add: readonly number[];
  readonly del: readonly number[];
  readonly burst: readonly number[];
}

const SEQUENTIAL = 60;
const BURST = 300;
const ROUNDS = 3;

/** The life of one pod's network through the CNI protocol, against Debian's plugins in the same run. */
export const bench: Bench = {
  name: 'cni-add',
  about: `ADD and DEL of the compiled plugin (agent running, policy live) against Debian's bridge + host-local`,
  async run(note) {
    const root = join(import.meta.dirname, '..');
    execute(process.execPath, [join(root, 'scripts/build-cni.ts')]);
    note(
      `${SEQUENTIAL} pods one after the other, then ${ROUNDS} bursts of ${BURST} ADDs, 8 at a time, each of both plugins`,
    );
    const isolation = [
      ...(process.getuid?.() === 0 ? [] : ['--map-root-user']),
      '--net',
      '--mount',
      '--propagation',
      'private',
    ];
    const driver = [process.execPath, join(import.meta.dirname, 'cni-add/driver.ts'), join(root, 'build/cni')];
    const scratch = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
    try {
      const sizes = [SEQUENTIAL, BURST, ROUNDS].map(String);
      const output = execute('unshare', [...isolation, ...driver, ...sizes], { TMPDIR: scratch });
      const { sluice, bridge } = JSON.parse(output) as { sluice: Times; bridge: Times };
      return figures(sluice, bridge);
    } finally {
      rmSync(scratch, { recursive: true, force: true });
    }
  },
};

function figures(sluice: Times, bridge: Times): readonly Figure[] {
  const ms = (figure: string, value: number): Figure => ({ figure, value, unit: 'ms' });
  const pair = ({ add, del }: Times): number => median(add) + median(del);
  return [
    ms('sluice ADD', median(sluice.add)),
    ms('sluice DEL', median(sluice.del)),
    ms('bridge + host-local ADD', median(bridge.add)),
    ms('bridge + host-local DEL', median(bridge.del)),
    { figure: 'ADD + DEL, ratio', value: pair(sluice) / pair(bridge), unit: '', bar: { atMost: 1 } },
    ms(`sluice, ${BURST} ADDs 8 at a time`, median(sluice.burst)),
    ms(`bridge + host-local, ${BURST} ADDs 8 at a time`, median(bridge.burst)),
    {
      figure: `${BURST} ADDs, ratio`,
      value: median(sluice.burst) / median(bridge.burst),
      unit: '',
      bar: { atMost: 1 },
    },
  ];
}

function execute(command: string, args: readonly string[], environment: NodeJS.ProcessEnv = {}): string {
  const env = { ...process.env, ...environment };
  const stdio = ['ignore', 'pipe', 'inherit'] as const;
  const run = spawnSync(command, args, { env, encoding: 'utf8', stdio: [...stdio], timeout: 300_000 });
  if (run.status !== 0) throw new Error(`${command} failed: ${run.error?.message ?? `exit code ${run.status}`}`);
  return run.stdout;
}
