import type { ChildProcess } from 'node:child_process';
import { eventually, type TestCluster } from './harness.ts';

/** A live TCP connection between two busybox pods over which lines go to and fro all the time. */
export class EchoStream implements Disposable {
  readonly #server: ChildProcess;
  readonly #client: ChildProcess;
  #lines = 0;
  #lastAt = 0;

  private constructor(server: ChildProcess, client: ChildProcess) {
    this.#server = server;
    this.#client = client;
    client.stdout?.on('data', (chunk: Buffer) => {
      this.#lines += chunk.toString().split('\n').length - 1;
      this.#lastAt = performance.now();
    });
  }

  /** Opens a connection from pod to pod and waits until lines come back. */
  static async open(cluster: TestCluster, from: string, to: string, port: number): Promise<EchoStream> {
    const exec = (key: string, command: string): ChildProcess => {
      const [namespace = '', name = ''] = key.split('/');
      return cluster.spawn(`exec -i -n ${namespace} ${name} -- ${command}`);
    };
    const server = exec(to, `nc -ll -p ${port} -e cat`);
    const address = await cluster.address(to);
    const client = exec(
      from,
      `sh -c 'while true; do echo x; sleep 0.1; done | until nc ${address} ${port}; do sleep 0.1; done'`,
    );
    const stream = new EchoStream(server, client);
    await stream.flows();
    return stream;
  }

  /** Waits for ten more lines to come back. */
  async flows(): Promise<void> {
    const goal = this.#lines + 10;
    await eventually(() => {
      if (this.#lines < goal) throw new Error(`only ${this.#lines} of ${goal} lines came back`);
    });
  }

  /** Waits until nothing has come back for 1.5 s, fifteen times as long as between two lines. */
  async stalls(): Promise<void> {
    await eventually(() => {
      if (performance.now() - this.#lastAt < 1500) throw new Error(`lines still come back (${this.#lines})`);
    });
  }

  [Symbol.dispose](): void {
    this.#client.kill('SIGKILL');
    this.#server.kill('SIGKILL');
  }
}
