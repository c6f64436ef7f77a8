import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { expect, it } from 'vitest';
import { runInMachine } from './machine/machine.ts';

/** Suites that skip what this machine's kernel may lack, by what they are about. */
const SUITES = [
  'src/host/netlink/kernel.kernel.test.ts',
  'src/host/wireguard/kernel.kernel.test.ts',
  'src/host/ovs/ovs.kernel.test.ts',
  'src/host/ipvs/kernel.kernel.test.ts',
  'src/app/agent/tunnels.kernel.test.ts',
  'src/app/agent/sctp.kernel.test.ts',
  'src/app/agent/ipvs.kernel.test.ts',
  'src/app/agent/flannel-ipip.kernel.test.ts',
  'src/app/agent/calico-ipip.kernel.test.ts',
  'src/app/agent/flannel-wireguard.kernel.test.ts',
  'test/interop/matrix-rare.test.ts',
];
/** Everything together; a machine that is busy with other things needs it, an idle one less than half. Milliseconds. */
const BUDGET = 3_600_000;

it('passes every suite about what kernels lack under one that has it all', { timeout: BUDGET + 20_000 }, async () => {
  const { code, output, complaint, timedOut } = await runInMachine({
    script: `NO_COLOR=1 vitest run --project kernel --reporter=verbose ${SUITES.join(' ')}`,
    timeout: BUDGET,
  });
  expect({ code, timedOut }, `${output}${complaint}`).toEqual({ code: 0, timedOut: false });
  // There, nothing may be left out.
  expect(output).not.toContain('skipped');
});

it('tells how a command in the machine ended, which could change nothing here', async () => {
  const script = 'uname -n; echo changed >test/vm/changed; cat test/vm/changed; ip -o link; echo late >&2; exit 7';
  const { code, output } = await runInMachine({ script, timeout: 280_000 });
  const [name, content, ...rest] = output.trimEnd().split('\n');
  expect({ code, name, content }).toEqual({ code: 7, name: 'test-machine', content: 'changed' });
  // No network but its own, and what was written went with it.
  expect(rest.filter((line) => line.includes(': lo:'))).toHaveLength(1);
  expect(rest).toHaveLength(2);
  expect(rest.at(-1)).toBe('late');
  expect(existsSync('test/vm/changed')).toBe(false);
});

it('leaves no process behind when it is switched off', async () => {
  const before = machineProcesses();
  const { code, timedOut } = await runInMachine({ script: 'sleep 1000', timeout: 3000 });
  expect({ code, timedOut }).toEqual({ code: 125, timedOut: true });
  await expect.poll(() => machineProcesses().filter((line) => !before.includes(line))).toEqual([]);
});

/** Processes of machines, each with its id. */
function machineProcesses(): readonly string[] {
  const { stdout } = spawnSync('ps', ['-eo', 'pid,args'], { encoding: 'utf8' });
  return stdout.split('\n').filter((line) => line.includes('/sluice-vm-'));
}
