import type { ChildProcess } from 'node:child_process';
import type { TestCluster } from '../../../src/app/agent/cluster.test-support.ts';
import { eventually } from '../../../src/app/agent/cluster.test-support.ts';

/** A network namespace with an address. */
interface End {
  readonly netns: string;
  readonly ip: string;
}

const PORT = 7000;

/** Serves the far end of {@link Conversation}s, until the cluster ends. */
export function answer(cluster: TestCluster, { netns }: End): void {
  cluster.start(netns, [
    process.execPath,
    '-e',
    `require('net').createServer((socket) => socket.on('error', () => {}).pipe(socket)).listen(${PORT});`,
  ]);
}

/** One TCP connection on which numbers go to and fro all the time. It is never opened again. */
export class Conversation {
  #said = 0;
  #end = '';

  constructor(cluster: TestCluster, from: End, to: End) {
    const program = `
      const open = () => {
        const socket = require('net').connect(${PORT}, '${to.ip}');
        let isOpen = false;
        socket.on('error', (error) => isOpen ? console.log('ended ' + error.code) : setTimeout(open, 100));
        socket.on('end', () => console.log('ended'));
        socket.on('data', (data) => console.log('heard ' + data.length));
        socket.on('connect', () => { isOpen = true; setInterval(() => socket.write('x'), 50); });
      };
      open();`;
    const child = cluster.start(from.netns, [process.execPath, '-e', program]);
    onLine(child, (line) => {
      if (line.startsWith('ended')) this.#end = line;
      else this.#said++;
    });
  }

  /** Waits until more has gone to and fro; throws if the connection has ended. */
  async goesOn(): Promise<void> {
    const goal = this.#said + 5;
    await eventually(() => {
      if (this.#end !== '') throw new Error(`the connection has ${this.#end}`);
      return this.#said >= goal;
    });
  }
}

/** Tells which datagrams reach an address, by their senders and what they say. */
export class Witness {
  readonly #cluster: TestCluster;
  readonly #end: End;
  readonly #seen = new Set<string>();

  private constructor(cluster: TestCluster, end: End) {
    this.#cluster = cluster;
    this.#end = end;
  }

  /** Resolves when nothing can be missed any more. */
  static async at(cluster: TestCluster, end: End): Promise<Witness> {
    const witness = new Witness(cluster, end);
    const program = `
      const socket = require('dgram').createSocket('udp4');
      socket.on('message', (text, { address }) => console.log(address + ' ' + text));
      socket.bind(${PORT}, () => console.log('ready'));`;
    onLine(cluster.start(end.netns, [process.execPath, '-e', program]), (line) => witness.#seen.add(line));
    await eventually(() => witness.#seen.has('ready'));
    return witness;
  }

  /** From now on `from` says it again and again, each time as a new flow. */
  async send(from: End, text: string): Promise<void> {
    const program = `
      setInterval(() => {
        const socket = require('dgram').createSocket('udp4');
        socket.on('error', () => {});
        socket.send('${text}', ${PORT}, '${this.#end.ip}', () => { socket.close(); console.log('sent'); });
      }, 20);`;
    const child = this.#cluster.start(from.netns, [process.execPath, '-e', program]);
    let isSent = false;
    onLine(child, () => (isSent = true));
    await eventually(() => isSent);
  }

  /** Whether any such datagram has come. */
  hasHeard({ ip }: End, text: string): boolean {
    return this.#seen.has(`${ip} ${text}`);
  }
}

function onLine(child: ChildProcess, listener: (line: string) => void): void {
  let rest = '';
  child.stdout!.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString()).split('\n');
    rest = lines.pop()!;
    for (const line of lines) listener(line);
  });
}
