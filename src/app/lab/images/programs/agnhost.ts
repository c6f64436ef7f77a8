import { createSocket } from 'node:dgram';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { hostname } from 'node:os';
import { parseArgs } from 'node:util';
import { http } from '../../../../host/http.ts';

/**
 * Stands for Kubernetes' test image `agnhost`, as far as tests of networks use it: `netexec`, `serve-hostname`,
 * `porter`, `connect` and `pause`, with their flags and outputs.
 */
const [command = 'pause', ...rest] = process.argv.slice(2);

const COMMANDS: Readonly<Record<string, (args: string[]) => void>> = {
  netexec,
  'serve-hostname': serveHostname,
  porter,
  connect: tryConnect,
  pause: () => void setInterval(() => undefined, 2 ** 30),
};

function netexec(args: string[]): void {
  const flags = flagsOf(args);
  serve(Number(flags['http-port'] ?? 8080));
  serveUdp(Number(flags['udp-port'] ?? 8081));
}

function serveHostname(args: string[]): void {
  const flags = flagsOf(args);
  const port = Number(flags['port'] ?? 9376);
  if (flags['udp'] === undefined)
    http.createServer((_request, response) => response.end(hostname())).listen(port, '::');
  else serveUdp(port);
}

/** Every variable SERVE_PORT_<n> is a port that answers with the variable's text. */
function porter(): void {
  for (const [name, text] of Object.entries(process.env)) {
    const port = /^SERVE_(?:TLS_)?PORT_(\d+)$/.exec(name)?.[1];
    if (port !== undefined) http.createServer((_request, response) => response.end(text)).listen(Number(port), '::');
  }
}

function serve(port: number): void {
  http
    .createServer((request, response) => answer(request, response))
    .listen(port, '::', () => process.stdout.write(`Started HTTP server on port ${port}\n`));
}

function answer(request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? '/', 'http://agnhost');
  const { remoteAddress = '', remotePort = 0 } = request.socket;
  const client = remoteAddress.replace(/^::ffff:/, '');
  process.stdout.write(`${request.method ?? ''} ${url.pathname} from ${client}\n`);
  switch (url.pathname) {
    case '/hostname':
    case '/hostName':
      return void response.end(hostname());
    case '/clientip':
      return void response.end(client.includes(':') ? `[${client}]:${remotePort}` : `${client}:${remotePort}`);
    case '/echo':
      return void response.end(url.searchParams.get('msg') ?? '');
    case '/healthz':
    case '/readyz':
      return void response.end('ok');
    case '/exit':
      return process.exit(Number(url.searchParams.get('code') ?? 0));
    default:
      return void response.end(`NOW: ${new Date().toISOString()}`);
  }
}

/** `hostname`, `clientip` and `echo <text>` as datagrams. */
function serveUdp(port: number): void {
  const socket = createSocket('udp6');
  socket.on('message', (message, { address, port: from }) => {
    const [word = '', ...text] = message.toString('utf8').trim().split(' ');
    const client = `${address.replace(/^::ffff:/, '')}:${from}`;
    const reply = word.toLowerCase() === 'echo' ? text.join(' ') : word === 'clientip' ? client : hostname();
    socket.send(reply, from, address);
  });
  socket.bind(port, '::', () => process.stdout.write(`Started UDP server on port ${port}\n`));
}

/** Exits 0 when connected; otherwise prints TIMEOUT, REFUSED, DNS or OTHER and exits 1. */
function tryConnect(args: string[]): void {
  const flags = flagsOf(args);
  const target = args.find((arg) => !arg.startsWith('-')) ?? '';
  const colon = target.lastIndexOf(':');
  const host = target.slice(0, colon).replace(/^\[|\]$/g, '');
  const socket = connect({ host, port: Number(target.slice(colon + 1)) });
  const fail = (reason: string): void => {
    process.stderr.write(`${reason}\n`);
    process.exit(1);
  };
  socket.setTimeout(Number.parseFloat(flags['timeout'] ?? '0') * 1000, () => fail('TIMEOUT'));
  socket.once('connect', () => process.exit(0));
  socket.once('error', ({ code }: NodeJS.ErrnoException) =>
    fail(
      code === 'ECONNREFUSED'
        ? 'REFUSED'
        : code === 'ENOTFOUND' || code === 'EAI_AGAIN'
          ? 'DNS'
          : code === 'ETIMEDOUT'
            ? 'TIMEOUT'
            : 'OTHER',
    ),
  );
}

function flagsOf(args: string[]): Readonly<Record<string, string>> {
  const { tokens } = parseArgs({ args, strict: false, tokens: true });
  return Object.fromEntries(
    tokens.flatMap((token) => (token.kind === 'option' ? [[token.name, token.value ?? 'true']] : [])),
  );
}

process.on('SIGTERM', () => process.exit(0));
const run = COMMANDS[command];
if (run === undefined) {
  process.stderr.write(`agnhost: the lab does not know the command ${command}\n`);
  process.exit(1);
}
run(rest);
