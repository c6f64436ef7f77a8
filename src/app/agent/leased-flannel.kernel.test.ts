import { describe, expect, it } from 'vitest';
import { parseEtcdNetConf } from '../../core/flannel/index.ts';
import { EtcdServer } from '../../host/etcd/etcd.test-support.ts';
import { LeaseStore } from '../../host/flannel/lease-store.ts';
import { TestCluster, eventually } from './cluster.test-support.ts';
import { FlannelNode } from './flannel-node.test-support.ts';
import type { FlannelConfig } from './flannel-node.test-support.ts';
import { withFlannel } from './flannel-options.ts';
import { storedLeases } from './flannel-sources.test-support.ts';
import { textInMemory } from './text-file.ts';

const CONFIG: FlannelConfig = {
  EnableIPv6: true,
  Network: '10.244.0.0/16',
  IPv6Network: 'fd00:10:244::/56',
  Backend: { Type: 'vxlan', DirectRouting: false },
};
const PREFIX = '/coreos.com/network';
/** Of the node that flannel runs. */
const SUBNETS = ['10.244.2.0/24', 'fd00:10:244:2::/64'];
const ADDRESSES = ['172.30.1.11', 'fd00:30:1::11'];
const POD = ['10.244.2.77', 'fd00:10:244:2::77'];

describe("a node in a flannel network without Kubernetes' podCIDRs", () => {
  it('takes a lease in etcd and exchanges packets with a flannel node that knows nothing but leases', async () => {
    await using server = await EtcdServer.start();
    server.ctl('put', `${PREFIX}/config`, JSON.stringify(CONFIG));
    using stack = new DisposableStack();
    const etcd = server.client();
    stack.defer(() => etcd.close());
    const store = new LeaseStore(etcd, PREFIX, 600);
    const reading = parseEtcdNetConf((await store.config())!);
    if (reading.kind === 'bad') throw new Error(reading.problems.join());
    const { netConf, cuts } = reading;
    const files = new Map(['s1', 's2'].map((name) => [name, textInMemory()]));
    await using cluster = await TestCluster.create({
      pools: [],
      adapt: (options) => withFlannel(options, netConf, cuts),
      world: (node) => ({ flannel: { subnetFile: files.get(node)!, etcd: { store, cuts } } }),
    });
    const pingsAll = async (from: string, to: readonly string[]): Promise<void> => {
      for (const address of to)
        await eventually(() => cluster.pings(from, address)).catch((error: unknown) => {
          throw new Error(`${from} does not reach ${address}`, { cause: error });
        });
    };

    await cluster.addNode('f1', 'a', { agent: false });
    const flannel = new FlannelNode(cluster, 'f1', CONFIG, SUBNETS, storedLeases(etcd));
    await flannel.start(ADDRESSES);
    const flannelPod = await flannel.addPod('near', POD);
    await cluster.addNode('s1', 'a');
    await cluster.addNode('s2', 'b');
    const first = await cluster.addPod('s1', 'first');
    const second = await cluster.addPod('s2', 'second');
    await pingsAll(first.netns, [...POD, ...second.ips]);
    await pingsAll(flannelPod, [...first.ips, ...second.ips]);
    await pingsAll(second.netns, POD);
    expect(flannel.failures).toEqual([]);

    // What flannel itself would have left for its plugin.
    const subnet = first.ips[0]!.replace(/\d+$/u, '1/24');
    const number = subnet.split('.')[2]!;
    expect(files.get('s1')!.load()).toMatch(
      `FLANNEL_NETWORK=10.244.0.0/16\nFLANNEL_SUBNET=${subnet}\nFLANNEL_IPV6_NETWORK=fd00:10:244::/56\nFLANNEL_IPV6_SUBNET=fd00:10:244:`,
    );
    expect(files.get('s1')!.load()).toMatch(/FLANNEL_MTU=1430\nFLANNEL_IPMASQ=true\n$/u);

    // Neither etcd nor the agent is needed for what there is, and both come back to the same.
    await server.kill();
    const problems = async (): Promise<string> => JSON.stringify(await cluster.status('s2'));
    await eventually(async () => (await problems()).includes("flannel's leases in etcd are not followed"));
    await cluster.stopAgent('s1');
    await pingsAll(first.netns, [...POD, ...second.ips]);
    await server.start();
    await cluster.startAgent('s1');
    await pingsAll(flannelPod, first.ips);
    await eventually(async () => !(await problems()).includes('not followed'));
    const third = await cluster.addPod('s1', 'third');
    expect(third.ips[0]).toMatch(`10.244.${number}.`);

    // Somebody else gets the lease: new pods have addresses of another one, and are reached.
    const own = server.ctl('get', '--prefix', '--keys-only', `${PREFIX}/subnets/10.244.${number}.0-24`).trim();
    server.ctl(
      'put',
      own,
      JSON.stringify({ PublicIP: '172.30.1.99', PublicIPv6: 'fd00:30:1::99', BackendType: 'vxlan' }),
    );
    await eventually(() => !files.get('s1')!.load()!.includes(subnet));
    const [next] = /FLANNEL_SUBNET=10\.244\.\d+\./u.exec(files.get('s1')!.load()!)!;
    const has = next.slice('FLANNEL_SUBNET='.length);
    await eventually(async () => JSON.stringify(await cluster.status('s1')).includes(`"${has}0/`));
    const fourth = await cluster.addPod('s1', 'fourth');
    expect(fourth.ips[0]).toMatch(has);
    await pingsAll(flannelPod, fourth.ips);
    await pingsAll(fourth.netns, [...POD, ...second.ips]);

    // A lease that is gone takes its routes with it.
    await flannel.stop();
    server.ctl('del', `${PREFIX}/subnets/10.244.2.0-24&fd00:10:244:2::-64`);
    const node = cluster.nodes.get('s1')!.netns;
    const routes = async (): Promise<string> =>
      (await cluster.run(node, ['ip', 'route'])).output + (await cluster.run(node, ['ip', '-6', 'route'])).output;
    await eventually(async () => !(await routes()).match(/10\.244\.2\.|fd00:10:244:2:/u));
  });
});
