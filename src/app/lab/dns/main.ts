import { createSocket } from 'node:dgram';
import type { Socket } from 'node:net';
import { createServer } from 'node:net';
import { http } from '../../../host/http.ts';
import { httpKubeClient } from '../../../host/kube-client/http-client.ts';
import { inClusterConfig } from '../../../host/kube-client/in-cluster.ts';
import { UNDERLAY } from '../universe/topology.ts';
import { clusterView } from './cluster-view.ts';
import { respond } from './respond.ts';
import type { DnsView } from './zone.ts';
import { keepCompileCache } from '../../../host/exec/keep-compile-cache.ts';

/** Entry point: the program of the image `coredns`. Serves the cluster's names on UDP and TCP 53. */
const { ipv4, ipv6 } = UNDERLAY.outside.host;
const { view, synced } = clusterView(
  httpKubeClient(inClusterConfig(process.env)),
  { domain: process.env['CLUSTER_DOMAIN'] ?? 'cluster.local', outside: { 'outside.example': [ipv4, ipv6] } },
  new AbortController().signal,
);
let isReady = false;
http
  .createServer((request, response) => {
    const ok = request.url === '/health' || isReady;
    response.writeHead(ok ? 200 : 503).end(ok ? 'OK' : 'not synced with the API yet');
  })
  .listen(8080, '::');
keepCompileCache();
process.on('SIGTERM', () => process.exit(0));
await synced;
serveUdp(view);
serveTcp(view);
isReady = true;
process.stdout.write('serving cluster.local on port 53\n');

function serveUdp(answers: DnsView): void {
  const socket = createSocket('udp6');
  socket.on('message', (message, { address, port }) => {
    const response = respond(answers, message, 'udp');
    if (response !== undefined) socket.send(response, port, address);
  });
  socket.bind(53, '::');
}

function serveTcp(answers: DnsView): void {
  createServer((socket) => {
    // A client that resets, or says nothing for long, is none of our business.
    socket.on('error', () => undefined);
    socket.setTimeout(10_000, () => socket.destroy());
    let pending: Buffer = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      pending = takeMessages(Buffer.concat([pending, chunk]), socket, answers);
    });
  }).listen(53, '::');
}

/** Answers every complete message (two bytes of length in front, RFC 1035 §4.2.2) and returns the rest. */
function takeMessages(data: Buffer, socket: Socket, answers: DnsView): Buffer {
  let rest = data;
  while (rest.length >= 2 && rest.length >= 2 + rest.readUInt16BE()) {
    const length = rest.readUInt16BE();
    const response = respond(answers, rest.subarray(2, 2 + length), 'tcp');
    rest = rest.subarray(2 + length);
    if (response === undefined) continue;
    const prefix = Buffer.alloc(2);
    prefix.writeUInt16BE(response.length);
    socket.write(Buffer.concat([prefix, response]));
  }
  return rest;
}
