import { expectSuccess } from '../../src/host/errno.ts';
import {
  AF_INET,
  PR_SET_PDEATHSIG,
  SOCK_CLOEXEC,
  SOCK_STREAM,
  SOL_SOCKET,
  SO_LINGER,
  accept4,
  bindSocket,
  close,
  connect,
  listen,
  prctl,
  recv,
  send,
  setsockopt,
  socket,
} from '../../src/host/libc.ts';
import { parseIp } from '../../src/base/ip/index.ts';
import { encodeSockaddr } from '../../src/host/probe/sockaddr.ts';

/** Bytes per send and receive: what bulk senders such as iperf3 use. */
const CHUNK = 128 * 1024;
const SIGKILL = 9;
const BACKLOG = 4096;

// One role per process, each a loop of blocking system calls: `accept` and `sink` serve until they are killed, `connect`
// and `stream` load a server for some milliseconds and print how many connections or bytes it was.
const [role = '', address = '', port = '', milliseconds = ''] = process.argv.slice(2);
const target = encodeSockaddr(parseIp(address)!, Number(port));
expectSuccess(prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0), 'asking to end with the benchmark');

if (role === 'accept') serve(() => undefined);
if (role === 'sink') serve(drain);
if (role === 'connect') console.log(connections(Number(milliseconds)));
if (role === 'stream') console.log(bytes(Number(milliseconds)));

function serve(use: (connection: number) => void): never {
  const listener = openSocket();
  expectSuccess(bindSocket(listener, target, target.length), `listening on ${address}:${port}`);
  expectSuccess(listen(listener, BACKLOG), `listening on ${address}:${port}`);
  console.log('ready');
  for (;;) {
    const connection = accept4(listener, null, null, SOCK_CLOEXEC);
    if (connection < 0) continue;
    use(connection);
    close(connection);
  }
}

function drain(connection: number): void {
  const buffer = new Uint8Array(CHUNK);
  while (recv(connection, buffer, CHUNK, 0) > 0);
}

function connections(during: number): number {
  const end = performance.now() + during;
  let made = 0;
  for (; performance.now() < end; made++) close(open());
  return made;
}

function bytes(during: number): number {
  const connection = open();
  const buffer = new Uint8Array(CHUNK);
  const end = performance.now() + during;
  let sent = 0;
  while (performance.now() < end) sent += expectSuccess(send(connection, buffer, CHUNK, 0), 'sending');
  close(connection);
  return sent;
}

/** A connection whose close is a reset, so that no port stays in TIME_WAIT. */
function open(): number {
  const fd = openSocket();
  setsockopt(fd, SOL_SOCKET, SO_LINGER, new Int32Array([1, 0]), 8);
  expectSuccess(connect(fd, target, target.length), `connecting to ${address}:${port}`);
  return fd;
}

function openSocket(): number {
  return expectSuccess(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), 'opening a socket');
}
