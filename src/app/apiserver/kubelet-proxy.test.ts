import { createServer, type Server } from 'node:http';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import { testCluster, type TestCluster } from './kubectl.test-support.ts';

/** A kubelet that tells what it was asked: logs as text, exec as an echo over `v5.channel.k8s.io`. */
function fakeKubelet(asked: string[]): Server {
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    if (request.url?.includes('follow=true') === true) {
      response.write('first line\n');
      setImmediate(() => response.end('second line\n'));
    } else response.end('one line\n');
  });
  const sockets = new WebSocketServer({ noServer: true, handleProtocols: (offered) => [...offered][0] ?? false });
  server.on('upgrade', (request, socket, head) => {
    asked.push(request.url ?? '', request.headers.authorization ?? 'no authorization');
    sockets.handleUpgrade(request, socket, head, (peer) => {
      const finish = (): void => {
        peer.send(Buffer.concat([Buffer.from([3]), Buffer.from('{"metadata":{},"status":"Success"}')]));
        peer.close(1000);
      };
      peer.on('message', (data: Buffer) => {
        const channel = data[0];
        // 0 is standard input; 255 says that one of the channels is closed.
        if (channel === 0) peer.send(Buffer.concat([Buffer.from([1]), data.subarray(1)]));
        if (channel === 255) finish();
      });
    });
  });
  return server;
}

let cluster: TestCluster;
let kubelet: Server;
const asked: string[] = [];
const directory = mkdtempSync(join(tmpdir(), 'sluice-kubelet-'));

beforeAll(async () => {
  const path = join(directory, 'kubelet.sock');
  kubelet = fakeKubelet(asked);
  await new Promise<void>((resolve) => kubelet.listen(path, resolve));
  cluster = await testCluster({ kubeletSocket: (node) => (node === 'node-1' ? path : undefined) });
  const run = (name: string, node: string): string =>
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name },
      spec: { nodeName: node, containers: [{ name: 'web', image: 'nginx' }] },
    });
  await cluster.ok(['create', '-f', '-'], run('here', 'node-1'));
  await cluster.ok(['create', '-f', '-'], run('lost', 'node-9'));
});
afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
  kubelet.closeAllConnections();
  kubelet.close();
  rmSync(directory, { recursive: true });
});

it('streams logs with the options of the request', async () => {
  expect(await cluster.ok(['logs', 'here', '--tail=5'])).toBe('one line\n');
  expect(await cluster.ok(['logs', '-f', 'here'])).toBe('first line\nsecond line\n');
  expect(asked[0]).toBe('/containerLogs/default/here/web?tailLines=5');
});

it('hands an exec to the kubelet of the node, without the client’s credentials', async () => {
  asked.length = 0;
  const run = await cluster.kubectl(['exec', '-i', 'here', '--', 'cat', '-'], 'round and round\n');
  expect(run).toEqual({ code: 0, out: 'round and round\n', err: '' });
  expect(asked[0]).toMatch(/^\/exec\/default\/here\/web\?command=cat&command=-&stderr=true&stdin=true&stdout=true$/);
  expect(asked[1]).toBe('no authorization');
});

it.each([
  [['logs', 'lost'], 'node node-9 has no kubelet'],
  [['exec', 'lost', '--', 'true'], 'node node-9 has no kubelet'],
  [['logs', 'here', '-c', 'other'], 'container other is not valid for pod here'],
  [['exec', 'nobody', '--', 'true'], 'pods "nobody" not found'],
])('refuses kubectl %j with one clear message', async (args, words) => {
  const { code, err } = await cluster.kubectl(args);
  expect(code).not.toBe(0);
  expect(err).toContain(words);
});
