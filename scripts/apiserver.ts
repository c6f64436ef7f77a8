import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jsonLogger } from '../src/base/log.ts';
import { sqliteStore } from '../src/host/sqlite/sqlite-store.ts';
import { startApiServer } from '../src/app/apiserver/start-api-server.ts';

/** Runs the API server alone, to try things with kubectl: `node scripts/apiserver.ts [state folder]`. */
const stateDir = process.argv[2] ?? mkdtempSync(join(tmpdir(), 'sluice-api-'));
const started = performance.now();
await using server = await startApiServer(
  {
    stateDir,
    clusterName: 'sluice',
    port: 0,
    socketPath: join(stateDir, 'api.sock'),
    serviceCidrs: ['10.96.0.0/16', 'fd00:10:96::/112'],
    advertise: { addresses: ['172.30.0.1', 'fd00:30::1'], port: 6443 },
  },
  {
    store: sqliteStore(join(stateDir, 'store.db')),
    log: jsonLogger({ level: 'info' }, { write: console.error, now: () => new Date().toISOString() }),
    kubeletSocket: (node) => join(stateDir, 'nodes', node, 'kubelet.sock'),
  },
);
console.log(`ready in ${Math.round(performance.now() - started)} ms at ${server.url}`);
console.log(`export KUBECONFIG=${join(stateDir, 'kubeconfig')}`);
await new Promise<void>((resolve) => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
});
