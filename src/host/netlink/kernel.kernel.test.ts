import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseCidr, parseIp } from '../../base/ip/index.ts';
import { createNetns, deleteNetns } from '../netns/netns.ts';
import { enterPrivateNetwork } from '../netns/testing.ts';
import { netlinkContract } from './contract.ts';
import type { TwoNamespaces } from './contract.ts';
import { openNetlink } from './kernel.ts';
import { kernelMakes } from './rare-links.test-support.ts';

const directory = enterPrivateNetwork();
let made = 0;

/** Two fresh namespaces; deleting them takes every link along. */
function twoNamespaces(): TwoNamespaces {
  const [nearPath, farPath] = ['near', 'far'].map((name) => join(directory!, `${name}-${++made}`)) as [string, string];
  createNetns(nearPath);
  createNetns(farPath);
  const near = openNetlink({ netns: nearPath });
  const far = openNetlink({ netns: farPath });
  return {
    near,
    far,
    farPath,
    [Symbol.dispose]: () => {
      near[Symbol.dispose]();
      far[Symbol.dispose]();
      deleteNetns(nearPath);
      deleteNetns(farPath);
    },
  };
}

describe.skipIf(directory === undefined)('the kernel', () => {
  netlinkContract('kernel netlink', twoNamespaces, kernelMakes);

  /** What iproute2 sees in the namespace of this process. */
  const ip = (...args: string[]): unknown =>
    JSON.parse(execFileSync('ip', ['-j', '-d', ...args], { encoding: 'utf8' }));

  it('shows iproute2 the same links, routes, neighbours and rules', () => {
    using netlink = openNetlink();
    netlink.apply([
      { kind: 'add-link', link: { type: 'bridge', name: 'br0', up: true } },
      { kind: 'add-address', address: { link: 'br0', address: parseCidr('172.30.1.11/24')! } },
      {
        kind: 'add-link',
        link: {
          type: 'vxlan',
          name: 'vxlan.sluice',
          mtu: 1450,
          up: true,
          vxlan: { vni: 4096, port: 4789, local: parseIp('172.30.1.11')!, device: 'br0' },
        },
      },
      {
        kind: 'add-route',
        route: {
          destination: parseCidr('10.244.1.0/26')!,
          via: parseIp('10.244.1.0')!,
          link: 'vxlan.sluice',
          onlink: true,
          protocol: 80,
          mtu: 1400,
        },
      },
      { kind: 'add-route', route: { destination: parseCidr('10.244.0.0/26')!, type: 'blackhole', protocol: 80 } },
      { kind: 'add-route', route: { destination: parseCidr('fd00::/122')!, type: 'blackhole', protocol: 80 } },
      {
        kind: 'replace-neighbour',
        neighbour: { link: 'vxlan.sluice', ip: parseIp('10.244.1.0')!, mac: '66:00:00:00:00:02' },
      },
      { kind: 'add-rule', rule: { family: 4, priority: 500, table: 1000, mark: { value: 0x100, mask: 0xff00 } } },
    ]);
    expect(ip('link', 'show', 'vxlan.sluice')).toMatchObject([
      {
        mtu: 1450,
        linkinfo: { info_data: { id: 4096, port: 4789, local: '172.30.1.11', link: 'br0', learning: false } },
      },
    ]);
    expect(ip('route', 'show', 'proto', '80')).toMatchObject([
      { type: 'blackhole', dst: '10.244.0.0/26' },
      { type: 'unicast', dst: '10.244.1.0/26', gateway: '10.244.1.0', flags: ['onlink'], metrics: [{ mtu: 1400 }] },
    ]);
    expect(ip('-6', 'route', 'show', 'type', 'blackhole')).toMatchObject([{ dst: 'fd00::/122' }]);
    expect(ip('neigh', 'show', 'dev', 'vxlan.sluice', 'nud', 'permanent')).toMatchObject([
      { dst: '10.244.1.0', lladdr: '66:00:00:00:00:02' },
    ]);
    expect(ip('rule', 'show', 'priority', '500')).toMatchObject([{ fwmark: '0x100', fwmask: '0xff00', table: '1000' }]);
  });

  it('names what failed and why, with the words of the kernel', () => {
    using netlink = openNetlink();
    const route = { destination: parseCidr('10.9.0.0/24')!, via: parseIp('192.0.2.1')! };
    expect(() => netlink.apply([{ kind: 'add-route', route }])).toThrow(
      'adding route 10.9.0.0/24 via 192.0.2.1 failed with ENETUNREACH: Nexthop has invalid gateway',
    );
  });
});
