import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/** Network namespaces by name, each held by a process; they vanish with their interfaces when it ends. Needs root. */
export class Namespaces implements AsyncDisposable {
  readonly #holders = new Map<string, ChildProcess>();

  static async create(names: readonly string[]): Promise<Namespaces> {
    const namespaces = new Namespaces();
    await Promise.all(names.map((name) => namespaces.#hold(name)));
    return namespaces;
  }

  /** The namespace's file. */
  path(name: string): string {
    return `/proc/${this.pid(name)}/ns/net`;
  }

  pid(name: string): number {
    return this.#holders.get(name)!.pid!;
  }

  /** Runs a shell script inside; a failing command fails it. */
  run(name: string, script: string): void {
    const enter = [`--net=${this.path(name)}`, 'sh', '-ec', script];
    execFileSync('nsenter', enter, { stdio: ['ignore', 'ignore', 'inherit'] });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const alive = [...this.#holders.values()].filter((each) => each.exitCode === null);
    for (const holder of alive) holder.stdin!.end();
    await Promise.all(alive.map((each) => once(each, 'exit')));
  }

  async #hold(name: string): Promise<void> {
    const script = 'echo ready; read line';
    const holder = spawn('unshare', ['--net', 'sh', '-c', script], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#holders.set(name, holder);
    await once(holder.stdout!, 'data');
  }
}
