import { describe, expect, it } from 'vitest';
import { FELIX_CONFIGURATIONS } from '../../host/kube-client/resources.ts';
import { openNetlink } from '../../host/netlink/kernel.ts';
import { TestCluster, eventually } from './cluster.test-support.ts';

const PATIENCE = 180_000;
const [FELIX] = FELIX_CONFIGURATIONS as readonly [(typeof FELIX_CONFIGURATIONS)[number]];

const felix = (spec: object) => ({ metadata: { name: 'default' }, spec }) as object;

describe('what a cluster sets of tunnels', { timeout: 2 * PATIENCE }, () => {
  it('is what the VXLAN device and later pods have, at once when it changes', async () => {
    await using cluster = await TestCluster.create({ backend: 'vxlan' });
    await cluster.client.create(FELIX, felix({ vxlanMTU: 1400, vxlanPort: 14_789, vxlanVNI: 77 }));
    await cluster.addNode('n1');
    await cluster.addNode('n2');
    const near = await cluster.addPod('n2', 'near');
    const mtuOf = (netns: string, link: string) => {
      using netlink = openNetlink({ netns });
      return netlink.link(link)?.mtu;
    };
    const { netns } = cluster.nodes.get('n1')!;
    await eventually(() => mtuOf(netns, 'vxlan.sluice') === 1400, PATIENCE);
    const first = await cluster.addPod('n1', 'first');
    expect(mtuOf(first.netns, 'eth0')).toBe(1400);
    await eventually(() => cluster.pings(first.netns, near.ips[0]!), PATIENCE);
    const { output } = await cluster.run(netns, ['ip', '-d', 'link', 'show', 'vxlan.sluice']);
    expect(output).toMatch(/vxlan id 77 .*dstport 14789/u);
    await cluster.client.update(FELIX, felix({ vxlanPort: 14_789, vxlanVNI: 77 }));
    await eventually(() => mtuOf(netns, 'vxlan.sluice') === 1450, PATIENCE);
    expect(await cluster.pings(first.netns, near.ips[0]!)).toBe(true);
  });

  it('is said in the first packets of connections of pods that were born with more', async () => {
    await using cluster = await TestCluster.create({ backend: 'vxlan', pools: ['10.244.0.0/16', 'fd00:10:244::/56'] });
    await cluster.addNode('n1');
    await cluster.addNode('n2');
    const [first, near] = [await cluster.addPod('n1', 'first'), await cluster.addPod('n2', 'near')];
    cluster.serve(near, 6);
    await cluster.client.create(FELIX, felix({ vxlanMTU: 1300 }));
    for (const node of cluster.nodes.values())
      await eventually(() => {
        using netlink = openNetlink({ netns: node.netns });
        return netlink.link('vxlan.sluice')?.mtu === 1300;
      }, PATIENCE);
    using inside = openNetlink({ netns: first.netns });
    expect(inside.link('eth0')?.mtu).toBe(1450);
    // What arrives: 40 bytes of headers less in IPv4, 60 in IPv6.
    const rules = [
      'add table inet t',
      'add chain inet t c { type filter hook input priority 0; }',
      ...[1260, 1240].flatMap((size) => [
        `add counter inet t of${size}`,
        `add rule inet t c tcp dport 8080 tcp flags syn tcp option maxseg size ${size} counter name of${size}`,
      ]),
    ].join('; ');
    expect(await cluster.run(near.netns, ['nft', rules])).toEqual({ code: 0, output: '' });
    for (const ip of near.ips) {
      const ask = ['busybox', 'timeout', '3', 'busybox', 'nc', ip, '8080'];
      await eventually(async () => (await cluster.run(first.netns, ask)).output.startsWith('near '), PATIENCE);
      const { output } = await cluster.run(near.netns, [
        'nft',
        'list',
        'counter',
        'inet',
        't',
        ip.includes(':') ? 'of1240' : 'of1260',
      ]);
      expect(output).toMatch(/packets [1-9]/u);
    }
  });

  it('is the UDP port of the backend that needs nothing else', async () => {
    await using cluster = await TestCluster.create({
      backend: 'udp',
      adapt: (options) => ({ ...options, udp: { port: 18_285 } }),
    });
    await cluster.addNode('n1');
    await cluster.addNode('n2');
    const [first, near] = [await cluster.addPod('n1', 'first'), await cluster.addPod('n2', 'near')];
    const { netns } = cluster.nodes.get('n2')!;
    const rules =
      'add table inet t; add chain inet t c { type filter hook prerouting priority -500; }; ' +
      'add rule inet t c udp dport 8285 drop';
    expect(await cluster.run(netns, ['nft', rules])).toEqual({ code: 0, output: '' });
    await eventually(() => cluster.pings(first.netns, near.ips[0]!), PATIENCE);
  });
});
