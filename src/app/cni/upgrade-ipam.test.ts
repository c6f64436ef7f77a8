import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { formatIp, parseIp } from '../../base/ip/index.ts';
import { silentLogger } from '../../base/log.ts';
import { addressAt, createAllocator, handleOf } from '../../core/ipam/index.ts';
import type { BlockStore } from '../../core/ipam/index.ts';
import { kubeBlockStore } from '../../host/ipam-store/kube-block-store.ts';
import { MemoryKubeClient } from '../../host/kube-client/memory-client.ts';
import { IP_POOLS, NODES, PODS } from '../../host/kube-client/resources.ts';
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

/** Long after the leases were given out, unless `now` says otherwise. */
function upgrade(more: Partial<UpgradeIpamOptions> = {}, now = later): ReturnType<typeof upgradeIpam> {
  return upgradeIpam({ ...options(), ...more }, { client, store, log: silentLogger, now });
}

function later(): number {
  return Date.now() + 600_000;
}

/** Asks Debian's host-local for an address, as bridge, Canal and flannel do; resolves to the addresses that it gave. */
function hostLocal(command: 'ADD' | 'DEL', container: string, network = 'k8s-pod-network'): string[] {
  const ranges = [[{ subnet: '10.88.1.0/24' }], [{ subnet: 'fd00:88::100/120' }]];
  const ipam = { type: 'host-local', dataDir: directory, ranges };
  const env = {
    CNI_COMMAND: command,
    CNI_CONTAINERID: container,
    CNI_NETNS: '/proc/self/ns/net',
    CNI_IFNAME: 'eth0',
    CNI_PATH: '/usr/lib/cni',
  };
  const input = JSON.stringify({ cniVersion: '0.3.1', name: network, type: 'bridge', ipam });
  const out = execFileSync('/usr/lib/cni/host-local', { env, input, encoding: 'utf8' });
  if (command === 'DEL') return [];
  const { ips } = JSON.parse(out) as { ips: { address: string }[] };
  return ips.map(({ address }) => address.split('/')[0]!);
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
    await upgrade({ defaultPools });
    expect(Object.keys(await held())).toEqual(['10.88.0.5']);
  });

  it.each([
    ['no template', undefined, 'k8s-pod-network'],
    ['an empty template', ' ', 'k8s-pod-network'],
    [
      'a template that names other things before the network',
      '{"plugins": [{"type": "sluice", "mtu": __CNI_MTU__, "args": {"name": "x"}}], "cniVersion": "1.0.0", "name": "own"}',
      'own',
    ],
  ])('takes the name of the network from %s', (_, template, network) => {
    const env = { NODE_NAME: 'node-1', ...(template === undefined ? {} : { CNI_NETWORK_CONFIG: template }) };
    expect(upgradeIpamOptions(env).network).toBe(network);
  });

  it('ends well as a program where there is nothing to take over, without asking an API server', async () => {
    rmSync(join(directory, 'cbr0'), { recursive: true });
    const env = { NODE_NAME: 'node-1', HOST_LOCAL_DIR: directory, SLUICE_IPV4_POOL_CIDR: '10.88.0.0/16' };
    expect(await runUpgradeIpam(env)).toBe(0);
  });
});

describe('upgrade-ipam with the files of a real host-local', () => {
  it.each(['k8s-pod-network', 'cbr0'])('takes over both families of every pod of network %s', async (network) => {
    const given = ['c1', 'c2', 'c3'].map((container) => hostLocal('ADD', container, network));
    hostLocal('DEL', 'c2', network);
    await pod('one', given[0]!);
    await pod('three', given[2]!);
    expect(given[0]).toHaveLength(2);
    expect(await upgrade()).toEqual({ imported: 2, stale: 0 });
    expect(await held()).toEqual(
      Object.fromEntries([
        ...given[0]!.map((ip) => [ip, 'k8s-pod-network.c1']),
        ...given[2]!.map((ip) => [ip, 'k8s-pod-network.c3']),
      ]),
    );
  });

  it('leaves host-local its files while it still serves, and takes over what it gave meanwhile', async () => {
    const first = hostLocal('ADD', 'c1');
    await pod('one', first);
    await upgrade({ keep: true });
    const second = hostLocal('ADD', 'c2');
    expect(second).not.toEqual(first);
    await pod('two', second);
    expect(await upgrade()).toEqual({ imported: 2, stale: 0 });
    expect(Object.keys(await held()).sort()).toEqual([...first, ...second].sort());
    expect(readdirSync(directory)).toContain('k8s-pod-network.imported');
  });

  it('leaves networks alone that give pods second interfaces', async () => {
    const given = hostLocal('ADD', 'c1');
    await pod('one', given);
    mkdirSync(join(directory, 'storage'));
    writeFileSync(join(directory, 'storage/192.0.2.7'), 'c1\r\nnet1');
    expect(await upgrade()).toEqual({ imported: 1, stale: 0 });
    expect(readdirSync(directory).sort()).toEqual(['cbr0', 'k8s-pod-network.imported', 'storage']);
  });

  it('refuses blocks that would hold addresses of a node that still gives them out by itself', async () => {
    const given = hostLocal('ADD', 'c1');
    await pod('one', given);
    const node = (name: string, podCIDR: string): Promise<unknown> =>
      client.create(NODES, { metadata: { name }, spec: { podCIDRs: [podCIDR] } } as object);
    await node('node-1', '10.88.1.0/27');
    await node('node-2', '10.88.2.0/24');
    await upgrade({ keep: true });
    await node('node-3', '10.88.1.32/27');
    await expect(upgrade()).rejects.toThrow(
      /the block 10\.88\.1\.0\/26 around 10\.88\.1\.2 has addresses of node node-3 \(10\.88\.1\.32\/27\).*blockSize/,
    );
    expect(readdirSync(directory)).toContain('k8s-pod-network');
  });

  it('keeps the address of a container whose pod is not known to have it yet', async () => {
    const [young] = hostLocal('ADD', 'c1');
    await pod('starting', []);
    expect(await upgrade({}, Date.now)).toMatchObject({ imported: 1, stale: 0 });
    expect((await held())[young!]).toBe('k8s-pod-network.c1');
  });

  it('keeps the addresses of the bridge and the tunnel of before from pods', async () => {
    const given = hostLocal('ADD', 'c1');
    await pod('one', given);
    const hostAddresses = ['10.88.1.1', '10.88.1.0', '192.0.2.1'].map((ip) => parseIp(ip)!);
    await upgrade({ hostAddresses, bootId: 'this' });
    expect(await held()).toMatchObject({
      '10.88.1.0': 'host-addr-10-88-1-0-node-1',
      '10.88.1.1': 'host-addr-10-88-1-1-node-1',
    });
    const [block] = await store.listBlocks();
    expect([...block!.value.allocations.values()].every(({ attributes }) => attributes['bootID'] === 'this')).toBe(
      true,
    );
  });
});
