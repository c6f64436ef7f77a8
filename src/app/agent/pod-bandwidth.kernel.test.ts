import { describe, expect, it } from 'vitest';
import { openNetlink } from '../../host/netlink/kernel.ts';
import { TestCluster } from './cluster.test-support.ts';
import type { TestPod } from './cluster.test-support.ts';

/** Bits, as the capability has them; bytes below. */
const RATE = 4_000_000;
const BURST = 800_000;
const LIMITED = {
  bandwidth: { ingressRate: RATE, ingressBurst: BURST, egressRate: RATE, egressBurst: BURST },
};
/** What the flood sends: many times what passes while it does, however slow the machine. */
const DATAGRAMS = 20_000;
const SIZE = 1200;
/** Of Ethernet, IPv4 and UDP. */
const HEADERS = 42;

/** Bytes that one pod receives of a flood of another, and for how many seconds it could have been receiving. */
async function flood(cluster: TestCluster, from: TestPod, to: TestPod): Promise<{ bytes: number; seconds: number }> {
  const received = async (): Promise<number> =>
    Number((await cluster.run(to.netns, ['ip', '-s', '-j', 'link', 'show', 'eth0'])).output.match(RX_BYTES)![1]);
  const before = await received();
  const start = performance.now();
  const script = `const socket = require('dgram').createSocket('udp4'), data = Buffer.alloc(${SIZE});
    let left = ${DATAGRAMS};
    const next = () => left-- > 0 ? socket.send(data, 9, '${to.ips[0]}', next) : socket.close();
    next();`;
  expect(await cluster.run(from.netns, [process.execPath, '-e', script])).toMatchObject({ code: 0 });
  const bytes = (await received()) - before;
  return { bytes, seconds: (performance.now() - start) / 1000 };
}

const RX_BYTES = /"rx":\{"bytes":(\d+)/;

describe('the bandwidth of a pod', { timeout: 900_000 }, () => {
  it('is never more than the rate and one burst, either way', async () => {
    await using cluster = await TestCluster.create();
    await cluster.addNode('n1');
    const limited = await cluster.addPod('n1', 'limited', {}, LIMITED);
    const other = await cluster.addPod('n1', 'other');
    for (const [from, to] of [
      [other, limited],
      [limited, other],
    ] as const) {
      const { bytes, seconds } = await flood(cluster, from, to);
      const most = (BURST + RATE * seconds) / 8;
      expect(bytes).toBeLessThanOrEqual(most * 1.01 + SIZE + HEADERS);
      // A burst passes at once.
      expect(bytes).toBeGreaterThan((BURST / 8) * 0.9);
    }
  });

  it('is CHECKed, and leaves nothing behind', async () => {
    await using cluster = await TestCluster.create();
    await cluster.addNode('n1');
    const { netns } = cluster.nodes.get('n1')!;
    using netlink = openNetlink({ netns });
    const shapers = () => netlink.links({ kind: 'ifb' });
    const pod = await cluster.addPod('n1', 'limited', {}, LIMITED);
    const check = { ...pod.request, command: 'CHECK' } as const;
    await cluster.stopAgent('n1');
    await cluster.startAgent('n1');
    await cluster.cni('n1', check);
    const { name: host, mtu } = netlink.links({ kind: 'veth' }).find(({ name }) => name.startsWith('slc'))!;
    const [shaper] = shapers();
    expect(shaper).toMatchObject({ up: true, mtu });
    await cluster.run(netns, ['tc', 'qdisc', 'del', 'dev', host, 'root']);
    await expect(cluster.cni('n1', check)).rejects.toThrow('does not limit what the pod gets to 4000000 bit/s');
    await cluster.run(netns, ['tc', 'qdisc', 'del', 'dev', host, 'ingress']);
    await expect(cluster.cni('n1', check)).rejects.toThrow(`does not pass interface ${shaper!.name}`);
    // The runtime asks again: what is not as it should be is made anew.
    await cluster.cni('n1', pod.request);
    await cluster.cni('n1', check);

    await cluster.cni('n1', { ...pod.request, command: 'DEL' });
    expect(shapers()).toEqual([]);
    await cluster.cni('n1', pod.request);
    expect(shapers()).toHaveLength(1);
    // The sandbox ends while nobody looks.
    await cluster.stopAgent('n1');
    netlink.apply([{ kind: 'delete-link', link: host }]);
    await cluster.startAgent('n1');
    expect(shapers()).toEqual([]);
  });

  it('that no full packet would pass is refused, and nothing of the pod is left', async () => {
    await using cluster = await TestCluster.create();
    await cluster.addNode('n1');
    using netlink = openNetlink({ netns: cluster.nodes.get('n1')!.netns });
    const narrow = { bandwidth: { egressRate: RATE, egressBurst: 8000 } };
    await expect(cluster.addPod('n1', 'narrow', {}, narrow)).rejects.toThrow(
      /bandwidth\.egressBurst 8000 is less than one packet of \d+ bytes/,
    );
    expect(netlink.links({ kind: 'veth' }).filter(({ name }) => name.startsWith('slc'))).toEqual([]);
  });
});
