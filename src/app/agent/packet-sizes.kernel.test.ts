import { describe, expect, it } from 'vitest';
import { openNetlink } from '../../host/netlink/kernel.ts';
import { TestCluster, eventually } from './cluster.test-support.ts';

const PATIENCE = 180_000;
const LARGE = 150_000;
const BYTES = '20000000';

/** Lets a device take packets of that size. */
function enlarge(netns: string, link: string): void {
  using netlink = openNetlink({ netns });
  netlink.apply([{ kind: 'set-link', link, packetSize: LARGE }]);
}

function sizeOf(netns: string): number | undefined {
  using netlink = openNetlink({ netns });
  return netlink.link('eth0')?.packetSize;
}

describe('packets that are cut later', { timeout: 3 * PATIENCE }, () => {
  it('are as large as the devices of the nodes take, and what pods send so arrives whole', async () => {
    await using cluster = await TestCluster.create({
      backend: 'host-gw',
      pools: ['10.244.0.0/16', 'fd00:10:244::/56'],
    });
    for (const name of ['n1', 'n2']) {
      await cluster.addNode(name, 'a', { agent: false });
      enlarge(cluster.nodes.get(name)!.netns, 'eth0');
      enlarge(cluster.router, `to-${name}`);
      await cluster.startAgent(name);
    }
    const [from, to] = [await cluster.addPod('n1', 'client'), await cluster.addPod('n2', 'server')];
    expect([sizeOf(from.netns), sizeOf(to.netns)]).toEqual([LARGE, LARGE]);
    cluster.start(to.netns, ['busybox', 'nc', '-ll', '-p', '9000', '-e', 'busybox', 'head', '-c', BYTES, '/dev/zero']);
    const whole = await cluster.run(from.netns, ['sh', '-c', `busybox head -c ${BYTES} /dev/zero | busybox md5sum`]);
    for (const address of to.ips) {
      const fetch = `busybox nc ${address} 9000 | busybox md5sum`;
      await eventually(async () => {
        const { output } = await cluster.run(from.netns, ['sh', '-c', fetch]);
        return output === whole.output;
      }, PATIENCE);
    }
    // Not one was found too large for the MTU, which TCP would have had to send again in pieces.
    const { output } = await cluster.run(cluster.nodes.get('n2')!.netns, ['cat', '/proc/net/snmp6']);
    expect(output).toMatch(/^Ip6FragFails\s+0$/m);
    expect(to.ips).toHaveLength(2);
  });

  it('are no larger than usual where a tunnel wraps them', async () => {
    await using cluster = await TestCluster.create({ backend: 'vxlan' });
    await cluster.addNode('n1', 'a', { agent: false });
    enlarge(cluster.nodes.get('n1')!.netns, 'eth0');
    await cluster.startAgent('n1');
    expect(sizeOf((await cluster.addPod('n1', 'client')).netns)).toBeUndefined();
  });

  it('are no larger than usual where a rate limits them: the queue has room for two of those', async () => {
    await using cluster = await TestCluster.create({ backend: 'host-gw' });
    await cluster.addNode('n1', 'a', { agent: false });
    enlarge(cluster.nodes.get('n1')!.netns, 'eth0');
    await cluster.startAgent('n1');
    const bandwidth = { egressRate: 1_000_000, egressBurst: 2 ** 31 };
    expect(sizeOf((await cluster.addPod('n1', 'limited', {}, { bandwidth })).netns)).toBeUndefined();
    expect(sizeOf((await cluster.addPod('n1', 'free')).netns)).toBe(LARGE);
  });
});
