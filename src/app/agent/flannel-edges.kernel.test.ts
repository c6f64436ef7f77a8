import { describe, expect, it } from 'vitest';
import { NODES } from '../../host/kube-client/resources.ts';
import { eventually } from './cluster.test-support.ts';
import { FlannelScene } from './flannel-scene.test-support.ts';

const OVERWRITE = 'flannel.alpha.coreos.com/public-ip-overwrite';

describe('a node in a network of flannel nodes', () => {
  it.each([
    { networks: 'v4', underlay: 1400, mtu: 1350 },
    { networks: 'v6', underlay: 1500, mtu: 1430 },
  ] as const)('takes from the MTU what VXLAN adds: $networks over $underlay', async ({ networks, underlay, mtu }) => {
    await using setting = await FlannelScene.create({ Type: 'vxlan' }, { networks, underlay });
    await setting.expectConnected();
    const { first, nearPod, cluster } = setting;
    expect(await setting.mtuOf(first.netns, 'eth0')).toBe(mtu);
    const device = networks === 'v4' ? 'vxlan.sluice' : 'vxlan-v6.sluice';
    expect(await setting.mtuOf(cluster.nodes.get('s1')!.netns, device)).toBe(mtu);
    await eventually(() => setting.passes(first.netns, setting.podOf(2)[0]!, mtu));
    await eventually(() => setting.passes(first.netns, setting.second.ips[0]!, mtu));
    await eventually(() => setting.passes(nearPod, first.ips[0]!, mtu));
    expect(await setting.passes(first.netns, setting.podOf(2)[0]!, mtu + 1)).toBe(false);
    expect(setting.files.get('s1')!.load()).toContain(`FLANNEL_MTU=${mtu}\n`);
    expect(setting.files.get('s1')!.load()).toContain(
      networks === 'v4' ? 'FLANNEL_SUBNET=10.244.1.1/24\n' : 'FLANNEL_IPV6_SUBNET=fd00:10:244:1::1/64\n',
    );
  });

  it('is reached at another address than it has, where an administrator says so, and so are its peers', async () => {
    await using setting = await FlannelScene.create({ Type: 'vxlan' }, { networks: 'v4', far: false });
    await setting.expectConnected();
    const { cluster, near, first, nearPod } = setting;
    const s1 = cluster.nodes.get('s1')!.netns;
    // As behind a NAT that gives packets to either address to the node.
    for (const [netns, address] of [
      [s1, '172.30.1.77/24'],
      [near.netns, '172.30.1.88/24'],
    ] as const)
      await cluster.run(netns, ['ip', 'addr', 'add', address, 'dev', 'eth0']);
    await cluster.client.patch(NODES, { name: 's1' }, 'merge', {
      metadata: { annotations: { [OVERWRITE]: '172.30.1.77' } },
    });
    const fdbOf = async (netns: string, link: string): Promise<string> =>
      (await cluster.run(netns, ['bridge', 'fdb', 'show', 'dev', link])).output;
    await eventually(async () => (await fdbOf(near.netns, 'flannel.1')).includes('dst 172.30.1.77'));
    await setting.expectPings(nearPod, first.ips);
    await setting.expectPings(first.netns, setting.podOf(2));
    await near.stop();
    await near.start(await setting.addressesOf('f1'), ['172.30.1.88']);
    await eventually(async () => (await fdbOf(s1, 'vxlan.sluice')).includes('dst 172.30.1.88'));
    await setting.expectPings(nearPod, first.ips);
    await setting.expectPings(first.netns, setting.podOf(2));
    expect(near.failures).toEqual([]);
  });

  it('is found again when its own address changes', async () => {
    await using setting = await FlannelScene.create({ Type: 'vxlan' }, { far: false });
    await setting.expectConnected();
    const { cluster, nearPod, first } = setting;
    const { netns } = cluster.nodes.get('s1')!;
    const [v4, v6] = (await setting.addressesOf('s1')) as [string, string];
    const addresses = ['172.30.1.66', 'fd00:30:1::66'];
    for (const command of [
      // First what was, for the second address of a network goes with the first, and so do routes.
      ['addr', 'del', `${v4}/24`, 'dev', 'eth0'],
      ['addr', 'del', `${v6}/64`, 'dev', 'eth0'],
      ['addr', 'add', `${addresses[0]}/24`, 'dev', 'eth0'],
      ['addr', 'add', `${addresses[1]}/64`, 'dev', 'eth0', 'nodad'],
      ['route', 'replace', 'default', 'via', '172.30.1.1'],
      ['-6', 'route', 'replace', 'default', 'via', 'fd00:30:1::1'],
    ])
      expect(await cluster.run(netns, ['ip', ...command])).toEqual({ code: 0, output: '' });
    await cluster.client.patch(
      NODES,
      { name: 's1' },
      'merge',
      { status: { addresses: addresses.map((address) => ({ type: 'InternalIP', address })) } },
      { subresource: 'status' },
    );
    await setting.expectPings(nearPod, first.ips);
    await setting.expectPings(first.netns, [...setting.podOf(2), ...setting.second.ips]);
    await setting.expectPings(setting.second.netns, first.ips);
  });

  it.each([true, false])('is understood by a node that does not agree on DirectRouting, own: %s', async (direct) => {
    await using setting = await FlannelScene.create(
      { Type: 'vxlan', DirectRouting: direct },
      { nearBackend: { Type: 'vxlan', DirectRouting: !direct } },
    );
    await setting.expectConnected();
  });
});
