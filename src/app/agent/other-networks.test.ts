import { expect, it } from 'vitest';
import { parseIp } from '../../base/ip/index.ts';
import { silentLogger } from '../../base/log.ts';
import { FakeIpvs } from '../../host/ipvs/fake.ts';
import { FakeNetwork } from '../../host/netlink/fake.ts';
import { FakeNftables } from '../../host/nftables/fake.ts';
import { FakeSysctl } from '../../host/sysctl/fake.ts';
import { Balancer } from './balancer.ts';
import { handOver } from './other-networks.ts';

const PARAMETERS = ['conntrack', 'expire_nodest_conn', 'expire_quiescent_template'];

it("a node that is handed over has no servers of IPVS, nor the rules that lead there; another's stay", () => {
  const netlink = new FakeNetwork().netlink();
  netlink.apply([{ kind: 'set-link', link: 'lo', up: true }]);
  const [rules, routes] = [netlink.rules(), netlink.routes()];
  const sysctl = new FakeSysctl(Object.fromEntries(PARAMETERS.map((name) => [`net/ipv4/vs/${name}`, '0'])));
  const ipvs = new FakeIpvs();
  const [mine, others] = ['10.96.0.1', '10.96.0.2'].map((address) => ({
    address: parseIp(address)!,
    protocol: 'TCP' as const,
    port: 80,
    scheduler: 'rr',
  }));
  const world = {
    netlink,
    nftables: new FakeNftables(),
    openBird: () => ({ hasRun: () => false, forget: () => undefined }),
    openIpvs: () => ipvs,
    sysctl,
    log: silentLogger,
  };
  const balancer = new Balancer({ mode: 'ipvs', scheduler: 'rr' }, world);
  balancer.open();
  ipvs.change({ kind: 'add-server', server: mine! });
  ipvs.addForeign(others!);
  balancer.stop();
  expect(netlink.rules()).not.toEqual(rules);

  handOver(undefined, world);
  expect(ipvs.servers()).toEqual([]);
  expect(() => ipvs.destinations(others!)).not.toThrow();
  expect(netlink.rules()).toEqual(rules);
  expect(netlink.routes()).toEqual(routes);
});
