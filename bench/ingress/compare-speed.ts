import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { median } from '../harness.ts';
import { HOST, PROXY, startCluster } from './cluster.ts';

/** So short that what else the machine does meets both sides of a round alike, and so many that chance evens out. */
const ROUNDS = 80;
/** How a process lies in memory makes it one part in a hundred quicker or slower: all of them are started anew so often. */
const STARTS = 5;
const REQUESTS = 400;
const CONNECTIONS = 8;
/** Where the proxies with the configuration written by hand listen. */
const BY_HAND_PORTS = [8081, 8082, 8083] as const;
const SERVER = '127.1.0.1';

/** Requests per second of HAProxy's processor time, medians; ratios are medians of rounds. */
export interface Speeds {
  readonly ours: number;
  readonly byHand: number;
  readonly ratio: number;
  /** The ratio of the configuration written by hand to itself, in another process: how true the other one is. */
  readonly control: number;
}

/**
 * What a person would write who wants the same: one host, its servers, and who asks. The server behind both is a third
 * HAProxy, so that it costs little.
 */
const byHandConfig = (port: number): string => `global
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  timeout http-keep-alive 75s
frontend by-hand
  bind ${PROXY}:${port}
  http-request set-header X-Forwarded-For %[src]
  http-request set-header X-Real-IP %[src]
  http-request set-header X-Forwarded-Host %[req.hdr(host)]
  http-request set-header X-Forwarded-Port %[dst_port]
  http-request set-header X-Forwarded-Proto http
  acl bench hdr(host),host_only,lower -m str ${HOST}
  use_backend bench if bench { path_beg / }
  http-request return status 404 unless bench
backend bench
  balance roundrobin
  server s1 ${SERVER}:8080
`;
const SERVES = `global
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend server
  bind ${SERVER}:8080
  http-request return status 200 content-type text/plain string ok
`;

/**
 * Sides are asked in turn; processor time counts, since clients and servers share the processors with the proxies. All
 * are on one processor: each HAProxy has one thread then, and how requests meet in it is not left to chance.
 */
export async function compareSpeed(): Promise<Speeds> {
  stayOnOneProcessor();
  const all: Round[] = [];
  const same: Round[] = [];
  for (let start = 0; start < STARTS; start++) {
    await using sides = await startSides();
    all.push(...(await compare(sides.ours, sides.byHand)));
    same.push(...(await compare(...sides.control)));
  }
  return {
    ours: median(all.map(([ours]) => ours)),
    byHand: median(all.map(([, byHand]) => byHand)),
    ratio: ratioOf(all),
    control: ratioOf(same),
  };
}

interface Sides extends AsyncDisposable {
  readonly ours: Side;
  readonly byHand: Side;
  readonly control: readonly [Side, Side];
}

async function startSides(): Promise<Sides> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
  await using stack = new AsyncDisposableStack();
  stack.defer(() => rmSync(folder, { recursive: true, force: true }));
  stack.use(await startHaproxy(folder, 'server', SERVES, [SERVER, 8080]));
  const byHand = async (port: number): Promise<Side> => {
    const { pid } = stack.use(await startHaproxy(folder, `by-hand-${port}`, byHandConfig(port), [PROXY, port]));
    return { pid, clients: stack.use(new Clients(port)) };
  };
  const [first, ...control] = BY_HAND_PORTS;
  const sides = { byHand: await byHand(first), control: [await byHand(control[0]), await byHand(control[1])] } as const;
  const cluster = stack.use(await startCluster([SERVER]));
  await untilListening(PROXY, 80);
  const ours: Side = { pid: await cluster.worker(), clients: stack.use(new Clients(80)) };
  const started = stack.move();
  return { ...sides, ours, [Symbol.asyncDispose]: () => started.disposeAsync() };
}

interface Side {
  readonly pid: number;
  readonly clients: Clients;
}

/** The speeds of two sides, one right after the other. */
type Round = readonly [number, number];

/** Each side goes first in every other round. */
async function compare(left: Side, right: Side): Promise<readonly Round[]> {
  const sides = [left, right].map((side) => ({ ...side, speeds: [] as number[] }));
  for (let round = -1; round < ROUNDS; round++)
    for (const { pid, clients, speeds } of round % 2 === 0 ? sides : sides.toReversed()) {
      const before = processorTime(pid);
      await clients.ask(REQUESTS);
      // The first round is for warming up.
      if (round >= 0) speeds.push(REQUESTS / (processorTime(pid) - before));
    }
  const [ours, theirs] = sides.map(({ speeds }) => speeds) as [number[], number[]];
  return ours.map((speed, round): Round => [speed, theirs[round]!]);
}

function ratioOf(rounds: readonly Round[]): number {
  return median(rounds.map(([left, right]) => left / right));
}

/** This process and all that it starts from now on. */
function stayOnOneProcessor(): void {
  const [, first] = /^Cpus_allowed_list:\s*(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))!;
  execFileSync('taskset', ['--all-tasks', '--cpu-list', '--pid', first!, `${process.pid}`], { stdio: 'ignore' });
}

async function startHaproxy(
  folder: string,
  name: string,
  config: string,
  [host, port]: readonly [string, number],
): Promise<AsyncDisposable & { readonly pid: number }> {
  const file = join(folder, `${name}.cfg`);
  writeFileSync(file, config);
  const child = spawn('setpriv', ['--pdeathsig', 'TERM', '/usr/sbin/haproxy', '-db', '-f', file], { stdio: 'ignore' });
  await untilListening(host, port);
  return {
    pid: child.pid!,
    [Symbol.asyncDispose]: async () => {
      const gone = once(child, 'exit');
      child.kill();
      await gone;
    },
  };
}

async function untilListening(host: string, port: number): Promise<void> {
  for (;;) {
    const socket = connect(port, host);
    const isOpen = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (isOpen) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Time that a process's threads have run, in seconds (sched-stats.rst: the first number, nanoseconds). */
function processorTime(pid: number): number {
  const folder = `/proc/${pid}/task`;
  const times = readdirSync(folder).map((thread) =>
    Number(readFileSync(`${folder}/${thread}/schedstat`, 'utf8').split(' ')[0]),
  );
  return times.reduce((sum, time) => sum + time, 0) / 1e9;
}

/** Clients that keep their connections and send on each one request after the other. */
class Clients implements AsyncDisposable {
  readonly #sockets: readonly Socket[];

  constructor(port: number) {
    this.#sockets = Array.from({ length: CONNECTIONS }, () => connect({ port, host: PROXY, noDelay: true }));
  }

  async ask(requests: number): Promise<void> {
    await Promise.all(this.#sockets.map((socket) => askOn(socket, Math.ceil(requests / CONNECTIONS))));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#sockets.map((socket) => once(socket.destroy(), 'close')));
  }
}

function askOn(socket: Socket, requests: number): Promise<void> {
  const request = `GET /some/path HTTP/1.1\r\nHost: ${HOST}\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n`;
  return new Promise((resolve, reject) => {
    let left = requests;
    const closed = (): void => reject(new Error('the proxy closed a connection'));
    const answered = (piece: Buffer): void => {
      if (!piece.toString('latin1').startsWith('HTTP/1.1 200')) reject(new Error(piece.toString()));
      else if (--left > 0) socket.write(request);
      else {
        socket.off('data', answered).off('error', reject).off('close', closed);
        resolve();
      }
    };
    socket.on('data', answered).on('error', reject).on('close', closed).write(request);
  });
}
