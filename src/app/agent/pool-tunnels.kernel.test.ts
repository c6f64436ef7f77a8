import { describe, expect, it } from 'vitest';
import { PATIENCE, expectConnected, expectMtu, reaches, scene } from './tunnel-scene.test-support.ts';

describe('pods of a pool that says when VXLAN wraps their packets', { timeout: 4 * PATIENCE }, () => {
  it.each([
    ['Always', 1450],
    ['CrossSubnet', 1450],
    ['Never', 1500],
  ])('reach each other with vxlanMode %s, whatever the backend of the cluster', async (vxlanMode, mtu) => {
    const setting = await scene('host-gw', { poolSpec: { vxlanMode } });
    await using cluster = setting.cluster;
    await expectConnected(setting);
    const { near, far } = setting;
    for (const address of [...near.ips, ...(far?.ips ?? [])]) await expectMtu(setting, address, mtu);
    // What is in the way of the tunnel alone.
    const blocked = ['nft', 'add table inet t; add chain inet t c { type filter hook prerouting priority -500; }; '];
    blocked[1] += 'add rule inet t c iifname "eth0" udp dport 4789 drop';
    for (const node of far === undefined ? ['n2'] : ['n2', 'n3'])
      expect(await cluster.run(cluster.nodes.get(node)!.netns, blocked)).toMatchObject({ code: 0 });
    for (const address of far?.ips ?? []) expect(await reaches(setting, address)).toBe(false);
    for (const address of near.ips) await expect.poll(() => reaches(setting, address)).toBe(vxlanMode !== 'Always');
  });
});
