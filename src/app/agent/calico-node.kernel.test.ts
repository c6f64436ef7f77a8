import { expect, it } from 'vitest';
import { IPAM_BLOCKS, NODES } from '../../host/kube-client/resources.ts';
import type { KubeObject } from '../../host/kube-client/types.ts';
import { CalicoNode } from './calico-node.test-support.ts';
import { TestCluster, eventually } from './cluster.test-support.ts';

const PATIENCE = 180_000;

/** Two nodes of Calico's, on both segments, and one of ours. */
async function mixedCluster() {
  const cluster = await TestCluster.create({ poolSpec: { vxlanMode: 'Always', blockSize: 26 } });
  await cluster.addNode('c1', 'a', { agent: false });
  await cluster.addNode('c2', 'b', { agent: false });
  const calico = [
    new CalicoNode(cluster, 'c1', '10.244.7.0/26'),
    new CalicoNode(cluster, 'c2', '10.244.9.64/26'),
  ] as const;
  await calico[0].register('172.30.1.11');
  await calico[1].register('172.30.2.12');
  await cluster.addNode('s1');
  for (const node of calico) await node.program();
  return { cluster, c1: calico[0], c2: calico[1] };
}

it("exchanges packets with nodes of Calico's, both ways and with the pods' own addresses", async () => {
  const { cluster, c1, c2 } = await mixedCluster();
  await using _ = cluster;
  const ours = await cluster.addPod('s1', 'ours');
  const [first, second] = [await c1.addPod('first', 5), await c2.addPod('second', 5)];
  for (const { netns, ip } of [first, second]) {
    await eventually(() => cluster.pings(ours.netns, ip), PATIENCE);
    await eventually(() => cluster.pings(netns, ours.ips[0]!));
    // As big as the tunnel's MTU of 1450 lets it be: headers of IP and ICMP take 28.
    const big = ['ping', '-c', '1', '-W', '1', '-M', 'do', '-s', '1422'];
    expect((await cluster.run(netns, [...big, ours.ips[0]!])).code).toBe(0);
    expect((await cluster.run(ours.netns, [...big, ip])).code).toBe(0);
  }
  cluster.serve(ours);
  const ask = ['bash', '-c', `exec 3<>/dev/tcp/${ours.ips[0]!}/8080; echo >&3; head -1 <&3`];
  await eventually(async () => (await cluster.run(first.netns, ask)).output.includes(`ours ${first.ip}`), PATIENCE);
});

it("takes a node of Calico's over without a change on any other, keeps its addresses, and hands it back", async () => {
  const { cluster, c1, c2 } = await mixedCluster();
  await using _ = cluster;
  const ours = await cluster.addPod('s1', 'ours');
  const [before, second] = [await c1.addPod('before', 5), await c2.addPod('second', 5)];
  await eventually(() => cluster.pings(ours.netns, before.ip), PATIENCE);
  const node = cluster.nodes.get('c1')!.netns;
  const links = async (): Promise<string> => (await cluster.run(node, ['ip', '-br', 'link'])).output;

  await c1.removePod(before);
  await cluster.startAgent('c1', { networkBefore: 'calico' });
  expect(await links()).not.toContain('vxlan.calico');
  const annotations = async () =>
    (
      await cluster.client.get<KubeObject & { metadata: { annotations: Record<string, string> } }>(NODES, {
        name: 'c1',
      })
    ).metadata.annotations;
  expect((await annotations())['projectcalico.org/IPv4VXLANTunnelAddr']).toBe(c1.tunnelAddress);
  const after = await cluster.addPod('c1', 'after');
  expect(after.ips[0]).toMatch(/^10\.244\.7\./);
  // The other node of Calico's has heard of nothing and been told of nothing.
  for (const peer of [second.netns, ours.netns]) await eventually(() => cluster.pings(peer, after.ips[0]!), PATIENCE);
  await eventually(() => cluster.pings(after.netns, second.ip));

  await cluster.removePod(after);
  await cluster.client.patch(NODES, { name: 'c1' }, 'merge', {
    metadata: { labels: { 'sluice.dev/network': 'none' } },
  });
  await eventually(async () => (await links()).includes('vxlan.sluice'));
  await cluster.stopAgent('c1');
  expect(await links()).not.toMatch(/sluice|slc/);
  expect((await cluster.run(node, ['nft', 'list', 'tables'])).output.trim()).toBe('');
  expect((await cluster.run(node, ['ip', 'route', 'show', 'table', 'all', 'proto', '80'])).output.trim()).toBe('');
  expect((await cluster.run(node, ['ip', 'rule', 'show'])).output.trim().split('\n')).toHaveLength(3);
  await c1.program();
  const again = await c1.addPod('again', 6);
  for (const peer of [second.netns, ours.netns]) await eventually(() => cluster.pings(peer, again.ip), PATIENCE);
  const { items } = await cluster.client.list<KubeObject & { spec: { affinity: string } }>(IPAM_BLOCKS);
  expect(items.filter(({ spec }) => spec.affinity === 'host:c1')).toHaveLength(1);
});

it("learns routes from the mesh that Calico's BIRD keeps, and tells it of its own", async () => {
  await using cluster = await TestCluster.create({ backend: 'none', poolSpec: { blockSize: 26 } });
  await cluster.addNode('c1', 'a', { agent: false });
  await cluster.addNode('s1');
  await cluster.addNode('s2');
  const calico = new CalicoNode(cluster, 'c1', '10.244.7.0/26');
  await calico.register('172.30.1.11');
  await calico.mesh();
  const theirs = await calico.addPod('theirs', 5);
  for (const name of ['s1', 's2']) {
    const ours = await cluster.addPod(name, `ours-${name}`);
    await eventually(() => cluster.pings(ours.netns, theirs.ip));
    await eventually(() => cluster.pings(theirs.netns, ours.ips[0]!));
  }
  // One route for each node's block, and none for a single pod of it.
  const routes = await cluster.run(cluster.nodes.get('c1')!.netns, ['ip', 'route', 'show', 'proto', 'bird']);
  expect(routes.output.match(/^10\.244\.\S+\/26 via 172\.30\.1\.1[23] dev eth0/gm)).toHaveLength(2);
  expect(routes.output).not.toMatch(/^10\.244\.[\d.]+ via/m);
});
