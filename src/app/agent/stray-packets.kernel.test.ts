import { expect, it } from 'vitest';
import { BGP_CONFIGURATIONS, FELIX_CONFIGURATIONS } from '../../host/kube-client/resources.ts';
import type { Resource } from '../../host/kube-client/types.ts';
import { openSysctl } from '../../host/sysctl/sysctl.ts';
import { TestCluster, eventually } from './cluster.test-support.ts';

const [, BGP] = BGP_CONFIGURATIONS as [Resource, Resource];
const [, FELIX] = FELIX_CONFIGURATIONS as [Resource, Resource];
const STRAYS = [
  { address: '203.0.113.77', via: '172.30.1.11' },
  { address: 'fd00:203::77', via: 'fd00:30:1::11' },
] as const;

it('what comes to an advertised address of no Service goes the way that serviceLoopPrevention says', async () => {
  await using cluster = await TestCluster.create({ backend: 'none', pools: ['10.244.0.0/16', 'fd00:10:244::/56'] });
  const spec = { serviceExternalIPs: [{ cidr: '203.0.113.0/24' }, { cidr: 'fd00:203::/64' }] };
  await cluster.client.create(BGP, { metadata: { name: 'default' }, spec } as object);
  const prevent = (how: string) => ({ metadata: { name: 'default' }, spec: { serviceLoopPrevention: how } }) as object;
  await cluster.client.create(FELIX, prevent('Reject'));
  await cluster.addNode('n1');
  await cluster.addNode('client', 'b', { agent: false });
  // A kernel that has just sent a redirect to somebody keeps its next word to them to itself for a second.
  const sysctl = openSysctl({ netns: cluster.nodes.get('n1')!.netns });
  for (const device of ['all', 'eth0']) sysctl.write(`net/ipv4/conf/${device}/send_redirects`, 0);
  for (const { address, via } of STRAYS)
    expect(await cluster.run(cluster.router, ['ip', 'route', 'replace', address, 'via', via])).toMatchObject({
      code: 0,
    });
  const { netns } = cluster.nodes.get('client')!;
  const becomes = async (outcome: 'unreachable' | 'exceeded' | 'silence'): Promise<void> => {
    for (const { address } of STRAYS)
      await eventually(async () => {
        const { output } = await cluster.run(netns, ['ping', '-n', '-c', '1', '-W', '2', address]);
        const [found = 'silence'] = /unreachable|exceeded/u.exec(output.toLowerCase()) ?? [];
        return found === outcome;
      });
  };
  await becomes('unreachable');
  await cluster.client.update(FELIX, prevent('Disabled'));
  // Back to the router, and from there again, until its time to live is over.
  await becomes('exceeded');
  await cluster.client.update(FELIX, prevent('Drop'));
  await becomes('silence');
});
