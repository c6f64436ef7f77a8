import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';

/** Programs in network namespaces: those of pods, of nodes and of the router. */
export class NamespacePrograms {
  readonly #children = new Set<ChildProcess>();

  /** Runs a program inside a namespace; resolves to its exit code and output. */
  run(netns: string, command: readonly string[]): Promise<{ readonly code: number; readonly output: string }> {
    return new Promise((resolve) => {
      execFile('nsenter', [`--net=${netns}`, ...command], { timeout: 120_000 }, (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
        resolve({ code, output: stdout + stderr });
      });
    });
  }

  /** Starts a program inside a namespace; it ends with the cluster. */
  start(netns: string, command: readonly string[]): ChildProcess {
    const child = spawn('nsenter', [`--net=${netns}`, ...command], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#children.add(child);
    child.on('exit', () => this.#children.delete(child));
    return child;
  }

  /** Asks UDP port 80 of `address` again and again over one socket; the function returned tells the last answer. */
  converse({ netns }: Place, address: string, port = 80): () => string {
    const client = this.start(netns, [
      process.execPath,
      '-e',
      `const socket = require('dgram').createSocket('udp4');
       socket.on('message', (data) => console.log(String(data)));
       setInterval(() => socket.send('hello', ${port}, '${address}'), 50);`,
    ]);
    let last = '';
    client.stdout!.on('data', (chunk: Buffer) => (last = chunk.toString()));
    return () => last;
  }

  /** Starts a server in the pod that answers `NAME ADDRESS-OF-THE-CLIENT` on port 8080, over TCP and UDP. */
  serve({ name, netns }: Place & { readonly name: string }, family: 4 | 6 = 4): void {
    const script = join(import.meta.dirname, '../../../test/interop/rig/echo-peer.ts');
    const command = [`--net=${netns}`, process.execPath, script, name, '8080', String(family)];
    // It ends with its input.
    const child = spawn('nsenter', command, { stdio: ['pipe', 'ignore', 'inherit'] });
    this.#children.add(child);
    child.on('exit', () => this.#children.delete(child));
  }

  /** Whether one echo request is answered within a second. */
  async pings(netns: string, address: string): Promise<boolean> {
    return (await this.run(netns, ['ping', '-c', '1', '-W', '1', address])).code === 0;
  }

  /** Ends all that was started and still runs. */
  protected endPrograms(): void {
    for (const child of this.#children) child.kill('SIGKILL');
  }
}

interface Place {
  /** Path of the namespace. */
  readonly netns: string;
}
