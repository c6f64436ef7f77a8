import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startTestApiServer } from '../../src/app/apiserver/api-server.test-support.ts';
import type { ApiServer } from '../../src/app/apiserver/start-api-server.ts';
import { describeKubeClient } from '../../src/host/kube-client/contract.ts';
import { httpKubeClient } from '../../src/host/kube-client/http-client.ts';
import { loadKubeconfig } from '../../src/host/kube-client/kubeconfig.ts';

async function withServer(): Promise<{ server: ApiServer; stateDir: string; close: () => Promise<void> }> {
  const stateDir = mkdtempSync(join(tmpdir(), 'sluice-contract-'));
  const server = await startTestApiServer(stateDir, {
    clusterName: 'contract',
    socketPath: join(stateDir, 'api.sock'),
  });
  const close = async (): Promise<void> => {
    await server[Symbol.asyncDispose]();
    rmSync(stateDir, { recursive: true });
  };
  return { server, stateDir, close };
}

describeKubeClient('the embedded API server, in process', async () => {
  const { server, close } = await withServer();
  return { client: server.client, close };
});

describeKubeClient('the embedded API server over HTTPS with the admin’s certificate', async () => {
  const { stateDir, close } = await withServer();
  const client = httpKubeClient(await loadKubeconfig(join(stateDir, 'kubeconfig')));
  return { client, close: () => (client.close(), close()) };
});

describeKubeClient('the embedded API server over its unix socket with a token', async () => {
  const { server, stateDir, close } = await withServer();
  const token = server.tokenFor('tester', ['system:masters']);
  const client = httpKubeClient({ server: server.url, ca: server.ca, token, socketPath: join(stateDir, 'api.sock') });
  return { client, close: () => (client.close(), close()) };
});
