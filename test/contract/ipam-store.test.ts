import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { startTestApiServer } from '../../src/app/apiserver/api-server.test-support.ts';
import type { ApiServer } from '../../src/app/apiserver/start-api-server.ts';
import { blockStoreContract } from '../../src/host/ipam-store/contract.ts';
import { kubeBlockStore } from '../../src/host/ipam-store/kube-block-store.ts';
import { AddressRace } from '../../src/host/ipam-store/race.test-support.ts';
import { httpKubeClient } from '../../src/host/kube-client/http-client.ts';
import type { HttpKubeClient } from '../../src/host/kube-client/http-client.ts';
import { loadKubeconfig } from '../../src/host/kube-client/kubeconfig.ts';
import {
  BLOCK_AFFINITIES,
  CUSTOM_RESOURCE_DEFINITIONS,
  IPAM_BLOCKS,
  IP_POOLS,
} from '../../src/host/kube-client/resources.ts';
import type { KubeObject, ObjectMeta } from '../../src/host/kube-client/types.ts';
import { sqliteStore } from '../../src/host/sqlite/sqlite-store.ts';

/** The contract of the block store over TLS against the embedded API server, with the CRDs of the install manifest. */
const directory = mkdtempSync(join(tmpdir(), 'sluice-ipam-'));
let server: ApiServer;
let client: HttpKubeClient;

beforeAll(async () => {
  server = await startTestApiServer(directory, {}, { store: sqliteStore(join(directory, 'store.db')) });
  client = httpKubeClient(await loadKubeconfig(join(directory, 'kubeconfig')));
  for (const object of manifest())
    if (object.kind === 'CustomResourceDefinition') await client.create(CUSTOM_RESOURCE_DEFINITIONS, object);
});

afterAll(async () => {
  client.close();
  await server[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
});

blockStoreContract('in the embedded API server', async () => {
  await emptyStore();
  const metadata = { name: 'default-ipv4-ippool' };
  const pool = { apiVersion: 'crd.projectcalico.org/v1', kind: 'IPPool', metadata, spec: { cidr: '10.244.0.0/16' } };
  await client.create(IP_POOLS, pool);
  return kubeBlockStore({
    client,
    report: (message) => {
      throw new Error(message);
    },
  });
});

describe('nodes that race for addresses in the embedded API server', () => {
  it('never share one and lose none, though a collector works among them', async () => {
    await emptyStore();
    const spec = { cidr: '10.0.0.0/24', blockSize: 28 };
    await client.create(IP_POOLS, { metadata: { name: 'pool' }, spec } as KubeObject);
    const clients = new Map<string, HttpKubeClient>();
    const config = await loadKubeconfig(join(directory, 'kubeconfig'));
    const race = new AddressRace(6, (node) => {
      const own = clients.get(node) ?? httpKubeClient(config);
      clients.set(node, own);
      return kubeBlockStore({ client: own, report: () => undefined });
    });
    const stop = new AbortController();
    const running = race.run(stop.signal);
    await race.progress(1000);
    stop.abort();
    await running;
    expect(race.twice).toEqual([]);
    const { stored, held } = await race.settle();
    expect(held.length).toBeGreaterThan(0);
    expect(stored).toEqual(held);
    for (const own of clients.values()) own.close();
  });
});

async function emptyStore(): Promise<void> {
  for (const resource of [IPAM_BLOCKS, BLOCK_AFFINITIES, IP_POOLS])
    for (const { metadata } of (await client.list<KubeObject>(resource)).items)
      await client.delete(resource, { name: (metadata as ObjectMeta).name! });
}

function manifest(): readonly KubeObject[] {
  const text = readFileSync(join(import.meta.dirname, '../../deploy/sluice.yaml'), 'utf8');
  return parseAllDocuments(text).map((document) => document.toJS() as KubeObject);
}
