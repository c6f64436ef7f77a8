import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { hostCidr, parseIp } from '../../base/ip/index.ts';
import type { Ip } from '../../base/ip/index.ts';
import { openNetlink } from '../netlink/kernel.ts';
import type { Netlink, NetworkChange } from '../netlink/port.ts';
import { createNetns, deleteNetns, inNetns } from '../netns/netns.ts';
import { enterPrivateNetwork } from '../netns/testing.ts';
import { TunnelNetlink } from '../tun/tunnel-netlink.ts';
import { startOvs } from './daemons.ts';
import { OvsTunnels } from './ovs-tunnels.ts';

const directory = enterPrivateNetwork();
const usable = directory !== undefined && existsSync('/usr/sbin/ovs-vswitchd');
const DEVICE = 'ovs.sluice';
const MTU = 1450;
/** Far beyond what it takes. */
const SOON = { timeout: 180_000 };

type Daemons = ReturnType<typeof startOvs>;

/** Two nodes on one link, each with a switch of its own. */
class Pair implements AsyncDisposable {
  readonly #paths = [1, 2].map((n) => join(directory!, `ovs-node-${n}`));
  readonly daemons: Daemons[] = [];
  readonly netlinks: Netlink[] = [];

  static async create(): Promise<Pair> {
    const pair = new Pair();
    for (const path of pair.#paths) createNetns(path);
    const veth = { type: 'veth', name: 'eth0', up: true, peer: { name: 'eth0', netns: pair.pathOf(2) } } as const;
    pair.within(1, [{ kind: 'add-link', link: veth }]);
    for (const n of [1, 2] as const) {
      pair.within(n, [
        { kind: 'set-link', link: 'lo', up: true },
        { kind: 'set-link', link: 'eth0', up: true },
        { kind: 'add-address', address: { link: 'eth0', address: { ip: outerOf(n), prefix: 24 } } },
      ]);
      pair.daemons.push(pair.startDaemons(n));
      pair.netlinks.push(pair.open(n));
      await vi.waitFor(() => pair.wire(n), SOON);
    }
    return pair;
  }

  pathOf(n: 1 | 2): string {
    return this.#paths[n - 1]!;
  }

  startDaemons(n: 1 | 2): Daemons {
    const command = ['nsenter', `--net=${this.pathOf(n)}`];
    return startOvs({ folder: join(directory!, `ovs-${n}`), command, onEnd: () => undefined });
  }

  /** As another agent on the node would see it. */
  open(n: 1 | 2): Netlink {
    const kernel = openNetlink({ netns: this.pathOf(n) });
    return new TunnelNetlink(kernel, 'ovs', () => new OvsTunnels(this.daemons[n - 1]!.sockets, kernel));
  }

  /** What the agent does for a backend with a bridge. */
  wire(n: 1 | 2, peers: readonly Ip[] = [outerOf(other(n))]): void {
    const mac = macOf(other(n));
    const ovs = { vni: 4096, port: 4789, local: outerOf(n) };
    this.netlinks[n - 1]!.apply([
      { kind: 'add-link', link: { type: 'ovs', name: DEVICE, mac: macOf(n), mtu: MTU, up: true, ovs } },
      { kind: 'replace-address', address: { link: DEVICE, address: hostCidr(innerOf(n)) } },
      { kind: 'replace-neighbour', neighbour: { link: DEVICE, ip: innerOf(other(n)), mac } },
      ...peers.map((remote) => ({ kind: 'replace-fdb', entry: { link: DEVICE, mac, remote } }) as const),
      { kind: 'replace-route', route: { destination: hostCidr(innerOf(other(n))), link: DEVICE } },
    ]);
  }

  within(n: 1 | 2, changes: readonly NetworkChange[]): void {
    using netlink = openNetlink({ netns: this.pathOf(n) });
    netlink.apply(changes);
  }

  ping(...options: readonly string[]): boolean {
    const args = ['-c1', '-W2', ...options, '10.9.2.1'];
    try {
      inNetns(this.pathOf(1), () => execFileSync('ping', args, { stdio: ['ignore', 'ignore', 'ignore'] }));
      return true;
    } catch {
      return false;
    }
  }

  /** The first packet of a flow may take the switch a while on a slow machine. */
  async reaches(...options: readonly string[]): Promise<void> {
    await vi.waitFor(() => expect(this.ping(...options)).toBe(true), SOON);
  }

  flows(n: 1 | 2): string[] {
    const bridge = `unix:${join(this.daemons[n - 1]!.sockets.folder, `${DEVICE}.mgmt`)}`;
    const text = execFileSync('ovs-ofctl', ['-O', 'OpenFlow13', '--no-stats', 'dump-flows', bridge], {
      encoding: 'utf8',
    });
    return text
      .split('\n')
      .filter((line) => line.includes('actions='))
      .map((line) => line.trim().replace(/^cookie=[^,]*, */, ''))
      .sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const each of this.daemons) await each[Symbol.asyncDispose]();
    for (const path of this.#paths) deleteNetns(path);
  }
}

function other(n: 1 | 2): 1 | 2 {
  return n === 1 ? 2 : 1;
}

function macOf(n: number): string {
  return `02:00:00:00:09:0${n}`;
}

function outerOf(n: number): Ip {
  return parseIp(`192.0.2.${n}`)!;
}

function innerOf(n: number): Ip {
  return parseIp(`10.9.${n}.1`)!;
}

describe.skipIf(!usable)('tunnels by Open vSwitch', () => {
  it('carry packets of the whole MTU between two switches, along flows of ours and nothing else', async () => {
    await using pair = await Pair.create();
    await pair.reaches();
    await pair.reaches('-M', 'do', '-s', String(MTU - 28));
    const flows = pair.flows(1);
    expect(flows).toHaveLength(2);
    const outwards = flows.find((flow) => flow.includes('in_port=LOCAL'));
    const inwards = flows.find((flow) => flow.includes('in_port=1'));
    expect(outwards).toMatch(/in_port=LOCAL,dl_dst=02:00:00:00:09:02 actions=.*output:1$/);
    expect(inwards).toMatch(/in_port=1,dl_src=02:00:00:00:09:02,dl_dst=02:00:00:00:09:01 actions=LOCAL$/);
    expect(pair.netlinks[0]!.link(DEVICE)).toMatchObject({ kind: 'ovs', mtu: MTU, mac: macOf(1), ovs: { vni: 4096 } });
  });

  it('follow a peer, and hear nothing from one that is none any more', async () => {
    await using pair = await Pair.create();
    const entry = { link: DEVICE, mac: macOf(2), remote: outerOf(2) };
    pair.netlinks[0]!.apply([{ kind: 'delete-fdb', entry }]);
    expect(pair.flows(1)).toEqual([]);
    expect(pair.ping()).toBe(false);
    pair.netlinks[0]!.apply([{ kind: 'replace-fdb', entry: { ...entry, remote: outerOf(9) } }]);
    expect(pair.ping()).toBe(false);
    pair.netlinks[0]!.apply([{ kind: 'replace-fdb', entry }]);
    await pair.reaches();
  });

  it('are taken over by the next agent, which removes the flows that it does not want', async () => {
    await using pair = await Pair.create();
    const stranger = { link: DEVICE, mac: '02:00:00:00:09:77', remote: outerOf(77) };
    pair.netlinks[0]!.apply([{ kind: 'replace-fdb', entry: stranger }]);
    expect(pair.flows(1)).toHaveLength(4);
    const { index } = pair.netlinks[0]!.link(DEVICE)!;
    pair.netlinks[0] = pair.open(1);
    // The bridge goes on meanwhile, and shows that nobody has taken it over yet.
    await pair.reaches();
    expect(pair.netlinks[0].link(DEVICE)?.ovs).toBeUndefined();
    pair.wire(1);
    expect(pair.netlinks[0].link(DEVICE)?.index).toBe(index);
    expect(pair.flows(1)).toHaveLength(2);
    await pair.reaches();
  });

  it('come back with a switch that was started anew, and go with their device', async () => {
    await using pair = await Pair.create();
    await pair.daemons[0]![Symbol.asyncDispose]();
    pair.daemons[0] = pair.startDaemons(1);
    await vi.waitFor(() => expect(pair.netlinks[0]!.link(DEVICE)?.ovs).toBeUndefined(), SOON);
    pair.netlinks[0] = pair.open(1);
    await vi.waitFor(() => pair.wire(1), SOON);
    await pair.reaches();
    pair.netlinks[0].apply([{ kind: 'delete-link', link: DEVICE }]);
    expect(pair.netlinks[0].links().map(({ name }) => name)).not.toContain(DEVICE);
    expect(pair.netlinks[0].links().map(({ name }) => name)).not.toContain('ovsx.sluice');
  });
});
