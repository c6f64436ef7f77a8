import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BlockStore } from '../../src/core/ipam/index.ts';
import { etcdClient } from '../../src/host/etcd/client.ts';
import { parseEndpoints } from '../../src/host/etcd/endpoint.ts';
import { EtcdServer } from '../../src/host/etcd/etcd.test-support.ts';
import { etcdKubeClient } from '../../src/host/etcd/kube-client.ts';
import { kubeBlockStore } from '../../src/host/ipam-store/kube-block-store.ts';
import { httpKubeClient } from '../../src/host/kube-client/http-client.ts';
import { loadKubeconfig } from '../../src/host/kube-client/kubeconfig.ts';
import { MemoryKubeClient } from '../../src/host/kube-client/memory-client.ts';
import { IPAM_CONFIGS, IP_POOLS } from '../../src/host/kube-client/resources.ts';

/** A datastore that runs for one measurement. */
export interface RunningBackend extends AsyncDisposable {
  /** What {@link Backend.open} needs, as text: it goes to another process. */
  readonly address: string;
}

/** Where address blocks can live. */
export interface Backend {
  readonly title: string;
  /** Addresses per second that four nodes must reach. */
  readonly bar: number;
  /** Starts an empty datastore with one pool of `cidr`, in which nodes may claim as many blocks as they like. */
  start(cidr: string): Promise<RunningBackend>;
  /** Opens it as an agent does. */
  open(address: string): Promise<BlockStore & Disposable>;
}

const KUBE: Backend = {
  title: 'embedded API server',
  bar: 2000,
  start: async (cidr) => {
    const directory = mkdtempSync(join(tmpdir(), 'sluice-ipam-bench-'));
    const script = join(import.meta.dirname, 'api-server.ts');
    const server = spawn(process.execPath, [script, directory, cidr], { stdio: ['pipe', 'pipe', 'inherit'] });
    const ended = once(server, 'exit');
    await Promise.race([once(server.stdout, 'data'), ended.then(() => Promise.reject(new Error('no API server')))]);
    return {
      address: join(directory, 'kubeconfig'),
      [Symbol.asyncDispose]: async () => {
        server.stdin.end();
        await ended;
        rmSync(directory, { recursive: true, force: true });
      },
    };
  },
  open: async (address) => {
    const client = httpKubeClient(await loadKubeconfig(address));
    const store = kubeBlockStore({ client, report: refuse });
    return { ...store, [Symbol.dispose]: () => client.close() };
  },
};

const ETCD: Backend = {
  title: 'etcd',
  bar: 500,
  start: async (cidr) => {
    const server = await EtcdServer.start();
    const etcd = server.client();
    const client = etcdKubeClient({ etcd, heedsLock: true, kubernetes: new MemoryKubeClient(), report: refuse });
    await client.create(IP_POOLS, { metadata: { name: 'pods' }, spec: { cidr } } as object);
    const spec = { strictAffinity: false, autoAllocateBlocks: true, maxBlocksPerHost: 256 };
    await client.create(IPAM_CONFIGS, { metadata: { name: 'default' }, spec } as object);
    etcd.close();
    return { address: server.endpoint, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
  },
  open: (address) => {
    const etcd = etcdClient({ endpoints: parseEndpoints(address) });
    const client = etcdKubeClient({ etcd, heedsLock: true, kubernetes: new MemoryKubeClient(), report: refuse });
    const store = kubeBlockStore({ client, report: refuse });
    return Promise.resolve({ ...store, [Symbol.dispose]: () => etcd.close() });
  },
};

function refuse(message: string): never {
  throw new Error(message);
}

/** By the name that environment variable SLUICE_BENCH_STORE has. */
export const BACKENDS: Readonly<Record<string, Backend>> = { kubernetes: KUBE, etcd: ETCD };
