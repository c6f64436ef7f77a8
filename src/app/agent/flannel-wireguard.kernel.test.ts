import { describe, expect, it } from 'vitest';
import { ENDPOINT_SLICES, NODES, SERVICES } from '../../host/kube-client/resources.ts';
import { kernelMakes } from '../../host/netlink/rare-links.test-support.ts';
import { newPrivateKey } from '../../host/wireguard/key.ts';
import { openWireguard } from '../../host/wireguard/kernel.ts';
import { eventually } from './cluster.test-support.ts';
import { FlannelScene } from './flannel-scene.test-support.ts';
import { service, slice } from './workloads.test-support.ts';

// Emulated machines are slow.
const PATIENCE = 120_000;

/** From now on the node counts what comes of pods' packets as they are, and lets nothing of it in. */
async function refusePlain({ cluster }: FlannelScene, node: string): Promise<() => Promise<string>> {
  const { netns } = cluster.nodes.get(node)!;
  const rules = [
    'add table inet t',
    'add counter inet t plain',
    'add chain inet t c { type filter hook prerouting priority -500; }',
    'add rule inet t c iifname "eth0" ip saddr 10.244.0.0/16 counter name plain drop',
    'add rule inet t c iifname "eth0" ip6 saddr fd00:10:244::/56 counter name plain drop',
  ].join('; ');
  expect(await cluster.run(netns, ['nft', rules])).toEqual({ code: 0, output: '' });
  return async () => (await cluster.run(netns, ['nft', 'list counter inet t plain'])).output;
}

function keysIn({ cluster }: FlannelScene, node: string, device: string) {
  using wireguard = openWireguard({ netns: cluster.nodes.get(node)!.netns });
  return wireguard.device(device)?.peers.map(({ publicKey, keepaliveSeconds }) => ({ publicKey, keepaliveSeconds }));
}

describe.skipIf(!kernelMakes('wireguard'))('a node in a network of flannel nodes that speak WireGuard', () => {
  it('exchanges packets with them through a device of each family, all of it encrypted', async () => {
    const more = { PSK: newPrivateKey(), PersistentKeepaliveInterval: 25, ListenPort: 51_900 };
    await using setting = await FlannelScene.create({ Type: 'wireguard', ...more });
    const { cluster, first, near, nearPod } = setting;
    const plain = [await refusePlain(setting, 's1'), await refusePlain(setting, 'f1')];
    await setting.expectConnected();
    for (const count of plain) expect(await count()).toContain('packets 0 bytes 0');
    expect(await setting.mtuOf(first.netns, 'eth0')).toBe(1420);
    expect(setting.files.get('s1')!.load()).toContain('FLANNEL_MTU=1420\n');
    for (const address of setting.podOf(2))
      await eventually(() => setting.passes(first.netns, address, 1420), PATIENCE);
    expect(keysIn(setting, 's1', 'fl-wg-v6.sluice')).toHaveLength(3);

    // A client outside is not of the subnet that the node may send from, and comes with the node's own address.
    const pod = { ...first, name: 'near', node: 'f1', netns: nearPod, ips: setting.podOf(2) };
    cluster.serve(pod);
    await cluster.client.create(SERVICES, service('10.96.0.1'));
    await cluster.client.create(ENDPOINT_SLICES, slice(pod));
    const ask = async (netns: string, ...where: readonly string[]): Promise<string> =>
      (await cluster.run(netns, ['busybox', 'timeout', '10', 'busybox', 'nc', ...where])).output;
    await eventually(async () => (await ask(cluster.router, '172.30.1.1', '1')) === '', PATIENCE);
    await eventually(async () => (await ask(cluster.router, '172.30.1.11', '30080')) === 'near 10.244.1.0', PATIENCE);
    await eventually(async () => (await ask(first.netns, '10.96.0.1', '80')) === `near ${first.ips[0]}`, PATIENCE);

    // The same node with another key and another address, and then none.
    const before = keysIn(setting, 's1', 'fl-wg.sluice');
    await near.stop();
    for (const address of ['172.30.1.99/24', 'fd00:30:1::99/64'])
      await cluster.run(near.netns, ['ip', 'addr', 'add', address, 'dev', 'eth0']);
    await near.start(['172.30.1.99', 'fd00:30:1::99']);
    await setting.expectPings(first.netns, setting.podOf(2));
    await setting.expectPings(nearPod, first.ips);
    const after = keysIn(setting, 's1', 'fl-wg.sluice');
    expect(after).toHaveLength(3);
    expect(after).not.toEqual(before);
    expect(after?.every(({ keepaliveSeconds }) => keepaliveSeconds === 25)).toBe(true);
    await near.stop();
    await cluster.client.delete(NODES, { name: 'f1' });
    await eventually(() => keysIn(setting, 's1', 'fl-wg.sluice')?.length === 2, PATIENCE);
    expect(near.failures).toEqual([]);
  });

  it('exchanges packets of both families through one device, where the network has it so', async () => {
    await using setting = await FlannelScene.create({ Type: 'wireguard', Mode: 'auto' }, { far: false });
    await setting.expectConnected();
    const { cluster } = setting;
    const { netns } = cluster.nodes.get('s1')!;
    expect((await cluster.run(netns, ['ip', 'link', 'show', 'fl-wg-v6.sluice'])).code).not.toBe(0);
    // Somebody deletes the device: it comes back with its key and its peers.
    await cluster.run(netns, ['ip', 'link', 'del', 'fl-wg.sluice']);
    await setting.expectConnected();
  });
});
