import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { startApiServer } from '../../src/app/apiserver/start-api-server.ts';
import { silentLogger } from '../../src/base/log.ts';
import {
  CUSTOM_RESOURCE_DEFINITIONS,
  IP_POOLS,
  NETWORK_POLICIES,
  NODES,
  PODS,
} from '../../src/host/kube-client/resources.ts';
import type { KubeObject } from '../../src/host/kube-client/types.ts';
import { sqliteStore } from '../../src/host/sqlite/sqlite-store.ts';

/**
 * The cluster's API for the node under measurement: `api-server.ts DIRECTORY PODS POLICIES`. Every pod that will be
 * added exists and is selected by a policy of its own label and by a default-deny. Prints a line when it is ready.
 */
const [directory = '', pods = '0', policies = '0'] = process.argv.slice(2);
const { client } = await startApiServer(
  {
    stateDir: directory,
    clusterName: 'bench',
    port: 0,
    serviceCidrs: ['10.96.0.0/16'],
    advertise: { addresses: ['172.30.1.11'], port: 6443 },
  },
  { store: sqliteStore(join(directory, 'store.db')), log: silentLogger, kubeletSocket: () => undefined },
);
const manifest = readFileSync(join(import.meta.dirname, '../../deploy/sluice.yaml'), 'utf8');
for (const document of parseAllDocuments(manifest)) {
  const object = document.toJS() as KubeObject;
  if (object.kind === 'CustomResourceDefinition') await client.create(CUSTOM_RESOURCE_DEFINITIONS, object);
}
await client.create(NODES, { apiVersion: 'v1', kind: 'Node', metadata: { name: 'bench' } });
const addresses = [{ type: 'InternalIP', address: '172.30.1.11' }];
await client.updateStatus(NODES, {
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'bench' },
  status: { addresses },
} as object);
await client.create(IP_POOLS, {
  apiVersion: 'crd.projectcalico.org/v1',
  kind: 'IPPool',
  metadata: { name: 'pool' },
  spec: { cidr: '10.244.0.0/16', natOutgoing: true },
} as object);
await createPolicies(Number(policies));
await createPods(Number(pods), Number(policies));
console.log('ready');

async function createPolicies(count: number): Promise<void> {
  const policy = (name: string, spec: object): object => ({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name, namespace: 'default' },
    spec,
  });
  await client.create(NETWORK_POLICIES, policy('deny', { podSelector: {}, policyTypes: ['Ingress'] }));
  for (let i = 0; i < count; i++) {
    const podSelector = { matchLabels: { app: `app-${i}` } };
    const ingress = [{ from: [{ podSelector }], ports: [{ protocol: 'TCP', port: 80 }] }];
    await client.create(NETWORK_POLICIES, policy(`allow-${i}`, { podSelector, policyTypes: ['Ingress'], ingress }));
  }
}

async function createPods(count: number, labels: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const metadata = { name: `pod-${i}`, namespace: 'default', labels: { app: `app-${i % Math.max(1, labels)}` } };
    const spec = { nodeName: 'bench', containers: [{ name: 'c', image: 'busybox' }] };
    await client.create(PODS, { apiVersion: 'v1', kind: 'Pod', metadata, spec } as object);
  }
}
