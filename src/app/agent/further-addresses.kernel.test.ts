import { expect, it } from 'vitest';
import { parseIp } from '../../base/ip/index.ts';
import { ENDPOINT_SLICES, NETWORK_POLICIES, NODES, SERVICES } from '../../host/kube-client/resources.ts';
import type { ObjectMeta } from '../../host/kube-client/types.ts';
import { openNetlink } from '../../host/netlink/kernel.ts';
import { TestCluster, eventually } from './cluster.test-support.ts';
import { policy, service, slice } from './workloads.test-support.ts';

const ANNOTATION = 'sluice.dev/addresses';
/** Of a network beside the nodes' own: what n2 has there, and the router. */
const NEXT = [
  { own: '172.31.9.12', router: '172.31.9.1', prefix: 24 },
  { own: 'fd00:31:9::12', router: 'fd00:31:9::1', prefix: 64 },
] as const;

/** A second interface of n2 with addresses that no kubelet tells of; the router leads there. */
function addInterface(cluster: TestCluster): void {
  using router = openNetlink({ netns: cluster.router });
  const { netns } = cluster.nodes.get('n2')!;
  const peer = { name: 'eth1', netns };
  router.apply([{ kind: 'add-link', link: { type: 'veth', name: 'next', up: true, peer } }]);
  using node = openNetlink({ netns });
  node.apply([{ kind: 'set-link', link: 'eth1', up: true }]);
  for (const { own, router: other, prefix } of NEXT) {
    router.apply([{ kind: 'add-address', address: { link: 'next', address: { ip: parseIp(other)!, prefix } } }]);
    node.apply([{ kind: 'add-address', address: { link: 'eth1', address: { ip: parseIp(own)!, prefix } } }]);
  }
}

async function published(cluster: TestCluster): Promise<string | undefined> {
  const { metadata } = await cluster.client.get<{ metadata: ObjectMeta }>(NODES, { name: 'n2' });
  return metadata.annotations?.[ANNOTATION];
}

it.each(['vxlan', 'host-gw'] as const)(
  'the NodePorts of a node are known by every address that it has, and who uses them is seen, with backend %s',
  async (backend) => {
    await using cluster = await TestCluster.create({ backend, pools: ['10.244.0.0/16', 'fd00:10:244::/56'] });
    for (const name of ['n1', 'n2']) await cluster.addNode(name);
    const client = await cluster.addPod('n1', 'client', { app: 'client' });
    const web = await cluster.addPod('n2', 'web', { app: 'web' });
    cluster.serve(web, 6);
    await cluster.client.create(SERVICES, service('10.96.0.1', 'fd00:10:96::1'));
    for (const family of [4, 6] as const) await cluster.client.create(ENDPOINT_SLICES, slice(web, family));
    await cluster.client.create(
      NETWORK_POLICIES,
      policy('only', {
        podSelector: { matchLabels: { app: 'web' } },
        ingress: [{ from: [{ podSelector: { matchLabels: { app: 'client' } } }] }],
      }),
    );
    expect(await published(cluster)).toBeUndefined();
    addInterface(cluster);
    await eventually(async () => (await published(cluster)) === NEXT.map(({ own }) => own).join());
    const ask = async (netns: string, address: string): Promise<string> =>
      (await cluster.run(netns, ['busybox', 'timeout', '3', 'busybox', 'nc', address, '30080'])).output;
    const { netns } = cluster.nodes.get('n1')!;
    for (const [i, { own }] of NEXT.entries()) {
      await eventually(async () => (await ask(client.netns, own)).endsWith(client.ips[i]!));
      // The node is no such pod, whichever address it asks.
      expect(await ask(netns, own)).not.toContain('web');
    }
    await cluster.client.delete(NETWORK_POLICIES, { namespace: 'default', name: 'only' });
    for (const { own } of NEXT) await eventually(async () => (await ask(netns, own)).startsWith('web'));

    // Of what the node itself asks another one for, a tunnel shows its first address and a plain route the one that it took.
    const near = await cluster.addPod('n1', 'near', { app: 'web' });
    cluster.serve(near, 6);
    const first = ['172.30.1.12', 'fd00:30:1::12'];
    const seen = backend === 'vxlan' ? first : NEXT.map(({ own }) => own);
    const from = seen.map((ip) => ({ ipBlock: { cidr: `${ip}/${ip.includes(':') ? 128 : 32}` } }));
    await cluster.client.create(NETWORK_POLICIES, policy('only', { podSelector: {}, ingress: [{ from }] }));
    for (const family of [4, 6] as const) await cluster.client.update(ENDPOINT_SLICES, slice(near, family));
    const other = cluster.nodes.get('n2')!.netns;
    for (const [i, address] of ['172.30.1.11', '[fd00:30:1::11]'].entries()) {
      // The answer is none of HTTP's.
      const curl = ['curl', '-s', '-m', '10', '--http0.9', '--interface', NEXT[i]!.own, `http://${address}:30080/`];
      await eventually(async () => (await cluster.run(other, curl)).output.startsWith('near'));
    }
    await cluster.run(other, ['ip', 'link', 'delete', 'eth1']);
    await eventually(async () => (await published(cluster)) === undefined);
  },
);
