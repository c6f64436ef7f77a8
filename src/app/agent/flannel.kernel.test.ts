import { describe, expect, it } from 'vitest';
import { NETWORK_POLICIES, NODES } from '../../host/kube-client/resources.ts';
import { eventually } from './cluster.test-support.ts';
import { FlannelScene } from './flannel-scene.test-support.ts';

/** From now on the underlay carries no VXLAN to or from the node. */
async function refuseVxlan({ cluster }: FlannelScene, node: string): Promise<void> {
  const rules = ['add table inet t', 'add chain inet t c { type filter hook prerouting priority -500; }'];
  rules.push('add rule inet t c iifname "eth0" udp dport 8472 drop');
  expect(await cluster.run(cluster.nodes.get(node)!.netns, ['nft', rules.join('; ')])).toEqual({ code: 0, output: '' });
}

describe('a node in a network of flannel nodes', () => {
  it('exchanges packets of both families over VXLAN, under its own policies and with the true addresses', async () => {
    await using setting = await FlannelScene.create({ Type: 'vxlan' });
    const { cluster } = setting;
    const { first, nearPod } = setting;
    // Addresses of its podCIDRs alone, because all of these is sent here.
    expect(first.ips).toEqual([expect.stringMatching(/^10\.244\.1\.\d+$/u), expect.stringMatching(/^fd00:10:244:1:/u)]);
    await setting.expectConnected();
    cluster.serve(first);
    const ask = async (): Promise<string> =>
      (await cluster.run(nearPod, ['busybox', 'timeout', '3', 'busybox', 'nc', first.ips[0]!, '8080'])).output;
    await eventually(async () => (await ask()) === `first ${setting.podOf(2)[0]}`);
    await cluster.client.create(NETWORK_POLICIES, {
      metadata: { name: 'only-far', namespace: 'default' },
      spec: {
        podSelector: {},
        policyTypes: ['Ingress'],
        ingress: [{ from: [{ ipBlock: { cidr: '10.244.3.77/32' } }] }],
      },
    } as object);
    await eventually(async () => !(await cluster.pings(nearPod, first.ips[0]!)));
    await setting.expectPings(setting.farPod!, [first.ips[0]!]);
    expect(await cluster.pings(setting.farPod!, first.ips[1]!)).toBe(false);
  });

  it('follows a flannel node that goes and comes back with other hardware and another address', async () => {
    await using setting = await FlannelScene.create({ Type: 'vxlan', VNI: 7, Port: 9000 }, { far: false });
    const { cluster } = setting;
    const { near, first, nearPod } = setting;
    await setting.expectConnected();
    await near.stop();
    const { netns } = near;
    await cluster.run(netns, ['ip', 'addr', 'add', '172.30.1.99/24', 'dev', 'eth0']);
    await cluster.run(netns, ['ip', 'addr', 'add', 'fd00:30:1::99/64', 'dev', 'eth0', 'nodad']);
    await near.start(['172.30.1.99', 'fd00:30:1::99']);
    await setting.expectPings(first.netns, setting.podOf(2));
    await setting.expectPings(nearPod, first.ips);
    const node = cluster.nodes.get('s1')!.netns;
    const fdb = (await cluster.run(node, ['bridge', 'fdb', 'show', 'dev', 'vxlan.sluice'])).output;
    expect(fdb).toContain('dst 172.30.1.99');
    await near.stop();
    await cluster.client.delete(NODES, { name: 'f1' });
    const routes = async (): Promise<string> =>
      (await cluster.run(node, ['ip', 'route'])).output + (await cluster.run(node, ['ip', '-6', 'route'])).output;
    await eventually(async () => !(await routes()).match(/10\.244\.2\.|fd00:10:244:2:/u));
    expect(await routes()).toMatch(/blackhole 10\.244\.1\.0\/24/u);
  });

  it('routes directly to those of its own segment where DirectRouting says so', async () => {
    await using setting = await FlannelScene.create({ Type: 'vxlan', DirectRouting: true });
    await setting.expectConnected();
    await refuseVxlan(setting, 's1');
    await setting.expectPings(setting.first.netns, setting.podOf(2));
    await setting.expectPings(setting.nearPod, setting.first.ips);
    expect(await setting.cluster.pings(setting.farPod!, setting.first.ips[0]!)).toBe(false);
  });

  it('routes directly with host-gw', async () => {
    await using setting = await FlannelScene.create({ Type: 'host-gw' }, { far: false });
    await setting.expectConnected();
    expect(setting.first.ips[0]).toMatch(/^10\.244\.1\./u);
  });
});
