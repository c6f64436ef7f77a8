import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { startApiServer } from '../../src/app/apiserver/start-api-server.ts';
import { silentLogger } from '../../src/base/log.ts';
import { httpKubeClient } from '../../src/host/kube-client/http-client.ts';
import { loadKubeconfig } from '../../src/host/kube-client/kubeconfig.ts';
import { CUSTOM_RESOURCE_DEFINITIONS, IP_POOLS, IPAM_CONFIGS } from '../../src/host/kube-client/resources.ts';
import type { KubeObject } from '../../src/host/kube-client/types.ts';
import { sqliteStore } from '../../src/host/sqlite/sqlite-store.ts';

/**
 * The embedded API server as a process of its own, with the definitions of the install manifest and one pool:
 * `api-server.ts STATE_FOLDER POOL_CIDR`. Prints one line when it is ready and ends when its stdin does.
 */
const [stateDir = '', cidr = ''] = process.argv.slice(2);
await using _server = await startApiServer(
  {
    stateDir,
    clusterName: 'bench',
    port: 0,
    serviceCidrs: ['10.96.0.0/16'],
    advertise: { addresses: ['172.30.0.1'], port: 6443 },
  },
  { store: sqliteStore(join(stateDir, 'store.db')), log: silentLogger, kubeletSocket: () => undefined },
);
const client = httpKubeClient(await loadKubeconfig(join(stateDir, 'kubeconfig')));
const manifest = readFileSync(join(import.meta.dirname, '../../deploy/sluice.yaml'), 'utf8');
for (const document of parseAllDocuments(manifest)) {
  const object = document.toJS() as KubeObject;
  if (object.kind === 'CustomResourceDefinition') await client.create(CUSTOM_RESOURCE_DEFINITIONS, object);
}
await client.create(IP_POOLS, { metadata: { name: 'pods' }, spec: { cidr } } as object);
await client.create(IPAM_CONFIGS, { metadata: { name: 'default' }, spec: { maxBlocksPerHost: 256 } } as object);
client.close();
process.stdout.write('ready\n');
process.stdin.resume();
await new Promise((resolve) => process.stdin.once('end', resolve));
