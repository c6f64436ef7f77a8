import { afterEach, describe, expect, it } from 'vitest';
import { SluiceError } from '../../base/errors.ts';
import { formatCidr, parseCidr, parseIp } from '../../base/ip/index.ts';
import { silentLogger } from '../../base/log.ts';
import { DEFAULT_SETTINGS } from '../../core/routing/index.ts';
import type { RoutingInput, RoutingPool } from '../../core/routing/index.ts';
import { FakeNetwork } from '../../host/netlink/fake.ts';
import type { Netlink, NetworkChange, NetworkEvent, RouteEntry } from '../../host/netlink/port.ts';
import { FakeSysctl } from '../../host/sysctl/fake.ts';
import { NetworkDriver } from './network-driver.ts';

const ip = (text: string) => parseIp(text)!;
const cidr = (text: string) => parseCidr(text)!;

const pool = (text: string, ipipMode: RoutingPool['ipipMode']): RoutingPool => ({
  name: text,
  cidr: cidr(text),
  ipipMode,
  vxlanMode: 'Never',
});

const INPUT: RoutingInput = {
  node: 'a',
  backend: 'host-gw',
  pools: [pool('10.1.0.0/16', 'Always'), pool('10.2.0.0/16', 'Never')],
  nodes: new Map([
    ['a', { name: 'a', addresses: [ip('192.0.2.1')], tunnelAddresses: { ipip: [ip('10.1.0.1')] } }],
    ['b', { name: 'b', addresses: [ip('192.0.2.2')], tunnelAddresses: { ipip: [ip('10.1.0.65')] } }],
  ]),
  blocks: [
    { cidr: cidr('10.1.0.64/26'), node: 'b', elsewhere: [] },
    { cidr: cidr('10.2.0.64/26'), node: 'b', elsewhere: [] },
  ],
  endpoints: [],
  underlay: { subnets: [cidr('192.0.2.1/24')], links: ['eth0'], mtu: 1500, peerMtu: new Map() },
  settings: DEFAULT_SETTINGS,
  configuredMtu: 0,
};

/** A kernel that has no IPIP until it is told to have it. */
class Kernel {
  readonly netlink: Netlink;
  readonly seen: NetworkChange[] = [];
  hasIpip = false;
  /** Brings an event to whoever watches. */
  tell: (event: NetworkEvent) => void = () => undefined;

  constructor() {
    const netlink = new FakeNetwork().netlink();
    netlink.apply([
      { kind: 'add-link', link: { type: 'bridge', name: 'eth0', up: true } },
      { kind: 'add-address', address: { link: 'eth0', address: cidr('192.0.2.1/24') } },
    ]);
    const attempt = (changes: readonly NetworkChange[]): readonly (Error | undefined)[] => {
      this.seen.push(...changes);
      return changes.map((change) =>
        change.kind === 'add-link' && change.link.type === 'ipip' && !this.hasIpip
          ? new SluiceError('unsupported', 'Unknown device type')
          : netlink.attempt([change])[0],
      );
    };
    const watch = (_: unknown, listener: (event: NetworkEvent) => void): Disposable => {
      this.tell = listener;
      return new DisposableStack();
    };
    this.netlink = Object.create(netlink, { attempt: { value: attempt }, watch: { value: watch } }) as Netlink;
    // Methods with private state need their own object.
    for (const name of ['links', 'link', 'addresses', 'routes', 'rules', 'neighbours', 'fdb'] as const)
      Object.defineProperty(this.netlink, name, { value: netlink[name].bind(netlink) });
  }

  routeTo(text: string): RouteEntry {
    return this.netlink.routes({ protocol: 80 }).find(({ destination }) => formatCidr(destination) === text)!;
  }

  get routes(): readonly string[] {
    const routes = this.netlink.routes({ protocol: 80, table: 254 });
    return routes.map(({ destination }) => formatCidr(destination)).sort();
  }
}

describe('the driver of links and routes', () => {
  let driver: NetworkDriver | undefined;
  afterEach(() => driver?.stop());

  const start = (kernel: Kernel, input = () => INPUT): NetworkDriver => {
    driver = new NetworkDriver({
      netlink: kernel.netlink,
      sysctl: new FakeSysctl({}),
      log: silentLogger,
      input,
      onUnderlayChanged: () => undefined,
      onReturnPeers: () => undefined,
    });
    driver.start();
    return driver;
  };

  it('does all that needs no device which this kernel cannot make, and says what the kernel lacks', () => {
    const kernel = new Kernel();
    const { problems, error } = start(kernel).status();
    expect(kernel.routes).toEqual(['10.2.0.64/26']);
    expect(problems.map(({ code }) => code)).toEqual(['no-device']);
    expect(problems[0]?.message).toMatch(/ipip\.sluice.*Unknown device type.*CONFIG_NET_IPIP \(modprobe ipip\)/);
    expect(error).toBeUndefined();
    // What would need the device is not even tried.
    expect(kernel.seen.filter((change) => JSON.stringify(change, text).includes('ipip.sluice'))).toHaveLength(1);
  });

  it('gives pods the packet size of the underlay where nothing wraps what they send', () => {
    const kernel = new Kernel();
    const large = { type: 'bridge', name: 'large', packetSize: 200_000 } as const;
    kernel.netlink.apply([{ kind: 'add-link', link: large }]);
    const sizeOver = (links: readonly string[], pools: RoutingInput['pools']): number | undefined => {
      const underlay = { ...INPUT.underlay, links };
      const started = start(kernel, () => ({ ...INPUT, pools, blocks: INPUT.blocks.slice(-1), underlay }));
      const { podPacketSize } = started;
      started.stop();
      return podPacketSize;
    };
    const plain = INPUT.pools.slice(-1);
    expect(sizeOver(['large'], plain)).toBe(200_000);
    expect(sizeOver(['large', 'eth0'], plain)).toBeUndefined();
    expect(sizeOver([], plain)).toBeUndefined();
    kernel.hasIpip = true;
    expect(sizeOver(['large'], INPUT.pools)).toBeUndefined();
  });

  it('is not alarmed by late news of what it has changed meanwhile, but by what nobody of its own did', async () => {
    const kernel = new Kernel();
    let input = INPUT;
    const started = start(kernel, () => input);
    const before = kernel.routeTo('10.2.0.64/26');
    const b = { name: 'b', addresses: [ip('192.0.2.3')], tunnelAddresses: {} };
    input = { ...INPUT, nodes: new Map(INPUT.nodes).set('b', b) };
    started.changed();
    await new Promise((resolve) => setImmediate(resolve));
    const after = kernel.routeTo('10.2.0.64/26');
    expect(after.via).toEqual(ip('192.0.2.3'));
    // The kernel's word of the first route comes only now, then that of the second.
    kernel.tell({ kind: 'route', gone: false, route: before });
    kernel.tell({ kind: 'route', gone: false, route: after });
    expect(started.status().drifts).toBe(0);
    // Now somebody sets the first one again.
    kernel.tell({ kind: 'route', gone: false, route: before });
    expect(started.status().drifts).toBe(1);
  });

  it('makes the device as soon as the kernel can', () => {
    const kernel = new Kernel();
    const started = start(kernel);
    kernel.hasIpip = true;
    started.resync();
    expect(started.status().problems).toEqual([]);
    expect(kernel.routes).toEqual(['10.1.0.64/26', '10.2.0.64/26']);
    started.resync();
    expect(kernel.netlink.link('ipip.sluice')?.mtu).toBe(1480);
  });
});

function text(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}
