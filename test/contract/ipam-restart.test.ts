import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { startTestApiServer } from '../../src/app/apiserver/api-server.test-support.ts';
import type { ApiServer } from '../../src/app/apiserver/start-api-server.ts';
import { formatIp } from '../../src/base/ip/index.ts';
import { addressAt, createAllocator } from '../../src/core/ipam/index.ts';
import type { Allocator, BlockStore } from '../../src/core/ipam/index.ts';
import { kubeBlockStore } from '../../src/host/ipam-store/kube-block-store.ts';
import { httpKubeClient } from '../../src/host/kube-client/http-client.ts';
import type { HttpKubeClient } from '../../src/host/kube-client/http-client.ts';
import { loadKubeconfig } from '../../src/host/kube-client/kubeconfig.ts';
import { CUSTOM_RESOURCE_DEFINITIONS, IP_POOLS } from '../../src/host/kube-client/resources.ts';
import type { KubeObject } from '../../src/host/kube-client/types.ts';
import { sqliteStore } from '../../src/host/sqlite/sqlite-store.ts';

/** The embedded API server in `directory`, which keeps what it stores there. */
function start(directory: string, port: number): Promise<ApiServer> {
  return startTestApiServer(directory, { port }, { store: sqliteStore(join(directory, 'store.db')) });
}

async function install(client: HttpKubeClient): Promise<void> {
  const manifest = readFileSync(join(import.meta.dirname, '../../deploy/sluice.yaml'), 'utf8');
  for (const document of parseAllDocuments(manifest)) {
    const object = document.toJS() as KubeObject;
    if (object.kind === 'CustomResourceDefinition') await client.create(CUSTOM_RESOURCE_DEFINITIONS, object);
  }
  const spec = { cidr: '10.1.0.0/23', blockSize: 28 };
  await client.create(IP_POOLS, { metadata: { name: 'tight' }, spec } as object);
}

function fail(message: string): never {
  throw new Error(message);
}

/** A node that attaches and detaches pods; what it does while the server is away fails, and is done again. */
class Node {
  readonly held = new Map<string, string>();
  readonly #allocator: Allocator;
  readonly #name: string;

  constructor(name: string, store: BlockStore) {
    this.#name = name;
    const options = { node: name, nodeLabels: () => ({}), coolDownMs: 0, lowWater: 4 };
    this.#allocator = createAllocator(options, { store, now: Date.now, report: () => undefined });
  }

  async run(pods: number): Promise<void> {
    const lanes = Array.from({ length: 6 }, async (_, lane) => {
      for (let i = lane; i < pods; i += 6) {
        const handle = `net.${this.#name}-${i}`;
        const attributes = { namespace: 'default', pod: handle };
        const request = { handle, families: [4], attributes } as const;
        const { addresses } = await untilDone(() => this.#allocator.allocate(request));
        this.held.set(handle, formatIp(addresses[0]!.ip));
        const [oldest] = this.held.keys();
        if (this.held.size <= 90 || oldest === undefined) continue;
        this.held.delete(oldest);
        await untilDone(() => this.#allocator.release([oldest]));
      }
    });
    await Promise.all(lanes);
  }
}

async function untilDone<T>(operation: () => Promise<T>): Promise<T> {
  for (const deadline = Date.now() + 120_000; ;) {
    try {
      return await operation();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

it('gives no address twice and loses none when the server restarts under nodes that race for a nearly full pool', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-ipam-restart-'));
  let server = await start(directory, 0);
  const port = Number(new URL(server.url).port);
  const config = await loadKubeconfig(join(directory, 'kubeconfig'));
  const clients = Array.from({ length: 5 }, () => httpKubeClient(config));
  await install(clients[4]!);
  const nodes = clients.slice(0, 4).map((client, i) => new Node(`n${i}`, kubeBlockStore({ client, report: fail })));
  const running = Promise.all(nodes.map((node) => node.run(300)));
  for (let restart = 0; restart < 3; restart++) {
    const enough = 60 * (restart + 1);
    while (nodes.reduce((sum, { held }) => sum + held.size, 0) < enough)
      await new Promise((resolve) => setTimeout(resolve, 5));
    await server[Symbol.asyncDispose]();
    server = await start(directory, port);
  }
  await running;
  const blocks = await kubeBlockStore({ client: clients[4]!, report: fail }).listBlocks();
  const stored = blocks.flatMap(({ value }) =>
    [...value.allocations].map(([ordinal, { handle }]) => `${handle} ${formatIp(addressAt(value, ordinal))}`),
  );
  const expected = nodes.flatMap(({ held }) => [...held].map(([handle, ip]) => `${handle} ${ip}`));
  expect(stored.sort()).toEqual(expected.sort());
  expect(new Set(expected.map((line) => line.split(' ')[1])).size).toBe(expected.length);
  for (const client of clients) client.close();
  await server[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
});
