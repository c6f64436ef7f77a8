import { describe, expect, it } from 'vitest';
import { kernelMakes } from '../../host/netlink/rare-links.test-support.ts';
import { eventually } from './cluster.test-support.ts';
import { FlannelScene } from './flannel-scene.test-support.ts';

describe.skipIf(!kernelMakes('ipip'))('a node in a network of flannel nodes that speak IPIP', () => {
  it('exchanges packets with those elsewhere through it, and with its neighbours without', async () => {
    await using setting = await FlannelScene.create({ Type: 'ipip', DirectRouting: true }, { networks: 'v4' });
    await setting.expectConnected();
    const { first, cluster, farPod } = setting;
    expect(first.ips[0]).toMatch(/^10\.244\.1\./u);
    expect(await setting.mtuOf(first.netns, 'eth0')).toBe(1480);
    expect(setting.files.get('s1')!.load()).toContain('FLANNEL_MTU=1480\n');
    const wayTo = async (n: number): Promise<string> => {
      const command = ['ip', 'route', 'get', setting.podOf(n)[0]!];
      return (await cluster.run(cluster.nodes.get('s1')!.netns, command)).output;
    };
    expect([await wayTo(2), await wayTo(3)]).toEqual([
      expect.stringContaining('dev eth0'),
      expect.stringContaining('dev ipip.sluice'),
    ]);
    await eventually(() => setting.passes(first.netns, setting.podOf(3)[0]!, 1480));
    await eventually(() => setting.passes(farPod!, first.ips[0]!, 1480));
  });
});
