import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { formatIp } from '../../base/ip/index.ts';
import { silentLogger } from '../../base/log.ts';
import { addressAt, createAllocator, handleOf } from '../../core/ipam/index.ts';
import type { BlockStore } from '../../core/ipam/index.ts';
import { kubeBlockStore } from '../../host/ipam-store/kube-block-store.ts';
import { MemoryKubeClient } from '../../host/kube-client/memory-client.ts';
import { IP_POOLS, PODS } from '../../host/kube-client/resources.ts';
import { runUpgradeIpam } from './programs.ts';
import { hasLeases, upgradeIpam, upgradeIpamOptions } from './upgrade-ipam.ts';
import type { UpgradeIpamOptions } from './upgrade-ipam.ts';

let directory: string;
let client: MemoryKubeClient;
let store: BlockStore;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'sluice-upgrade-'));
  client = new MemoryKubeClient();
  store = kubeBlockStore({ client, report: () => undefined });
  for (const [name, cidr] of [
    ['v4', '10.88.0.0/16'],
    ['v6', 'fd00:88::/112'],
  ])
    await client.create(IP_POOLS, { metadata: { name }, spec: { cidr } } as object);
  mkdirSync(join(directory, 'cbr0'));
  // The lock and the memory of the last address, which host-local keeps beside the leases.
  writeFileSync(join(directory, 'cbr0/lock'), '');
  writeFileSync(join(directory, 'cbr0/last_reserved_ip.0'), '10.88.0.9');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function lease(ip: string, content: string): void {
  writeFileSync(join(directory, 'cbr0', ip), content);
}

async function pod(name: string, ips: readonly string[], phase = 'Running'): Promise<void> {
  const metadata = { name, namespace: 'default' };
  await client.create(PODS, { metadata, spec: { nodeName: 'node-1', containers: [] } } as object);
  const status = { phase, podIP: ips[0], podIPs: ips.map((ip) => ({ ip })) };
  await client.updateStatus(PODS, { metadata, status } as object);
}

function upgrade(): ReturnType<typeof upgradeIpam> {
  return upgradeIpam(options(), { client, store, log: silentLogger, now: Date.now });
}

function options(): UpgradeIpamOptions {
  return { nodeName: 'node-1', directory, network: 'k8s-pod-network' };
}

async function held(): Promise<Record<string, string>> {
  const blocks = (await store.listBlocks()).map(({ value }) => value);
  return Object.fromEntries(
    blocks.flatMap((block) =>
      [...block.allocations].map(([ordinal, { handle }]) => [formatIp(addressAt(block, ordinal)), handle]),
    ),
  );
}

describe('upgrade-ipam', () => {
  it('takes over the addresses of running pods, both families of one pod under one handle', async () => {
    lease('10.88.0.5', 'c1\r\neth0');
    lease('fd00:88::5', 'c1\r\neth0');
    lease('10.88.3.7', 'c2');
    lease('10.88.0.6', 'gone\r\neth0');
    lease('10.88.0.8', 'done\r\neth0');
    await pod('a', ['10.88.0.5', 'fd00:88::5']);
    await pod('b', ['10.88.3.7']);
    await pod('c', ['10.88.0.8'], 'Succeeded');
    expect(await upgrade()).toEqual({ imported: 2, stale: 2 });
    const [first, second] = ['c1', 'c2'].map((id) => handleOf('k8s-pod-network', id, 'eth0'));
    expect(await held()).toEqual({ '10.88.0.5': first, 'fd00:88::5': first, '10.88.3.7': second });
    expect(readdirSync(directory)).toEqual(['cbr0.imported']);
    expect(await hasLeases(options())).toBe(false);
  });

  it('can be repeated after a crash before its end', async () => {
    lease('10.88.0.5', 'c1\r\neth0');
    await pod('a', ['10.88.0.5']);
    const allocator = createAllocator(
      { node: 'node-1', nodeLabels: () => ({}), coolDownMs: 0, lowWater: 0 },
      { store, now: Date.now, report: () => undefined },
    );
    await upgrade();
    mkdirSync(join(directory, 'cbr0'));
    rmSync(join(directory, 'cbr0.imported'), { recursive: true });
    lease('10.88.0.5', 'c1\r\neth0');
    expect(await upgrade()).toEqual({ imported: 1, stale: 0 });
    await allocator.load();
    expect(allocator.assignments().size).toBe(1);
  });

  it('keeps the leases and says why when an address fits no pool', async () => {
    lease('192.168.7.7', 'c1\r\neth0');
    await pod('a', ['192.168.7.7']);
    await expect(upgrade()).rejects.toThrow(/192\.168\.7\.7 of default\/a lies in no IPPool.*create an IPPool/);
    expect(readdirSync(directory)).toEqual(['cbr0']);
    expect(await held()).toEqual({});
  });

  it('makes the default pool of a cluster that has none before it takes the addresses over', async () => {
    for (const name of ['v4', 'v6']) await client.delete(IP_POOLS, { name });
    await pod('web', ['10.88.0.5']);
    lease('10.88.0.5', 'container-web\neth0');
    const { defaultPools = [] } = upgradeIpamOptions({ NODE_NAME: 'node-1', SLUICE_IPV4_POOL_CIDR: '10.88.0.0/16' });
    await upgradeIpam({ ...options(), defaultPools }, { client, store, log: silentLogger, now: Date.now });
    expect(Object.keys(await held())).toEqual(['10.88.0.5']);
  });

  it('ends well as a program where there is nothing to take over, without asking an API server', async () => {
    rmSync(join(directory, 'cbr0'), { recursive: true });
    const env = { NODE_NAME: 'node-1', HOST_LOCAL_DIR: directory, SLUICE_IPV4_POOL_CIDR: '10.88.0.0/16' };
    expect(await runUpgradeIpam(env)).toBe(0);
  });
});
