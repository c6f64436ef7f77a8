import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { formatIp, parseIp } from '../../base/ip/index.ts';
import { createAllocator } from '../../core/ipam/index.ts';
import type { BlockStore } from '../../core/ipam/index.ts';
import { kubeBlockStore } from '../../host/ipam-store/kube-block-store.ts';
import { MemoryKubeClient } from '../../host/kube-client/memory-client.ts';
import { IP_POOLS, IPAM_HANDLES, NODES, PODS } from '../../host/kube-client/resources.ts';
import { check } from './check.ts';
import { readIpamState } from './read-state.ts';
import { release } from './release.ts';
import { show } from './show.ts';
import type { ShowOptions } from './show.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-ipam-cli-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Later than anything that the tests allocate. */
const LATER = Date.parse('2099-01-01T00:00:00Z');

let client: MemoryKubeClient;
let store: BlockStore;
let printed: string[];

beforeEach(async () => {
  client = new MemoryKubeClient();
  store = kubeBlockStore({ client, report: fail });
  printed = [];
  await client.create(IP_POOLS, { metadata: { name: 'pods' }, spec: { cidr: '10.1.0.0/29', blockSize: 30 } } as object);
  for (const name of ['a', 'b']) await client.create(NODES, { metadata: { name } });
});

function fail(message: string): never {
  throw new Error(message);
}

/** Gives pods on a node their addresses, as its agent does; resolves to them. */
async function attach(node: string, names: readonly string[], more: { exists?: boolean } = {}): Promise<string[]> {
  const options = { node, nodeLabels: () => ({}), coolDownMs: 0, lowWater: 0 };
  const allocator = createAllocator(options, { store, now: () => 0, report: fail });
  const given: string[] = [];
  for (const name of names) {
    const attributes = { namespace: 'default', pod: name };
    const { addresses } = await allocator.allocate({ handle: `net.${name}`, families: [4], attributes });
    const ip = formatIp(addresses[0]!.ip);
    given.push(ip);
    if (more.exists === false) continue;
    const metadata = { name, namespace: 'default' };
    await client.create(PODS, { metadata, spec: { nodeName: node, containers: [] } } as object);
    await client.updateStatus(PODS, { metadata, status: { phase: 'Running', podIPs: [{ ip }] } } as object);
    const spec = { handleID: `net.${name}`, block: { [blockAt(ip)]: 1 }, deleted: false };
    await client.create(IPAM_HANDLES, { metadata: { name: `net.${name}` }, spec } as object);
  }
  return given;
}

function blockAt(ip: string): string {
  return Number(ip.split('.')[3]) < 4 ? '10.1.0.0/30' : '10.1.0.4/30';
}

async function shown(options: Partial<ShowOptions>): Promise<string> {
  const none = { pool: undefined, ip: undefined, blocks: false, borrowed: false, configuration: false, json: false };
  await show({ ...none, ...options }, store, (line) => printed.push(line));
  return printed.join('\n');
}

async function checked(json = false): Promise<number> {
  return check(await readIpamState(client, LATER, fail), json, (line) => printed.push(line));
}

describe('sluice ipam show', () => {
  it('tells how full pools and blocks are, what is borrowed, and by which rules', async () => {
    await attach('a', ['p0', 'p1', 'p2', 'p3', 'p4']);
    await attach('b', ['q0']);
    const text = await shown({ blocks: true, borrowed: true, configuration: true });
    expect(text).toMatch(/^IPPool +pods +10\.1\.0\.0\/29 +- +8 +6 \(75%\) +2 \(25%\)$/m);
    expect(text).toMatch(/^Block +- +10\.1\.0\.[04]\/30 +a +4 +4 \(100%\) +0 \(0%\)$/m);
    expect(text).toMatch(/^10\.1\.0\.\d +b +10\.1\.0\.[04]\/30 +a +pod default\/q0 on b$/m);
    expect(text).toMatch(/^MaxBlocksPerHost +20$/m);
    printed = [];
    expect(JSON.parse(await shown({ json: true }))).toMatchObject({
      pools: [{ name: 'pods', total: '8', used: '6', blocks: [{ total: 4 }, { total: 4 }] }],
      borrowed: [{ owner: 'a', node: 'b', handle: 'net.q0' }],
      configuration: { strictAffinity: false },
    });
  });

  it('tells who holds an address, and that nobody does', async () => {
    const [ip] = await attach('a', ['web']);
    expect(await shown({ ip: parseIp(ip!)! })).toContain(`${ip} is held for pod default/web on a.`);
    printed = [];
    expect(await shown({ ip: parseIp('10.1.0.7')! })).toBe('10.1.0.7 is held by nobody; it lies in IPPool pods.');
  });

  it('refuses a pool that is none', async () => {
    await expect(shown({ pool: 'other' })).rejects.toThrow('there is no IPPool other: there are pods (10.1.0.0/29)');
  });
});

describe('sluice ipam check', () => {
  it('finds nothing where all is well', async () => {
    await attach('a', ['web']);
    expect(await checked()).toBe(0);
    expect(printed).toEqual(['Checked 1 addresses in 1 blocks of 1 pools, 1 handles and 1 pods.', 'No problems.']);
  });

  it('finds what is leaked, used without right, and left behind by nodes', async () => {
    const [leaked] = await attach('a', ['gone'], { exists: false });
    await attach('a', ['web']);
    await client.updateStatus(PODS, {
      metadata: { name: 'web', namespace: 'default' },
      status: { phase: 'Running', podIPs: [{ ip: '10.1.0.6' }] },
    } as object);
    await store.createAffinity({ node: 'c', cidr: (await store.listBlocks())[0]!.value.cidr, state: 'confirmed' });
    await client.delete(NODES, { name: 'a' });
    expect(await checked(true)).toBe(1);
    const { problems } = JSON.parse(printed.join('\n')) as { problems: { kind: string; message: string }[] };
    expect(problems.map(({ kind }) => kind).sort()).toEqual([
      'block-of-missing-node',
      'leaked',
      'missing-handle',
      'not-allocated',
      'stale-affinity',
    ]);
    expect(problems.find(({ kind }) => kind === 'leaked')?.message).toBe(
      `${leaked} is held for pod default/gone on a, which does not exist`,
    );
  });
});

describe('sluice ipam release', () => {
  async function released(options: Partial<Parameters<typeof release>[0]>): Promise<number> {
    const state = await readIpamState(client, LATER, fail);
    const print = (line: string): void => void printed.push(line);
    return release({ ips: [], reports: [], force: false, ...options }, { state, store, print });
  }

  it('gives back what is leaked, and what is in use only when it is forced', async () => {
    const [leaked] = await attach('a', ['gone'], { exists: false });
    const [used] = await attach('a', ['web']);
    expect(await released({ ips: [parseIp(leaked!)!, parseIp(used!)!] })).toBe(1);
    expect(printed).toEqual([
      `${leaked} is released.`,
      `${used} is not released: it is held for pod default/web on a, which exists; --force releases it all the same.`,
    ]);
    expect(await released({ ips: [parseIp(used!)!], force: true })).toBe(0);
    expect(await released({ ips: [parseIp(used!)!] })).toBe(1);
    expect(printed.at(-1)).toBe(`${used} is not released: nobody holds it.`);
  });

  it('gives back what all reports call leaked and what is so still', async () => {
    await attach('a', ['gone', 'other'], { exists: false });
    await checked(true);
    const report = join(folder, 'report.json');
    writeFileSync(report, printed.join('\n'));
    const metadata = { name: 'other', namespace: 'default' };
    await client.create(PODS, { metadata, spec: { nodeName: 'a', containers: [] } } as object);
    printed = [];
    expect(await released({ reports: [report, report] })).toBe(0);
    expect(printed).toEqual(['1 leaked address is released.']);
    writeFileSync(report, '[]');
    await expect(released({ reports: [report] })).rejects.toThrow(/is not a report of 'sluice ipam check -o json'/);
  });
});
