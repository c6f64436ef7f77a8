import { describe, expect, it } from 'vitest';
import { NETWORK_POLICIES } from '../../host/kube-client/resources.ts';
import { TestCluster, eventually } from './cluster.test-support.ts';

const denyAll = (name = 'deny-all') =>
  ({ metadata: { name, namespace: 'default' }, spec: { podSelector: {}, policyTypes: ['Ingress'] } }) as object;

describe('the agent on one node', () => {
  it('lets two pods ping each other, stops them by default-deny and lets them again', async () => {
    await using cluster = await TestCluster.create();
    await cluster.addNode('n1');
    const a = await cluster.addPod('n1', 'a');
    const b = await cluster.addPod('n1', 'b');
    expect(await cluster.pings(a.netns, b.ips[0]!)).toBe(true);
    await cluster.client.create(NETWORK_POLICIES, denyAll());
    await eventually(async () => !(await cluster.pings(a.netns, b.ips[0]!)));
    expect(await cluster.pings(cluster.nodes.get('n1')!.netns, b.ips[0]!)).toBe(true);
    await cluster.client.delete(NETWORK_POLICIES, { namespace: 'default', name: 'deny-all' });
    await eventually(() => cluster.pings(a.netns, b.ips[0]!));
  });
});
