import { describe, expect, it } from 'vitest';
import { parseCidr, parseIp } from '../../base/ip/index.ts';
import { FakeNetwork } from '../netlink/fake.ts';
import type { NetworkChange, NetworkEvent } from '../netlink/port.ts';
import { FakeUserTunnels } from './fake.ts';
import { TunnelNetlink } from './tunnel-netlink.ts';

const MAC = '02:00:00:00:00:01';
const LOCAL = parseIp('192.0.2.1')!;
const ADD: NetworkChange = {
  kind: 'add-link',
  link: { type: 'tun', name: 'tun.sluice', mac: MAC, mtu: 1472, up: true, tun: { port: 8285, local: LOCAL } },
};

function fdb(kind: 'replace-fdb' | 'delete-fdb', mac: string, remote: string): NetworkChange {
  return { kind, entry: { link: 'tun.sluice', mac, remote: parseIp(remote)! } };
}

function open() {
  const network = new FakeNetwork();
  const kernel = network.netlink();
  kernel.apply([
    { kind: 'add-link', link: { type: 'bridge', name: 'eth0', up: true } },
    { kind: 'add-address', address: { link: 'eth0', address: parseCidr('192.0.2.1/24')! } },
  ]);
  const tunnels = new FakeUserTunnels(network);
  let fail: (reason: string) => void = () => undefined;
  const netlink = new TunnelNetlink(kernel, 'tun', (onFailure) => {
    fail = onFailure;
    return tunnels;
  });
  return { network, kernel, tunnels, netlink, fail: () => fail('gone') };
}

describe('netlink with tunnels in user space', () => {
  it('makes a device that is carried, with its peers, and reads both back', () => {
    const { netlink, tunnels } = open();
    const peer = fdb('replace-fdb', '02:00:00:00:00:02', '192.0.2.2');
    expect(netlink.attempt([ADD, peer])).toEqual([undefined, undefined]);
    expect(netlink.link('tun.sluice')).toMatchObject({ mac: MAC, mtu: 1472, up: true, tun: { port: 8285 } });
    expect(tunnels.tunnel?.peers).toEqual([{ mac: '02:00:00:00:00:02', remote: parseIp('192.0.2.2') }]);
    const { index } = netlink.link('tun.sluice')!;
    expect(netlink.fdb({ link: index })).toEqual([
      { link: index, mac: '02:00:00:00:00:02', remote: parseIp('192.0.2.2') },
    ]);
    netlink.apply([fdb('delete-fdb', '02:00:00:00:00:02', '192.0.2.2')]);
    expect(tunnels.tunnel?.peers).toEqual([]);
  });

  it('takes up a device that another process left, and shows no settings before', () => {
    const { network, netlink } = open();
    network.addDevice('tun.sluice', 'tun');
    expect(netlink.link('tun.sluice')?.tun).toBeUndefined();
    netlink.apply([ADD]);
    expect(netlink.link('tun.sluice')?.tun).toEqual({ port: 8285, local: LOCAL });
  });

  it('passes on why a tunnel cannot be carried, and makes the other changes all the same', () => {
    const { netlink, kernel } = open();
    kernel.apply([{ kind: 'delete-link', link: 'eth0' }]);
    const outcomes = netlink.attempt([
      ADD,
      { kind: 'add-link', link: { type: 'bridge', name: 'other' } },
      fdb('replace-fdb', '02:00:00:00:00:02', '192.0.2.2'),
    ]);
    expect(outcomes.map((each) => (each === undefined ? 'ok' : (each as { code?: string }).code))).toEqual([
      'not-found',
      'ok',
      'not-found',
    ]);
  });

  it('stops carrying what is deleted, before it is made anew', () => {
    const { netlink, tunnels } = open();
    netlink.apply([ADD]);
    netlink.apply([{ kind: 'delete-link', link: 'tun.sluice' }]);
    expect(tunnels.tunnel).toBeUndefined();
    expect(netlink.link('tun.sluice')).toBeUndefined();
    netlink.apply([ADD, { kind: 'delete-link', link: 'tun.sluice' }, ADD]);
    expect(netlink.link('tun.sluice')?.tun).toBeDefined();
  });

  it('tells watchers to look again when a tunnel is no longer carried', async () => {
    const { netlink, tunnels, fail } = open();
    netlink.apply([ADD]);
    const events: NetworkEvent[] = [];
    using _watching = netlink.watch(['link'], (event) => void events.push(event));
    tunnels.set(undefined);
    fail();
    expect(events).toEqual([{ kind: 'overrun' }]);
    expect(netlink.link('tun.sluice')?.tun).toBeUndefined();
    await netlink[Symbol.asyncDispose]();
  });
});
