import { expect, it } from 'vitest';
import { BGP_CONFIGURATIONS, BGP_PEERS, IP_POOLS, NODES, SECRETS, SERVICES } from '../../host/kube-client/resources.ts';
import type { Resource } from '../../host/kube-client/types.ts';
import { FakeNode } from './fake-node.test-support.ts';

const [WRITTEN, STORED] = BGP_CONFIGURATIONS as [Resource, Resource];
const [PEERS] = BGP_PEERS as [Resource, Resource];

const latest = ({ birdTexts }: FakeNode): string => birdTexts.at(-1) ?? '';

async function started(): Promise<FakeNode> {
  const node = await FakeNode.create();
  await node.start({ backend: 'none' });
  await node.until(() => node.birdTexts.length > 0);
  return node;
}

it('starts BIRD only for the backend that leaves routes to it', async () => {
  await using node = await FakeNode.create();
  await node.start();
  expect(node.birdTexts).toEqual([]);
});

it('tells BIRD of what changes, and of nothing else', async () => {
  await using node = await started();
  expect(latest(node)).toContain('router id 172.30.1.11;');
  const spec = { peerIP: '192.0.2.1', asNumber: 65_000 };
  await node.client.create(PEERS, { metadata: { name: 'tor' }, spec } as object);
  await node.until(() => latest(node).includes('protocol bgp Global_192_0_2_1 {'));
  const texts = node.birdTexts.length;
  // What kubelets write every few seconds, and a Service where none are advertised.
  await node.client.updateStatus(NODES, {
    metadata: { name: 'n1' },
    status: { addresses: [{ type: 'InternalIP', address: '172.30.1.11' }], images: [] },
  } as object);
  await node.client.create(SERVICES, {
    metadata: { name: 'web', namespace: 'default' },
    spec: { clusterIP: '10.96.0.10', clusterIPs: ['10.96.0.10'], ports: [{ port: 80 }] },
  } as object);
  await node.client.patch(IP_POOLS, { name: 'pool' }, 'merge', { spec: { disableBGPExport: true } });
  await node.until(() => latest(node).includes('net ~ [ 10.244.0.0/24+ ] then reject;'));
  expect(node.birdTexts).toHaveLength(texts + 1);
});

it('takes a configuration as it stands in the group that people write, wherever else it is', async () => {
  await using node = await started();
  const spec = { serviceClusterIPs: [{ cidr: '10.96.0.0/16' }] };
  await node.client.create(STORED, { metadata: { name: 'default' }, spec } as object);
  await node.until(() => latest(node).includes('route 10.96.0.0/16 blackhole;'));
  const other = { serviceClusterIPs: [{ cidr: '10.97.0.0/16' }] };
  await node.client.create(WRITTEN, { metadata: { name: 'default' }, spec: other } as object);
  await node.until(() => latest(node).includes('route 10.97.0.0/16 blackhole;'));
  expect(latest(node)).not.toContain('10.96.0.0/16');
});

it('has no session without its password, and says so', async () => {
  await using node = await started();
  const password = { secretKeyRef: { name: 'bgp-secrets', key: 'tor' } };
  const spec = { peerIP: '192.0.2.1', asNumber: 65_000, password };
  await node.client.create(PEERS, { metadata: { name: 'tor' }, spec } as object);
  await node.until(() => node.warnings.some((line) => line.includes('key tor of Secret bgp-secrets')));
  expect(latest(node)).not.toContain('192.0.2.1');
  const data = { tor: Buffer.from('word').toString('base64') };
  await node.client.create(SECRETS, { metadata: { name: 'bgp-secrets', namespace: 'kube-system' }, data } as object);
  // Whatever changes next, Secrets that were wanting are looked at again.
  await node.client.patch(PEERS, { name: 'tor' }, 'merge', { spec: { maxRestartTime: '60s' } });
  await node.until(() => latest(node).includes('password "word";'));
});
