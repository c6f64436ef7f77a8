import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer as createTcpServer } from 'node:net';
import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { linkApplets } from './applets.ts';

const BUSYBOX = ['/bin/busybox', '/usr/bin/busybox'].find(existsSync) ?? '/bin/busybox';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'applets-'));
  const applets = execFileSync(BUSYBOX, ['--list'], { encoding: 'utf8' }).trim().split('\n');
  linkApplets(directory, { path: BUSYBOX, applets }, directory);
});
afterAll(() => rmSync(directory, { recursive: true }));

/** Node gives its children sockets; a container's input is a pipe, as that of `cat`'s neighbour is. */
const PIPED = 'cat | "$0" "$@"';

const sh = (args: readonly string[], input = ''): { stdout: string; status: number | null } =>
  spawnSync(BUSYBOX, ['sh', '-c', PIPED, join(directory, 'sh'), ...args], {
    input,
    encoding: 'utf8',
    env: { PATH: `${directory}:/usr/bin:/bin` },
  });

/** Runs a program without blocking the servers of this process. */
function run(program: string, args: readonly string[], input = ''): Promise<{ code: number | null; output: string }> {
  const child = spawn(BUSYBOX, ['sh', '-c', PIPED, program, ...args], { env: { PATH: `${directory}:/usr/bin:/bin` } });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stdin.end(input);
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, output })));
}

describe('the shell of busybox images', () => {
  it('runs a command with its name and arguments', () => {
    expect(sh(['-c', 'echo "$0" "$@"; exit 3', 'name', 'a b', 'c'])).toMatchObject({
      stdout: 'name a b c\n',
      status: 3,
    });
  });

  it('keeps its flags', () => {
    expect(sh(['-ec', 'false; echo not reached'])).toMatchObject({ stdout: '', status: 1 });
  });

  it('reads commands from a pipe', () => {
    expect(sh([], 'x=5\nif [ $x = 5 ]; then\n echo five\nfi\nexit 4\n')).toMatchObject({ stdout: 'five\n', status: 4 });
  });

  it('runs a script with its arguments', () => {
    writeFileSync(join(directory, 'script.txt'), 'echo "$0:$#:$2"\n');
    expect(sh([join(directory, 'script.txt'), 'a', 'b c']).stdout).toBe(`${join(directory, 'script.txt')}:2:b c\n`);
  });
});

describe('the wget of busybox images', () => {
  type Call = readonly [program: string, args: readonly string[], input: string];
  it.each<readonly [string, (url: string) => Call]>([
    [
      'a command',
      (url: string) => [
        'sh',
        ['-c', `wget -T 5 -qO- ${url}; wget -qO- --timeout=5 ${url}; wget -qT 5 -O - ${url}`],
        '',
      ],
    ],
    ['a pipe', (url: string) => ['sh', [], `wget -T5 -qO- ${url}\nwget -O- -q ${url}\nwget -q -O - ${url} -T 5\n`]],
  ])('takes a timeout however it is written, in %s', async (_where, command) => {
    const server = createServer((_request, response) => response.end('ok\n')).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const [program, args, input] = command(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    expect(await run(join(directory, program), args, input)).toEqual({ code: 0, output: 'ok\nok\nok\n' });
    server.close();
  });

  it('gives up on a server that says nothing', async () => {
    const silent = createTcpServer(() => undefined).listen(0, '127.0.0.1');
    await new Promise((resolve) => silent.once('listening', resolve));
    const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}/`;
    expect(await run(join(directory, 'wget'), ['-q', '--timeout=1', '-O-', url])).toEqual({
      code: 1,
      output: 'wget: download timed out\n',
    });
    silent.close();
    silent.unref();
  });
});
