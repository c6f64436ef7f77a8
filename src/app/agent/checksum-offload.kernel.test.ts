import { describe, expect, it } from 'vitest';
import { ipToBytes, parseIp } from '../../base/ip/index.ts';
import { openOffloads } from '../../host/ethtool/ethtool.ts';
import { openChecksumProbe } from '../../host/probe/checksum-probe.ts';
import { TestCluster, eventually } from './cluster.test-support.ts';
import type { AgentStatus } from './status.ts';

const PATIENCE = 180_000;
/** UDP header and payload of the datagrams that try a device. */
const DATAGRAM = 24;
const UDP = 17;

/** What stands in a datagram's checksum until a device computes it: that of addresses, protocol and length (RFC 768). */
function unfinished(source: string, destination: string): number {
  const bytes = [source, destination].flatMap((text) => [...ipToBytes(parseIp(text)!)]);
  let sum = UDP + DATAGRAM;
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i]! << 8) | bytes[i + 1]!;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum;
}

async function clusterOfTwo(): Promise<TestCluster> {
  const cluster: TestCluster = await TestCluster.create({
    backend: 'vxlan',
    world: (name) => {
      const { netns } = cluster.nodes.get(name)!;
      return { checksums: { offloads: openOffloads({ netns }), kernel: '6.1.0', probe: openChecksumProbe({ netns }) } };
    },
  });
  await cluster.addNode('n1');
  await cluster.addNode('n2', 'a', { agent: false });
  return cluster;
}

const statusOf = async (cluster: TestCluster, node: string) => (await cluster.status(node)) as AgentStatus;
const offloadOf = async (cluster: TestCluster, node: string) => (await statusOf(cluster, node)).checksumOffload[0];

describe('checksum offload of VXLAN, tried with packets', { timeout: 3 * PATIENCE }, () => {
  it('stays on where they arrive', async () => {
    await using cluster = await clusterOfTwo();
    await cluster.startAgent('n2');
    const [peer] = (await statusOf(cluster, 'n2')).tunnelAddresses;
    await eventually(
      async () => (await offloadOf(cluster, 'n1'))?.reason === `packets with it arrive at ${peer}`,
      PATIENCE,
    );
    expect(await offloadOf(cluster, 'n1')).toMatchObject({ device: 'vxlan.sluice', txChecksum: true });
  });

  it('is switched off where what was left to the device gets lost, and only there', async () => {
    await using cluster = await clusterOfTwo();
    const [source] = (await statusOf(cluster, 'n1')).tunnelAddresses;
    await cluster.startAgent('n2');
    const [peer] = (await statusOf(cluster, 'n2')).tunnelAddresses;
    // As a network card that computes no checksum of what VXLAN carries: such packets are not taken where they arrive.
    // Behind the header of UDP come 8 bytes of VXLAN, 14 of Ethernet, 20 of IPv4, and 6 of UDP before the checksum.
    const at = 8 * (8 + 8 + 14 + 20 + 6);
    const { netns } = cluster.nodes.get('n2')!;
    const rules = [
      'add table inet t',
      'add chain inet t c { type filter hook prerouting priority -500; }',
      `add rule inet t c udp dport 4789 @th,${at},16 ${unfinished(source!, peer!)} counter drop`,
    ].join('; ');
    expect(await cluster.run(netns, ['nft', rules])).toEqual({ code: 0, output: '' });
    // What was found before the card broke is found anew.
    await cluster.stopAgent('n1');
    await cluster.startAgent('n1');
    await eventually(async () => (await offloadOf(cluster, 'n1'))?.txChecksum === false, PATIENCE);
    expect((await offloadOf(cluster, 'n1'))?.reason).toBe(
      `packets with it do not arrive at ${peer}, those without it do`,
    );
    expect(openOffloads({ netns: cluster.nodes.get('n1')!.netns }).txChecksum('vxlan.sluice')).toBe(false);
    expect(openOffloads({ netns }).txChecksum('vxlan.sluice')).toBe(true);
  });
});
