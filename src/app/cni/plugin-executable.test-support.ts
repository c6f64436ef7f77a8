import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** The compiled plugin; built when its sources have changed. */
export function builtPlugin(): string {
  const build = spawnSync(process.execPath, [join(root, 'scripts/build-cni.ts')], { encoding: 'utf8' });
  if (build.status !== 0) throw new Error(`${build.stdout}${build.stderr}`);
  return join(root, 'build/cni/sluice');
}

/** How one run of an executable ended. */
export interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs an executable with exactly this environment. */
export function run(path: string, env: Readonly<Record<string, string>>, stdin: string, cwd = '/'): Promise<Run> {
  return new Promise((resolve, reject) => {
    const child = spawn(path, [], { env, cwd, stdio: 'pipe' });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
    child.stdin.on('error', () => undefined).end(stdin);
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}

/** A directory for sockets and notes, and an agent that `reply` plays; undefined hangs up without an answer. */
export class FakeAgent implements AsyncDisposable {
  readonly directory = mkdtempSync(join(tmpdir(), 'sluice-cni-'));
  readonly socket = join(this.directory, 'cni.sock');
  readonly lines: string[] = [];
  private readonly server;

  private constructor(reply: (line: string) => Promise<string | undefined>) {
    this.server = createServer((connection) => {
      let received = '';
      connection.setEncoding('utf8').on('data', (chunk: string) => {
        received += chunk;
        const end = received.indexOf('\n');
        if (end < 0) return;
        this.lines.push(received.slice(0, end));
        void reply(received.slice(0, end)).then((answer) =>
          answer === undefined ? connection.destroy() : connection.end(answer),
        );
      });
      connection.on('error', () => undefined);
    });
  }

  static async start(reply: (line: string) => Promise<string | undefined>): Promise<FakeAgent> {
    const agent = new FakeAgent(reply);
    await new Promise<void>((resolve) => agent.server.listen(agent.socket, resolve));
    return agent;
  }

  /** Stops listening; the directory stays until disposal. */
  async stop(): Promise<void> {
    if (!this.server.listening) return;
    await new Promise((resolve) => this.server.close(resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }
}
