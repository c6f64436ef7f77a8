import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { quantile } from '../harness.ts';
import { HOST, PROXY, startCluster } from './cluster.ts';

const ROUNDS = 40;
const REQUESTS = 2000;
const CONNECTIONS = 8;
/** What else the machine does makes rounds slower and never faster: near the best is what the proxy itself needs. */
const UNDISTURBED = 0.9;
/** Where the proxy with the configuration written by hand listens. */
const BY_HAND_PORT = 8081;
const SERVER = '127.1.0.1';

/** Requests per second of HAProxy's processor time, in rounds that little disturbed; and their ratio. */
export interface Speeds {
  readonly ours: number;
  readonly byHand: number;
  readonly ratio: number;
}

/**
 * What a person would write who wants the same: one host, its servers, and who asks. The server behind both is a third
 * HAProxy, so that it costs little.
 */
const BY_HAND = `global
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  timeout http-keep-alive 75s
frontend by-hand
  bind ${PROXY}:${BY_HAND_PORT}
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

/** Both are asked in turn; processor time counts, since on two processors clients and servers share them with the proxy. */
export async function compareSpeed(): Promise<Speeds> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
  await using stack = new AsyncDisposableStack();
  stack.defer(() => rmSync(folder, { recursive: true, force: true }));
  stack.use(await startHaproxy(folder, 'server', SERVES, [SERVER, 8080]));
  const byHand = stack.use(await startHaproxy(folder, 'by-hand', BY_HAND, [PROXY, BY_HAND_PORT]));
  const cluster = stack.use(await startCluster([SERVER]));
  await untilListening(PROXY, 80);
  for (const port of [80, BY_HAND_PORT]) await load(port, REQUESTS);
  const sides = [
    { port: 80, pid: await cluster.worker(), speeds: [] as number[] },
    { port: BY_HAND_PORT, pid: byHand.pid, speeds: [] as number[] },
  ] as const;
  for (let round = 0; round < ROUNDS; round++)
    for (const side of round % 2 === 0 ? sides : [...sides].reverse()) {
      const before = processorTime(side.pid);
      await load(side.port, REQUESTS);
      side.speeds.push(REQUESTS / (processorTime(side.pid) - before));
    }
  const [ours, byHandBest] = sides.map(({ speeds }) => quantile(speeds, UNDISTURBED)) as [number, number];
  return { ours, byHand: byHandBest, ratio: ours / byHandBest };
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

/** Asks over some kept connections, on each one request after the other. */
async function load(port: number, requests: number): Promise<void> {
  const each = Math.ceil(requests / CONNECTIONS);
  await Promise.all(Array.from({ length: CONNECTIONS }, () => askOnOneConnection(port, each)));
}

function askOnOneConnection(port: number, requests: number): Promise<void> {
  const request = `GET /some/path HTTP/1.1\r\nHost: ${HOST}\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n`;
  return new Promise((resolve, reject) => {
    let left = requests;
    const socket = connect(port, PROXY, () => socket.write(request));
    socket
      .once('error', reject)
      .once('close', () => (left > 0 ? reject(new Error('the proxy closed a connection')) : resolve()))
      .on('data', (piece) => {
        if (!piece.toString('latin1').startsWith('HTTP/1.1 200')) socket.destroy(new Error(piece.toString()));
        else if (--left > 0) socket.write(request);
        else socket.destroy();
      });
  });
}
