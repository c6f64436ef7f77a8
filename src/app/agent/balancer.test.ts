import { describe, expect, it } from 'vitest';
import { SluiceError } from '../../base/errors.ts';
import { formatIp, parseIp } from '../../base/ip/index.ts';
import { silentLogger } from '../../base/log.ts';
import { serverKey } from '../../core/service/virtual-servers.ts';
import type { VirtualServer } from '../../core/service/virtual-servers.ts';
import { FakeIpvs } from '../../host/ipvs/fake.ts';
import { FakeNetwork } from '../../host/netlink/fake.ts';
import { FakeSysctl } from '../../host/sysctl/fake.ts';
import { Balancer } from './balancer.ts';
import type { ServiceMode } from './service-mode.ts';

const PARAMETERS = ['conntrack', 'expire_nodest_conn', 'expire_quiescent_template'].map(
  (name) => `net/ipv4/vs/${name}`,
);
const IPVS: ServiceMode = { mode: 'ipvs', scheduler: 'lc' };
const server = (backends: readonly string[], more: Partial<VirtualServer> = {}): VirtualServer => ({
  address: parseIp('10.96.0.1')!,
  protocol: 'TCP',
  port: 80,
  backends: backends.map((address) => ({ address: parseIp(address)!, port: 8080 })),
  ...more,
});

function loopback() {
  const netlink = new FakeNetwork().netlink();
  netlink.apply([{ kind: 'set-link', link: 'lo', up: true }]);
  return netlink;
}

function scene(mode: ServiceMode = IPVS, ipvs = new FakeIpvs()) {
  const sysctl = new FakeSysctl(Object.fromEntries(PARAMETERS.map((key) => [key, '0'])));
  const netlink = loopback();
  const balancer = new Balancer(mode, { openIpvs: () => ipvs, netlink, sysctl, log: silentLogger });
  const desired = new Map<string, VirtualServer>();
  /** All that the kernel has, each destination with its weight. */
  const held = () =>
    ipvs
      .servers()
      .map((each) => [
        serverKey(each),
        ...ipvs.destinations(each).map(({ address, weight }) => `${formatIp(address)} ${weight}`),
      ]);
  const want = (...servers: readonly VirtualServer[]) => {
    const changed = new Set([...desired.keys(), ...servers.map(serverKey)]);
    desired.clear();
    for (const each of servers) desired.set(serverKey(each), each);
    balancer.follow(desired, changed);
    balancer.prepare();
    balancer.retire();
  };
  return { ipvs, sysctl, netlink, balancer, desired, held, want };
}

describe('in mode ipvs', () => {
  it('servers follow what is wanted, to nothing and back', () => {
    const { balancer, held, want, sysctl, netlink } = scene();
    balancer.open();
    expect(PARAMETERS.map((key) => sysctl.read(key))).toEqual(['1', '1', '1']);
    expect(netlink.rules().map(({ mark }) => mark?.value)).toEqual([0x800_0000, 0x800_0000]);
    want(server(['10.244.0.1']));
    expect(held()).toEqual([['TCP 10.96.0.1 80', '10.244.0.1 1']]);
    want(server(['10.244.0.2', '10.244.0.3']));
    expect(held()).toEqual([['TCP 10.96.0.1 80', '10.244.0.2 1', '10.244.0.3 1']]);
    want();
    expect(held()).toEqual([]);
    want(server(['10.244.0.1']));
    expect(held()).toEqual([['TCP 10.96.0.1 80', '10.244.0.1 1']]);
  });

  it('a destination with connections takes nothing new and goes when they have ended; it may come back before', () => {
    const { balancer, held, want, ipvs } = scene();
    balancer.open();
    want(server(['10.244.0.1', '10.244.0.2']));
    ipvs.connections.set('10.244.0.1 8080', 1);
    want(server(['10.244.0.2']));
    expect(held()).toEqual([['TCP 10.96.0.1 80', '10.244.0.1 0', '10.244.0.2 1']]);
    want(server(['10.244.0.1', '10.244.0.2']));
    expect(held()).toEqual([['TCP 10.96.0.1 80', '10.244.0.1 1', '10.244.0.2 1']]);
    want();
    expect(held()).toEqual([['TCP 10.96.0.1 80', '10.244.0.1 0']]);
    balancer.upkeep();
    expect(held()).toEqual([['TCP 10.96.0.1 80', '10.244.0.1 0']]);
    ipvs.connections.clear();
    balancer.upkeep();
    expect(held()).toEqual([]);
  });

  it('a destination over UDP goes at once', () => {
    const { balancer, held, want, ipvs } = scene();
    balancer.open();
    want(server(['10.244.0.1'], { protocol: 'UDP' }));
    ipvs.connections.set('10.244.0.1 8080', 1);
    want();
    expect(held()).toEqual([]);
  });

  it('what a former life left is taken over, with another scheduler and affinity, and what is not wanted goes', () => {
    const before = scene();
    before.balancer.open();
    const old = server(['10.244.0.9'], { port: 81 });
    before.want(server(['10.244.0.1', '10.244.0.2']), old);
    const now = scene({ mode: 'ipvs', scheduler: 'sh' }, before.ipvs);
    now.balancer.open();
    now.want(server(['10.244.0.2'], { affinitySeconds: 60 }));
    expect(now.held()).toEqual([['TCP 10.96.0.1 80', '10.244.0.2 1']]);
    expect(now.ipvs.servers()).toMatchObject([{ scheduler: 'sh', persistSeconds: 60 }]);
  });

  it("another's server is left alone and named, and taken over once it is gone; the others are served", () => {
    const { balancer, held, want, ipvs } = scene();
    balancer.open();
    const foreign = { ...server([]), scheduler: 'rr' };
    ipvs.addForeign(foreign);
    const other = server(['10.244.0.1'], { port: 81 });
    want(server(['10.244.0.1']), other);
    expect(held()).toEqual([['TCP 10.96.0.1 81', '10.244.0.1 1']]);
    expect(balancer.status()?.problems).toEqual({ 'TCP 10.96.0.1 80': expect.stringContaining('kube-proxy') });
    balancer.upkeep();
    expect(Object.keys(balancer.status()!.problems)).toHaveLength(1);
    ipvs.change({ kind: 'delete-server', server: foreign });
    balancer.upkeep();
    expect(balancer.status()).toEqual({ scheduler: 'lc', servers: 2, problems: {} });
    expect(held()).toHaveLength(2);
  });

  it('what somebody took away comes back', () => {
    const { balancer, held, want, ipvs } = scene();
    balancer.open();
    want(server(['10.244.0.1']));
    ipvs.change({ kind: 'delete-server', server: server([]) });
    balancer.upkeep();
    expect(held()).toEqual([['TCP 10.96.0.1 80', '10.244.0.1 1']]);
  });

  it('upkeep takes nothing away that the table may still lead to, because the kernel has not taken another', () => {
    const { balancer, held, want } = scene();
    balancer.open();
    want(server(['10.244.0.1']));
    balancer.follow(new Map(), new Set([serverKey(server([]))]));
    balancer.prepare();
    balancer.upkeep();
    expect(held()).toEqual([['TCP 10.96.0.1 80', '10.244.0.1 1']]);
    balancer.retire();
    expect(held()).toEqual([]);
  });

  it('names what the kernel lacks', () => {
    const sysctl = new FakeSysctl({});
    const netlink = loopback();
    const without = (openIpvs: () => FakeIpvs) => () =>
      new Balancer(IPVS, { openIpvs, netlink, sysctl, log: silentLogger }).open();
    const absent = () => {
      throw new SluiceError('not-found', 'no family IPVS');
    };
    expect(without(absent)).toThrow(/no IPVS: it needs CONFIG_IP_VS \(modprobe ip_vs\), or service_mode nftables/);
    expect(without(() => new FakeIpvs())).toThrow(/CONFIG_IP_VS_NFCT/);
    expect(() => scene(IPVS, new FakeIpvs(['rr'])).balancer.open()).toThrow(/scheduler lc: it needs CONFIG_IP_VS_LC/);
  });
});

it('in mode nftables, what was left of mode ipvs goes, and IPVS is not even asked for where it never was', () => {
  const { balancer, want, ipvs } = scene();
  balancer.open();
  want(server(['10.244.0.1']));
  const after = scene({ mode: 'nftables' }, ipvs);
  after.balancer.open();
  expect(after.held()).toEqual([]);
  expect(after.balancer.status()).toBeUndefined();
  const never = () => {
    throw new Error('asked');
  };
  const sysctl = new FakeSysctl({});
  new Balancer({ mode: 'nftables' }, { openIpvs: never, netlink: loopback(), sysctl, log: silentLogger }).open();
});
