import { describe, expect, it } from 'vitest';
import type { Family } from '../../base/ip/index.ts';
import { openNetlink } from '../../host/netlink/kernel.ts';
import { TestCluster, eventually } from './cluster.test-support.ts';
import type { TestPod } from './cluster.test-support.ts';
import type { AgentStatus } from './status.ts';

const PATIENCE = 180_000;
const NARROW = 1400;
/** A switch lets four bytes more pass, for a VLAN's tag. */
const TAG = 4;

const ICMP_ERRORS = 'icmp type destination-unreachable drop; add rule inet t o icmpv6 type packet-too-big drop';

/** A second node behind a link in the middle that carries 1400 bytes, though both nodes' own carry 1500. */
async function addNodeBehindNarrowLink(
  cluster: TestCluster,
  segment: 'a' | 'b',
  { families, router }: { readonly families: readonly Family[]; readonly router: string },
): Promise<void> {
  await cluster.addNode('n2', segment, { agent: false, families });
  using netlink = openNetlink({ netns: cluster.router });
  netlink.apply([{ kind: 'set-link', link: 'to-n2', mtu: NARROW }]);
  if (router === 'silent') {
    const rules = `add table inet t; add chain inet t o { type filter hook output priority 0; }; add rule inet t o ${ICMP_ERRORS}`;
    expect(await cluster.run(cluster.router, ['nft', rules])).toEqual({ code: 0, output: '' });
  }
  await cluster.startAgent('n2');
}

const narrowOf = async (cluster: TestCluster, node: string) =>
  ((await cluster.status(node)) as AgentStatus).pathMtus?.narrow ?? [];

/** Packets as large as the pod's own device come back, whole or in pieces, and a TCP stream arrives. */
async function expectLargePackets(cluster: TestCluster, from: TestPod, to: TestPod): Promise<void> {
  for (const address of to.ips)
    await eventually(
      async () =>
        (await cluster.run(from.netns, ['ping', '-c', '1', '-W', '5', '-M', 'dont', '-s', '1380', address])).code === 0,
      PATIENCE,
    );
  cluster.start(to.netns, ['busybox', 'nc', '-ll', '-p', '9000', '-e', 'busybox', 'head', '-c', '300000', '/dev/zero']);
  const fetch = `busybox timeout 30 busybox nc ${to.ips[0]!} 9000 | busybox wc -c`;
  await eventually(async () => (await cluster.run(from.netns, ['sh', '-c', fetch])).output.trim() === '300000');
}

describe.concurrent('the MTU of the way to another node', { timeout: 3 * PATIENCE }, () => {
  it.each([
    ['vxlan', 4, 'silent', 50],
    ['vxlan', 4, 'tells', 50],
    ['vxlan', 6, 'silent', 70],
    ['vxlan', 6, 'tells', 70],
    ['host-gw', 4, 'switch', 0],
    ['host-gw', 6, 'switch', 0],
  ] as const)(
    'is found with backend %s over IPv%i where a link in between is smaller (%s)',
    async (backend, family, router, overhead) => {
      const families = [family];
      await using cluster = await TestCluster.create({
        backend,
        pools: [backend === 'host-gw' && family === 6 ? 'fd00:10:244::/56' : '10.244.0.0/16'],
      });
      await cluster.addNode('n1', 'a', { families });
      const first = await cluster.addPod('n1', 'first');
      await addNodeBehindNarrowLink(cluster, backend === 'host-gw' ? 'a' : 'b', { families, router });
      const far = await cluster.addPod('n2', 'far');
      await eventually(async () => (await narrowOf(cluster, 'n1')).length > 0, PATIENCE);
      await eventually(async () => (await narrowOf(cluster, 'n2')).length > 0, PATIENCE);
      const [found] = await narrowOf(cluster, 'n1');
      expect(found).toEqual({ peer: 'n2', mtu: expect.any(Number) as number, route: 1500 });
      expect(found!.mtu - NARROW).toBeOneOf(backend === 'host-gw' ? [0, TAG] : [0]);
      // Pods keep their MTU, and are told what passes.
      using pod = openNetlink({ netns: first.netns });
      expect(pod.link('eth0')?.mtu).toBe(1500 - overhead);
      const headers = far.ips[0]!.includes(':') ? 48 : 28;
      const whole = (bytes: number) =>
        cluster.run(first.netns, ['ping', '-c', '1', '-W', '5', '-M', 'do', '-s', `${bytes - headers}`, far.ips[0]!]);
      await eventually(async () => (await whole(found!.mtu - overhead)).code === 0, PATIENCE);
      expect((await whole(found!.mtu - overhead + 1)).output).toMatch(
        new RegExp(`mtu[ =]*:? ?${found!.mtu - overhead}`, 'iu'),
      );
      await expectLargePackets(cluster, first, far);
      if (family === 4) await expectLargePackets(cluster, far, first);
    },
  );

  it('is found by each address that routes lead by, where one of them becomes a black hole later', async () => {
    await using cluster = await TestCluster.create({
      backend: 'host-gw',
      pools: ['10.244.0.0/16', 'fd00:10:244::/56'],
    });
    for (const name of ['n1', 'n2']) await cluster.addNode(name);
    await cluster.addPod('n2', 'far');
    const answering = async () => ((await cluster.status('n1')) as AgentStatus).pathMtus?.answering === 1;
    await eventually(answering, PATIENCE);
    expect(await narrowOf(cluster, 'n1')).toEqual([]);
    const rules = `add table inet t; add chain inet t i { type filter hook prerouting priority -400; }; add rule inet t i meta nfproto ipv6 meta length > ${NARROW} drop`;
    expect(await cluster.run(cluster.nodes.get('n2')!.netns, ['nft', rules])).toEqual({ code: 0, output: '' });
    await eventually(async () => (await narrowOf(cluster, 'n1'))[0]?.mtu === NARROW, PATIENCE);
    // Only what goes that way is to be smaller.
    const { netns } = cluster.nodes.get('n1')!;
    const routes = async (family: '-4' | '-6'): Promise<string> =>
      (await cluster.run(netns, ['ip', family, 'route', 'show', 'proto', '80'])).output;
    await eventually(async () => (await routes('-6')).includes(`mtu ${NARROW}`));
    expect(await routes('-4')).toContain('via 172.30.1.12');
    expect(await routes('-4')).not.toContain('mtu');
  });
});
