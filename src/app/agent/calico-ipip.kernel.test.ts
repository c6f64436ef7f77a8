import { describe, expect, it } from 'vitest';
import { kernelMakes } from '../../host/netlink/rare-links.test-support.ts';
import { CalicoNode } from './calico-node.test-support.ts';
import { TestCluster, eventually } from './cluster.test-support.ts';

// Emulated machines are slow.
const PATIENCE = 180_000;

describe.skipIf(!kernelMakes('ipip'))('a cluster of Calico with IPIP', () => {
  it('exchanges packets between nodes of both, and goes on when one of them changes hands', async () => {
    // As the plan from Calico has it: the pool decides, and the rest is left to BIRD.
    await using cluster = await TestCluster.create({
      backend: 'none',
      poolSpec: { ipipMode: 'Always', blockSize: 26 },
    });
    await cluster.addNode('c1', 'a', { agent: false });
    await cluster.addNode('c2', 'b', { agent: false });
    const c1 = new CalicoNode(cluster, 'c1', '10.244.7.0/26', 'ipip');
    const c2 = new CalicoNode(cluster, 'c2', '10.244.9.64/26', 'ipip');
    await c1.register('172.30.1.11');
    await c2.register('172.30.2.12');
    await cluster.addNode('s1');
    for (const node of [c1, c2]) await node.program();
    const ours = await cluster.addPod('s1', 'ours');
    for (const node of [c1, c2]) await node.program();
    const [first, second] = [await c1.addPod('first', 5), await c2.addPod('second', 5)];
    // As big as the tunnel's MTU of 1480 lets it be: headers of IP and ICMP take 28.
    const big = async (netns: string, address: string): Promise<boolean> =>
      (await cluster.run(netns, ['ping', '-c', '1', '-W', '5', '-M', 'do', '-s', '1452', address])).code === 0;
    for (const { netns, ip } of [first, second]) {
      await eventually(() => big(ours.netns, ip), PATIENCE);
      await eventually(() => big(netns, ours.ips[0]!), PATIENCE);
    }

    await c1.removePod(first);
    await cluster.startAgent('c1', { networkBefore: 'calico' });
    const moved = await cluster.addPod('c1', 'moved');
    // Its own block, and the others know the way there without a change.
    expect(moved.ips[0]).toMatch(/^10\.244\.7\./u);
    for (const { netns, ip } of [{ netns: ours.netns, ip: ours.ips[0]! }, second]) {
      await eventually(() => big(moved.netns, ip), PATIENCE);
      await eventually(() => big(netns, moved.ips[0]!), PATIENCE);
    }
  });
});
