import { execFileSync, spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { labNames, openLab, startLab, stopLab } from './lab.ts';
import type { LabOptions } from './lab-types.ts';
import type { PathEnvironment } from './paths.ts';
import { labPaths } from './paths.ts';
import { descendants } from './supervisor/host-pids.ts';

const NOBODY = 65_534;
const LAB = fileURLToPath(new URL('lab.ts', import.meta.url));
const uid = process.getuid?.() ?? 0;

let home: string;
let environment: PathEnvironment;
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'lab-'));
  environment = { env: { ...process.env, SLUICE_HOME: home, SLUICE_RUN_DIR: join(home, 'run') }, uid };
});
afterAll(async () => {
  for (const name of labNames(environment)) await stopLab(name, environment);
  rmSync(home, { recursive: true, force: true });
});

const options = (name: string, more: Partial<LabOptions> = {}): LabOptions => ({
  name,
  nodes: 1,
  backend: 'vxlan',
  ipFamily: 'ipv4',
  podCidrs: ['10.244.0.0/16'],
  serviceCidrs: ['10.96.0.0/16'],
  apiPort: 0,
  ...more,
});

const problemOf = async (promise: Promise<unknown>): Promise<{ code: string; message: string }> => {
  try {
    await promise;
  } catch (error) {
    if (error instanceof Error && 'code' in error) return { code: String(error.code), message: error.message };
  }
  throw new Error('it did not fail');
};

const isAlive = (pid: number): boolean => existsSync(`/proc/${pid}`);

/** Waits for a condition; the deadline is far beyond what it takes. */
async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 120_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`never: ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe('a cluster', () => {
  it('starts, is found by its name, refuses a second of its name, and leaves nothing when it stops', async () => {
    const phases: string[] = [];
    const started = await startLab(options('one'), { ...environment, onPhase: ({ name }) => phases.push(name) });
    expect(started.nodes).toMatchObject([{ name: 'one-node-1', ready: true, addresses: ['172.30.1.11'] }]);
    expect(phases).toContain('nodes ready');
    const found = await openLab('one', environment);
    expect(await found?.request({ op: 'status' })).toMatchObject({ name: 'one', server: started.server });
    expect(readFileSync(started.kubeconfig, 'utf8')).toContain(started.server);

    const again = await problemOf(startLab(options('one'), environment));
    expect(again).toMatchObject({ code: 'already-running' });
    expect(again.message).toContain('sluice down --name one');

    const processes = descendants(started.supervisorPid).map(({ pid }) => pid);
    expect(processes.length).toBeGreaterThan(3);
    expect(await stopLab('one', environment)).toBe(true);
    expect(processes.filter(isAlive)).toEqual([]);
    const { stateDir, runDir } = labPaths('one', environment);
    expect([stateDir, runDir].filter(existsSync)).toEqual([]);
    expect(await stopLab('one', environment)).toBe(false);
  });

  it('dies with its supervisor, however that ends, and starts again over what it left behind', async () => {
    const { supervisorPid } = await startLab(options('two'), environment);
    const processes = descendants(supervisorPid).map(({ pid }) => pid);
    process.kill(supervisorPid, 'SIGKILL');
    await until(() => !processes.some(isAlive));
    // The socket and the pid file are still there, but nobody answers.
    expect(existsSync(labPaths('two', environment).controlSocket)).toBe(true);
    expect(await openLab('two', environment)).toBeUndefined();

    const other = await problemOf(startLab(options('two', { backend: 'host-gw' }), environment));
    expect(other).toMatchObject({ code: 'invalid-options' });
    expect(other.message).toContain('sluice down --name two');

    const again = await startLab(options('two'), environment);
    expect(again.nodes[0]?.ready).toBe(true);
    await stopLab('two', environment);
  });

  it('brings a node back after a crash', async () => {
    await startLab(options('three'), environment);
    const lab = await openLab('three', environment);
    const killed = await lab?.request({ op: 'kill-node', node: 'three-node-1' });
    expect(killed).toMatchObject({ state: 'stopped', ready: false });
    const started = await lab?.request({ op: 'start-node', node: 'three-node-1' });
    // What the API still says of the node is from before the crash.
    expect(started).toMatchObject({ ready: false });
    const deadline = performance.now() + 120_000;
    while ((await lab?.request({ op: 'status' }))?.nodes[0]?.ready !== true)
      expect(performance.now()).toBeLessThan(deadline);
    const { stdout } = (await lab?.request({
      op: 'exec',
      at: { kind: 'outside' },
      command: ['ping', '-c', '1', '-W', '5', '172.30.1.11'],
    })) ?? { stdout: '' };
    expect(stdout).toContain('1 received');
    await expect(lab?.request({ op: 'kill-node', node: 'nope' })).rejects.toThrow('there is no node nope');
    await stopLab('three', environment);
  });

  it('is not started on a port that is taken', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => taken.once('listening', resolve));
    const { port } = taken.address() as AddressInfo;
    const problem = await problemOf(startLab(options('four', { apiPort: port }), environment));
    expect(problem).toMatchObject({ code: 'invalid-options' });
    expect(problem.message).toContain(`port ${port} on 127.0.0.1 is taken`);
    taken.close();
  });
});

const isReadable = (): boolean =>
  spawnSync('setpriv', ['--reuid', String(NOBODY), '--clear-groups', 'test', '-r', LAB]).status === 0;

describe.runIf(uid === 0 && isReadable())('a cluster of an ordinary user', () => {
  it('starts and stops just the same', () => {
    const directory = mkdtempSync(join(tmpdir(), 'lab-nobody-'));
    chownSync(directory, NOBODY, NOBODY);
    const script = join(directory, 'up.mjs');
    writeFileSync(
      script,
      `import { startLab, stopLab } from ${JSON.stringify(LAB)};
const environment = { env: process.env, uid: process.getuid() };
const { nodes } = await startLab(${JSON.stringify(options('user'))}, environment);
console.log(JSON.stringify(nodes.map(({ ready }) => ready)), await stopLab('user', environment));
`,
    );
    const output = execFileSync(
      'setpriv',
      ['--reuid', String(NOBODY), '--regid', String(NOBODY), '--clear-groups', process.execPath, script],
      {
        encoding: 'utf8',
        cwd: directory,
        env: { ...process.env, HOME: directory, SLUICE_HOME: directory, SLUICE_RUN_DIR: join(directory, 'run') },
      },
    );
    expect(output.trim()).toBe('[true] true');
    rmSync(directory, { recursive: true });
  });
});

it('is not found where there is none', async () => {
  expect(await openLab('never', environment)).toBeUndefined();
});
