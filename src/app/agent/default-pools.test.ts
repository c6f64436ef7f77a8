import { describe, expect, it } from 'vitest';
import { createMissingPools } from '../../host/ipam-store/create-missing-pools.ts';
import { MemoryKubeClient } from '../../host/kube-client/memory-client.ts';
import { IP_POOLS } from '../../host/kube-client/resources.ts';
import { FakeNode } from './fake-node.test-support.ts';
import { agentOptions } from './options.ts';

const read = (env: Readonly<Record<string, string>>) => agentOptions({ NODE_NAME: 'n1', ...env }).defaultPools ?? [];
const BOTH = { SLUICE_IPV4_POOL_CIDR: '10.1.0.0/16', SLUICE_IPV6_POOL_CIDR: 'fd00:1::/64' };

async function poolsOf(client: MemoryKubeClient): Promise<readonly (readonly [string, string])[]> {
  const { items } = await client.list<{ metadata: { name: string }; spec: { cidr: string } }>(IP_POOLS);
  return items.map(({ metadata, spec }) => [metadata.name, spec.cidr] as const);
}

describe('the default pools', () => {
  it('are those whose CIDR is set, with the usual blocks', () => {
    expect(read({})).toEqual([]);
    expect(read({ SLUICE_IPV4_POOL_CIDR: '', SLUICE_IPV6_POOL_CIDR: 'fd00:1::/64' })).toMatchObject([
      { name: 'default-ipv6-ippool', blockSize: 122, natOutgoing: true, vxlanMode: 'Always' },
    ]);
    expect(
      read({
        ...BOTH,
        SLUICE_BACKEND: 'host-gw',
        SLUICE_IPV4_POOL_BLOCK_SIZE: '28',
        SLUICE_IPV4_POOL_NAT_OUTGOING: 'false',
      }),
    ).toMatchObject([
      { name: 'default-ipv4-ippool', blockSize: 28, natOutgoing: false, vxlanMode: 'Never' },
      { name: 'default-ipv6-ippool' },
    ]);
  });

  it('ask for the tunnel of the backend, and for VXLAN where IPIP cannot carry them', () => {
    expect(read({ ...BOTH, SLUICE_BACKEND: 'ipip' })).toMatchObject([
      { vxlanMode: 'Never', ipipMode: 'Always' },
      { vxlanMode: 'Always', ipipMode: 'Never' },
    ]);
    expect(read({ ...BOTH, SLUICE_BACKEND: 'cross-subnet' })).toMatchObject([
      { vxlanMode: 'CrossSubnet', ipipMode: 'Never' },
      { vxlanMode: 'CrossSubnet', ipipMode: 'Never' },
    ]);
  });

  it.each([
    [{ SLUICE_IPV4_POOL_CIDR: 'ten' }, /ipv4_pool_cidr.*'ten', must be an IPv4 CIDR/],
    [{ SLUICE_IPV4_POOL_CIDR: 'fd00::/64' }, /ipv4_pool_cidr.*must be an IPv4 CIDR/],
    [{ SLUICE_IPV4_POOL_CIDR: '10.1.2.3/16' }, /the network is 10\.1\.0\.0\/16/],
    [{ ...BOTH, SLUICE_IPV4_POOL_BLOCK_SIZE: 'big' }, /ipv4_pool_block_size.*'big'/],
    [{ ...BOTH, SLUICE_IPV6_POOL_BLOCK_SIZE: '64' }, /must be from 116 to 128, not 64/],
    [{ SLUICE_IPV4_POOL_CIDR: '10.1.0.0/28' }, /too small/],
    [{ ...BOTH, SLUICE_IPV4_POOL_NAT_OUTGOING: 'yes' }, /must be true or false/],
  ])('are refused when %j says what cannot be', (env, message) => {
    expect(() => read(env)).toThrow(message);
  });

  it('are made once, by whichever agent comes first, and only for families without a pool', async () => {
    const client = new MemoryKubeClient();
    const pools = read(BOTH);
    const made = await Promise.all([1, 2, 3].map(() => createMissingPools(pools, new Set([4]), client)));
    expect(made).toEqual([true, true, true]);
    expect(await poolsOf(client)).toEqual([['default-ipv6-ippool', 'fd00:1::/64']]);
    expect(await createMissingPools(pools, new Set([4, 6]), client)).toBe(false);
  });

  it('let an agent become ready in a cluster that has no pool', async () => {
    await using node = await FakeNode.create();
    for (const [name] of await poolsOf(node.client)) await node.client.delete(IP_POOLS, { name });
    await node.start({ defaultPools: read({ SLUICE_IPV4_POOL_CIDR: '10.1.0.0/16' }) });
    expect(await poolsOf(node.client)).toEqual([['default-ipv4-ippool', '10.1.0.0/16']]);
    await node.createPod('a');
    expect(JSON.stringify(await node.ask(node.request('ADD', 'a')))).toMatch(/"10\.1\./);
    expect(node.warnings).toEqual([]);
  });
});
