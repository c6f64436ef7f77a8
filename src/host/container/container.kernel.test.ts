import { existsSync, mkdirSync, mkdtempSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sethostname } from '../libc.ts';
import { enterRoot, setPropagation } from './mounts.ts';
import { inNamespaces } from './namespaces.ts';
import type { ContainerProcess, ProcessSpec } from './process.ts';
import { outputEnd, startProcess } from './process.ts';
import { assembleRoot } from './root-tree.ts';

const BUSYBOX = ['/bin/busybox', '/usr/bin/busybox'].find(existsSync) ?? '/bin/busybox';
const KINDS = ['net', 'ipc', 'uts', 'pid', 'mnt'] as const;

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'container-'));
  mkdirSync(join(directory, 'scratch'));
  mkdirSync(join(directory, 'etc'));
  writeFileSync(join(directory, 'etc', 'lower'), 'from the image\n');
});
afterAll(() => rmSync(directory, { recursive: true }));

const namespaces = (): readonly string[] => KINDS.map((kind) => readlinkSync(`/proc/thread-self/ns/${kind}`));

function spec(script: string, more: Partial<ProcessSpec> = {}): ProcessSpec {
  const prepare = (): void => {
    setPropagation('/', 'private');
    sethostname('boxed', 5);
    const root = assembleRoot({
      scratch: join(directory, 'scratch'),
      etc: join(directory, 'etc'),
      writableUsr: true,
      directories: ['/usr/share/none/such'],
      files: { '/etc/own': 'own\n', '/usr/share/none/file': 'deep\n' },
      mounts: [
        { source: '/dev', target: '/dev' },
        { source: '/proc', target: '/proc' },
        { source: join(directory, 'etc'), target: '/usr/share/mounted', readonly: true },
      ],
    });
    enterRoot(root);
  };
  return {
    placement: { create: ['net', 'ipc', 'uts', 'pid', 'mnt'], prepare },
    command: ['/bin/sh', '-c', script],
    env: { PATH: '/usr/bin:/bin' },
    cwd: '/',
    stdin: false,
    tty: false,
    busybox: BUSYBOX,
    mountProc: true,
    ...more,
  };
}

async function collect(process: ContainerProcess): Promise<{ code: number; stdout: string; stderr: string }> {
  const output = { stdout: '', stderr: '' };
  process.stdout.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()));
  process.stderr?.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()));
  const { code } = await process.exit;
  await outputEnd(process);
  return { code, ...output };
}

describe('a process in namespaces of its own', () => {
  it('is pid 1, has its own host name and network, and sees no other process', async () => {
    const { stdout } = await collect(
      startProcess(spec('echo $$; hostname; ls -d /proc/[0-9]*; cat /proc/net/dev | wc -l')),
    );
    // Two header lines and lo.
    expect(stdout.split('\n').filter((line) => !/^\/proc\/[2-9]/.test(line))).toEqual([
      '1',
      'boxed',
      '/proc/1',
      '3',
      '',
    ]);
    expect(hostname()).not.toBe('boxed');
  });

  it('may write anywhere without the host or the image noticing', async () => {
    const script =
      'cat /etc/lower /etc/own /usr/share/none/file; echo x > /etc/lower; echo x > /usr/share/none/such/f; echo x > /new';
    expect(await collect(startProcess(spec(`${script}; cat /new`)))).toEqual({
      code: 0,
      stdout: 'from the image\nown\ndeep\nx\n',
      stderr: '',
    });
    expect((await collect(startProcess(spec('cat /etc/lower')))).stdout).toBe('from the image\n');
    expect(existsSync('/usr/share/none')).toBe(false);
  });

  it('cannot write to what is mounted read-only, nor see the rest of the host', async () => {
    const { code, stdout } = await collect(
      startProcess(spec('echo x > /usr/share/mounted/lower || ls -a / /.old-root')),
    );
    expect(code).not.toBe(0);
    expect(stdout).not.toContain('.old-root');
    expect(stdout).not.toContain('home');
  });

  it('can open its output again by name, which a socket would not allow', async () => {
    const result = await collect(startProcess(spec('echo out > /dev/stdout; echo err > /dev/stderr; exit 7')));
    expect(result).toEqual({ code: 7, stdout: 'out\n', stderr: 'err\n' });
  });

  it('reads what is written to it until the end', async () => {
    const process = startProcess(spec('cat', { stdin: true }));
    process.stdin?.end('one\ntwo\n');
    expect((await collect(process)).stdout).toBe('one\ntwo\n');
  });

  it('has a controlling terminal of the given size when it asks for one', async () => {
    const process = startProcess(spec('read go; tty; stty size; echo hi > /dev/tty', { stdin: true, tty: true }));
    process.resize(132, 43);
    process.stdin?.write('go\n');
    const { stdout } = await collect(process);
    expect(stdout.replaceAll('\r', '')).toMatch(/\/dev\/pts\/\d+\n43 132\nhi\n$/);
  });

  it('takes everything it has started with it when it is killed', async () => {
    const process = startProcess(spec('sleep 1000 & sleep 1000 & echo started; wait'));
    await new Promise((resolve) => process.stdout.once('data', resolve));
    process.kill('SIGKILL');
    // Its children hold the output open: the end of the stream is their end.
    const ended = new Promise((resolve) => process.stdout.once('close', resolve));
    process.stdout.resume();
    process.stderr?.resume();
    expect(await process.exit).toEqual({ code: 137, signal: 'SIGKILL' });
    await ended;
  });

  it('can be joined by another one', async () => {
    const first = startProcess(spec('echo mine > /tmp/file; echo ready; sleep 1000'));
    await new Promise((resolve) => first.stdout.once('data', resolve));
    const path = (kind: string): string => `/proc/${first.pid}/ns/${kind}`;
    const join_ = { net: path('net'), uts: path('uts'), pid: path('pid'), mnt: path('mnt') };
    const second = spec('cat /tmp/file; hostname; ls -d /proc/1', { placement: { join: join_ }, mountProc: false });
    expect((await collect(startProcess(second))).stdout).toBe('mine\nboxed\n/proc/1\n');
    first.kill('SIGKILL');
    await collect(first);
  });
});

describe('the thread that starts processes elsewhere', () => {
  it('is at home again afterwards, even when something failed on the way', () => {
    const before = namespaces();
    const fail = (): never => {
      throw new Error('on purpose');
    };
    expect(() => inNamespaces({ create: ['net', 'uts', 'mnt', 'pid'], prepare: fail }, () => undefined)).toThrow(
      'on purpose',
    );
    expect(() => inNamespaces({ join: { net: '/proc/self/ns/none' } }, () => undefined)).toThrow('no namespace at');
    expect(() => startProcess(spec('true', { command: ['/no/such/program'], mountProc: false }))).toThrow(
      'cannot execute',
    );
    expect(namespaces()).toEqual(before);
  });
});
