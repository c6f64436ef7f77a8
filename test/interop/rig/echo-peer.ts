import { createSocket } from 'node:dgram';
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';

/**
 * Runs inside one network namespace. Serves on the port given as argument, over TCP and UDP: answers with its own name
 * and the address that the client comes from. Commands on stdin, one JSON object per line, make it a client.
 */
export interface PeerCommand {
  readonly id: number;
  readonly protocol: 'tcp' | 'udp';
  readonly address: string;
  readonly port: number;
  /** Milliseconds until the answer is `timeout`. */
  readonly patience: number;
}

const [name, port] = [process.argv[2]!, Number(process.argv[3])];
const family = process.argv[4] === '6' ? 'udp6' : 'udp4';
const any = process.argv[4] === '6' ? '::' : '0.0.0.0';

createServer((socket) => socket.on('error', () => undefined).end(`${name} ${socket.remoteAddress}`)).listen(port, any);
const udp = createSocket(family);
udp.on('message', (_message, from) => udp.send(`${name} ${from.address}`, from.port, from.address));
udp.bind(port, any, () => answer({ ready: true }));
createInterface({ input: process.stdin }).on('line', (line) => run(JSON.parse(line) as PeerCommand));
process.stdin.on('end', () => process.exit(0));

function answer(value: object): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

function run({ id, protocol, address, port: to, patience }: PeerCommand): void {
  const timer = setTimeout(() => finish('timeout'), patience);
  let text = '';
  const close = protocol === 'tcp' ? overTcp() : overUdp();
  function overTcp(): () => void {
    const socket = connect({ host: address, port: to });
    socket.on('data', (data: Buffer) => (text += data.toString()));
    socket.on('end', () => finish(text));
    socket.on('error', (error: NodeJS.ErrnoException) => finish(error.code ?? 'error'));
    return () => socket.destroy();
  }
  function overUdp(): () => void {
    const socket = createSocket(family);
    socket.on('error', (error: NodeJS.ErrnoException) => finish(error.code ?? 'error'));
    socket.on('message', (data) => finish(data.toString()));
    socket.connect(to, address, () => socket.send('hello'));
    return () => socket.close();
  }
  let done = false;
  function finish(result: string): void {
    if (done) return;
    done = true;
    clearTimeout(timer);
    close();
    answer({ id, result });
  }
}
