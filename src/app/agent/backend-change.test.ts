import { describe, expect, it } from 'vitest';
import { SluiceError } from '../../base/errors.ts';
import { formatCidr, parseCidr, parseIp } from '../../base/ip/index.ts';
import { silentLogger } from '../../base/log.ts';
import type { BackendName, RoutingChange } from '../../core/routing/index.ts';
import { FakeNetwork } from '../../host/netlink/fake.ts';
import type { NetworkChange, Route } from '../../host/netlink/port.ts';
import { backendChange } from './backend-change.ts';

const cidr = (text: string) => parseCidr(text)!;
const ip = (text: string) => parseIp(text)!;

const [BIRD, AGENT] = [12, 80];

/** A node whose backend has changed to `backend`, with these routes in its kernel: destination, protocol. */
class Node {
  readonly netlink = new FakeNetwork().netlink();
  now = 0;
  hasRun = true;
  stops = 0;
  stopFails = false;
  isMixed = false;
  /** What the driver finds to be changed, again and again, and what of that was last done. */
  wanted: readonly RoutingChange[] = [];
  done: readonly RoutingChange[] = [];
  readonly change;

  constructor(backend: BackendName, routes: readonly (readonly [destination: string, protocol: number])[]) {
    this.netlink.apply([
      { kind: 'add-link', link: { type: 'bridge', name: 'eth0', up: true } },
      { kind: 'add-address', address: { link: 'eth0', address: cidr('192.0.2.1/24') } },
      ...routes.map(([destination, protocol]): NetworkChange => ({
        kind: 'add-route',
        route: route(destination, protocol),
      })),
    ]);
    this.change = backendChange(backend, {
      bird: {
        hasRun: () => this.hasRun,
        forget: () => void (this.hasRun = false),
        stop: async () => {
          this.stops++;
          if (this.stopFails) throw new SluiceError('bird-gone', 'no answer');
        },
      },
      netlink: this.netlink,
      network: () => ({ resync: () => void (this.done = this.change.due(this.wanted)) }),
      isMixed: () => this.isMixed,
      log: silentLogger,
      now: () => this.now,
    });
  }

  get routes(): readonly string[] {
    return this.netlink.routes({ protocol: BIRD }).map(({ destination }) => formatCidr(destination));
  }

  async settleAt(seconds: number): Promise<void> {
    this.now = seconds * 1000;
    await this.change.settle();
  }
}

const route = (destination: string, protocol: number): Route => ({
  destination: cidr(destination),
  via: ip('192.0.2.2'),
  link: 'eth0',
  protocol,
  metric: protocol === BIRD ? 32 : 0,
});

const [ONE, OTHER] = ['10.1.0.0/26', '10.2.0.0/26'] as const;

describe('a node that has no use for BIRD any more', () => {
  it('ends BIRD once, and takes its routes away as there are others', async () => {
    const node = new Node('vxlan', [
      [ONE, BIRD],
      [OTHER, BIRD],
      [ONE, AGENT],
    ]);
    await node.settleAt(0);
    expect(node.routes).toEqual([OTHER]);
    expect(node.hasRun).toBe(true);
    node.netlink.apply([{ kind: 'add-route', route: route(OTHER, AGENT) }]);
    await node.settleAt(10);
    expect(node).toMatchObject({ routes: [], hasRun: false, stops: 1 });
    expect(node.netlink.routes({ protocol: AGENT })).toHaveLength(2);
  });

  it('takes the last of them away when its peers have given it up', async () => {
    const node = new Node('vxlan', [[ONE, BIRD]]);
    for (const seconds of [0, 10, 119]) await node.settleAt(seconds);
    expect(node.routes).toEqual([ONE]);
    await node.settleAt(120);
    expect(node).toMatchObject({ routes: [], hasRun: false, stops: 1 });
  });

  it('leaves the routes of a BIRD alone that is not its own', async () => {
    const node = new Node('vxlan', [[ONE, BIRD]]);
    node.hasRun = false;
    for (const seconds of [0, 1000]) await node.settleAt(seconds);
    expect(node).toMatchObject({ routes: [ONE], stops: 0 });
  });

  it('tries again to end a BIRD that does not answer, and keeps its routes until then', async () => {
    const node = new Node('vxlan', [[ONE, BIRD]]);
    node.stopFails = true;
    for (const seconds of [0, 500]) await node.settleAt(seconds);
    expect(node.routes).toEqual([ONE]);
    node.stopFails = false;
    await node.settleAt(510);
    await node.settleAt(630);
    expect(node).toMatchObject({ routes: [], stops: 3 });
  });
});

describe('a node that leaves its routes to BIRD now', () => {
  const gone = (destination: string): RoutingChange => ({
    kind: 'delete-route',
    route: { destination: cidr(destination), type: 'unicast', link: 'vxlan.sluice', protocol: AGENT },
  });
  const TUNNEL: RoutingChange = { kind: 'delete-link', link: 'vxlan.sluice' };
  const POD: RoutingChange = {
    kind: 'delete-route',
    route: { destination: cidr('10.3.0.7/32'), type: 'unicast', link: 'slc1', protocol: AGENT },
  };

  it('keeps each route until BIRD has one, and the tunnel a while longer', async () => {
    const node = new Node('none', [[ONE, BIRD]]);
    node.wanted = [gone(ONE), gone(OTHER), POD, TUNNEL];
    // Before BIRD was asked for.
    expect(node.change.due(node.wanted)).toEqual([POD]);
    await node.settleAt(0);
    expect(node.done).toEqual([gone(ONE), POD]);
    node.wanted = [gone(OTHER), TUNNEL];
    await node.settleAt(60);
    expect(node.done).toEqual([]);
    node.netlink.apply([{ kind: 'add-route', route: route(OTHER, BIRD) }]);
    await node.settleAt(70);
    expect(node.done).toEqual([gone(OTHER)]);
    node.wanted = [TUNNEL];
    await node.settleAt(74);
    expect(node.done).toEqual([]);
    await node.settleAt(75);
    expect(node.done).toEqual([TUNNEL]);
  });

  it('does not wait for ever for routes that BIRD never has', async () => {
    const node = new Node('none', []);
    node.wanted = [gone(ONE), TUNNEL];
    for (const seconds of [0, 119]) await node.settleAt(seconds);
    expect(node.done).toEqual([]);
    await node.settleAt(120);
    expect(node.done).toEqual([gone(ONE), TUNNEL]);
  });

  it('waits for nodes that have not changed yet, however long that takes', async () => {
    const node = new Node('none', []);
    node.wanted = [gone(ONE), TUNNEL];
    node.isMixed = true;
    for (const seconds of [0, 1000]) await node.settleAt(seconds);
    node.isMixed = false;
    await node.settleAt(1119);
    expect(node.done).toEqual([]);
    await node.settleAt(1120);
    expect(node.done).toEqual([gone(ONE), TUNNEL]);
  });

  it('holds nothing back once nothing was left', async () => {
    const node = new Node('none', []);
    await node.settleAt(0);
    expect(node.change.due([gone(ONE), TUNNEL])).toEqual([gone(ONE), TUNNEL]);
  });
});
