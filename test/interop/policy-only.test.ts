import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../../src/app/agent/cluster.test-support.ts';
import {
  EVENTS,
  FELIX_CONFIGURATIONS,
  GLOBAL_NETWORK_POLICIES,
  NODES,
  PODS,
} from '../../src/host/kube-client/resources.ts';
import { answers, unanswered } from '../../src/host/probe/echo-stream.test-support.ts';
import type { KubeObject, ObjectMeta } from '../../src/host/kube-client/types.ts';
import { PolicyOnlyNode } from './rig/policy-only-node.ts';
import type { ForeignPod } from './rig/policy-only-node.ts';

const RANGES = [[{ subnet: '10.244.1.0/24' }], [{ subnet: 'fd00:244:1::/64' }]];
const ROUTES = [{ dst: '0.0.0.0/0' }, { dst: '::/0' }];
const IPAM = { type: 'host-local', ranges: RANGES, routes: ROUTES };

/** What flannel's plugin delegates to. */
const BRIDGE = { type: 'bridge', bridge: 'cni0', isGateway: true, hairpinMode: true, ipam: IPAM };
const PTP = { type: 'ptp', ipam: IPAM };
const SLUICE = { type: 'sluice' };
/** As Canal's configuration has it: our link, addresses of host-local in the node's range. */
const CANAL = {
  type: 'sluice',
  ipam: { type: 'host-local', ranges: [[{ subnet: 'usePodCidr' }], [{ subnet: 'usePodCidrIPv6' }]] },
};

const FROM_CLIENTS = {
  podSelector: { matchLabels: { app: 'web' } },
  policyTypes: ['Ingress'],
  ingress: [{ from: [{ podSelector: { matchLabels: { app: 'client' } } }] }],
};
const TO_WEB = {
  podSelector: { matchLabels: { app: 'client' } },
  policyTypes: ['Egress'],
  egress: [{ to: [{ podSelector: { matchLabels: { app: 'web' } } }] }],
};
const NOTHING = { podSelector: { matchLabels: { app: 'web' } }, policyTypes: ['Ingress'] };

describe.each([
  ['a bridge', 'cni0', [BRIDGE, SLUICE]],
  ['point-to-point pairs', 'veth', [PTP, SLUICE]],
  ['our pairs with host-local', 'slc', [CANAL]],
] as const)('policy alone over the network of upstream plugins: %s', (_title, prefix, plugins) => {
  let node: PolicyOnlyNode;
  let [web, client, other]: ForeignPod[] = [];
  const outside = { name: 'outside', ips: ['172.30.1.1', 'fd00:30:1::1'] };
  beforeAll(async () => {
    node = await PolicyOnlyNode.create([prefix]);
    await node.startAgent();
    const list = node.chain('cbr0', ...plugins);
    web = await node.addPod(list, 'web', { app: 'web' }, { tell: false });
    client = await node.addPod(list, 'client', { app: 'client' }, { tell: false });
    other = await node.addPod(list, 'other', {}, { tell: false });
    for (const pod of [web, client, other]) await node.serve(pod);
    await node.serve({ ...outside, netns: node.outside });
  });
  afterAll(() => node[Symbol.asyncDispose]());

  it('leaves everything open without policies', async () => {
    // The host's side of a pair goes through duplicate address detection of IPv6.
    await node.reaches(other!.netns, web!);
    await node.reaches(client!.netns, outside);
    await node.reaches(node.outside, web!);
    expect((await node.status()).endpoints.map(({ interface: name }) => name.startsWith(prefix))).toEqual(
      Array(3).fill(true),
    );
  });

  it('enforces ingress between pods of one node and from elsewhere, in both families', async () => {
    await node.setPolicy('from-clients', FROM_CLIENTS);
    await eventually(async () => (await node.reached(other!.netns, web!)).length === 0);
    expect(await node.reached(node.outside, web!)).toEqual([]);
    for (const netns of [client!.netns, node.netns]) await node.reaches(netns, web!);
  });

  it('enforces egress to pods of one node and to elsewhere, in both families', async () => {
    await node.setPolicy('to-web', TO_WEB);
    await eventually(async () => (await node.reached(client!.netns, outside)).length === 0);
    expect(await node.reached(client!.netns, other!)).toEqual([]);
    await node.reaches(client!.netns, web!);
    await node.reaches(other!.netns, outside);
  });

  it('judges what a pod sends to its own node, where policies of Calico mind that', async () => {
    const host = { name: 'node', ips: ['172.30.1.11', 'fd00:30:1::b'] };
    await node.serve({ ...host, netns: node.netns });
    await node.reaches(other!.netns, host);
    const spec = {
      selector: "app != 'client'",
      types: ['Egress'],
      egress: [{ action: 'Deny', destination: { nets: ['172.30.1.11/32', 'fd00:30:1::b/128'] } }, { action: 'Allow' }],
    };
    await node.client.create(GLOBAL_NETWORK_POLICIES[0]!, { metadata: { name: 'no-node' }, spec } as object);
    await eventually(async () => (await node.reached(other!.netns, host)).length === 0);
    await node.reaches(client!.netns, host);
    await node.client.delete(GLOBAL_NETWORK_POLICIES[0]!, { name: 'no-node' });
  });

  it('judges what kube-proxy has translated by the pod behind it', async () => {
    // As kube-proxy has it; ours translates nothing here.
    for (const [family, service, ip] of [
      ['ip', '10.96.0.10', web!.ips[0]!],
      ['ip6', 'fd00:96::a', web!.ips[1]!],
    ] as const) {
      const rules = `add table ${family} kube-proxy
        add chain ${family} kube-proxy services { type nat hook prerouting priority -100; }
        add rule ${family} kube-proxy services ${family} daddr ${service} tcp dport 8080 dnat to ${ip}`;
      expect((await node.run(node.netns, 'nft', rules)).output).toBe('');
    }
    const service = { name: 'web', ips: ['10.96.0.10', 'fd00:96::a'] };
    await node.reaches(client!.netns, service);
    expect(await node.reached(other!.netns, service)).toEqual([]);
  });

  it('puts a new pod under policy before its plugins have returned, and knows it as a peer', async () => {
    const list = node.chain('cbr0', ...plugins);
    const second = await node.addPod(list, 'second', { app: 'web' }, { tell: false });
    await node.serve(second);
    expect(await node.reached(other!.netns, second)).toEqual([]);
    await node.reaches(client!.netns, second);
    await node.runtime.checkNetworkList(list, second.attachment);
    await node.removePod(second);
    expect(readdirSync(join(node.stateDir, 'endpoints'))).toHaveLength(3);
    await expect(node.runtime.checkNetworkList(list, second.attachment)).rejects.toThrow();
  });

  it('cuts an open connection that a policy comes to deny, and no other', async () => {
    for (const ip of web!.ips) await eventually(() => node.echoes(client!.netns, ip, 77));
    await eventually(() => node.echoes(node.outside, other!.ips[0]!, 78));
    await node.setPolicy('from-clients', { ...NOTHING, ingress: [] });
    for (const ip of web!.ips) await eventually(async () => !(await node.echoes(client!.netns, ip, 77)));
    await eventually(() => node.echoes(node.outside, other!.ips[0]!, 78));
    await node.setPolicy('from-clients', FROM_CLIENTS);
    for (const ip of web!.ips) await eventually(() => node.echoes(client!.netns, ip, 77));
  });

  it('changes no verdict and loses nothing while the agent is away and comes back', async () => {
    const allowed = node.run(client!.netns, 'ping', '-i', '0.02', '-c', '100', web!.ips[0]!);
    const denied = node.run(other!.netns, 'ping', '-i', '0.02', '-c', '100', '-q', '-W', '0.5', web!.ips[0]!);
    await node.stopAgent();
    expect(await node.reached(other!.netns, web!)).toEqual([]);
    await node.startAgent();
    const { output } = await allowed;
    expect(answers(output).length).toBeGreaterThan(50);
    expect(unanswered(output, 20)).toEqual([]);
    expect((await denied).output).toContain(' 0 received');
    await node.reaches(client!.netns, web!);
  });

  it('makes up for a DEL that came while it was away', async () => {
    const list = node.chain('cbr0', ...plugins);
    const gone = await node.addPod(list, 'gone');
    await node.stopAgent();
    await node.removePod(gone);
    await node.startAgent();
    await eventually(() => readdirSync(join(node.stateDir, 'endpoints')).length === 3);
  });

  it('leaves nothing of its own when the pods have gone', async () => {
    for (const pod of [web!, client!, other!]) await node.removePod(pod);
    await eventually(async () => (await node.status()).endpoints.length === 0);
    const { output } = await node.run(node.netns, 'nft', 'list', 'table', 'inet', 'sluice');
    for (const ip of [...web!.ips, ...client!.ips]) expect(output).not.toContain(ip);
    expect((await node.run(node.netns, 'ip', '-br', 'link')).output).not.toMatch(/veth|slc/);
    const leases = readdirSync(join(node.leases, 'cbr0')).filter(
      (name) => name.startsWith('10.') || name.startsWith('fd'),
    );
    expect(leases).toEqual([]);
  });
});

describe('a bridge whose pods policy tells by their addresses', () => {
  it('lets none of them take the address of another, neither towards neighbours nor as a source', async () => {
    await using node = await PolicyOnlyNode.create(['cni0']);
    await node.startAgent();
    const list = node.chain('cbr0', BRIDGE, SLUICE);
    const web = await node.addPod(list, 'web', { app: 'web' });
    const client = await node.addPod(list, 'client', { app: 'client' });
    const thief = await node.addPod(list, 'thief');
    await node.setPolicy('from-clients', FROM_CLIENTS);
    await eventually(async () => !(await node.echoes(thief.netns, web.ips[0]!, 1)));
    for (const ip of web.ips) await eventually(() => node.echoes(client.netns, ip, 2));
    // Gone from its own interface, so that nothing but the guard is in the thief's way.
    const prefixes = ['24', '64'];
    for (const [index, ip] of client.ips.entries()) {
      await node.run(client.netns, 'ip', 'addr', 'del', `${ip}/${prefixes[index]}`, 'dev', 'eth0');
      await node.run(thief.netns, 'ip', 'addr', 'add', `${ip}/${prefixes[index]}`, 'dev', 'eth0', 'nodad');
      await node.run(web.netns, 'ip', 'neigh', 'flush', 'all');
      expect(await node.echoesFrom(thief.netns, ip, web.ips[index]!)).toBe(false);
    }
    await node.run(node.netns, 'nft', 'delete', 'table', 'bridge', 'sluice');
    for (const [index, ip] of client.ips.entries())
      await eventually(() => node.echoesFrom(thief.netns, ip, web.ips[index]!));
    await node.stopAgent();
    await node.startAgent();
    for (const [index, ip] of client.ips.entries())
      expect(await node.echoesFrom(thief.netns, ip, web.ips[index]!)).toBe(false);
    for (const pod of [web, client, thief]) await node.removePod(pod);
    expect((await node.run(node.netns, 'nft', 'list', 'tables')).output).not.toContain('bridge');
  });
});

describe('a pod that went without a DEL', () => {
  it('leaves its address to the next one that gets it, and its late DEL changes nothing', async () => {
    await using node = await PolicyOnlyNode.create(['cni0']);
    await node.startAgent();
    const ranges = [[{ subnet: '10.244.1.0/24', rangeStart: '10.244.1.9', rangeEnd: '10.244.1.9' }]];
    const list = node.chain('cbr0', { ...BRIDGE, ipam: { ...IPAM, ranges } }, SLUICE);
    const lost = await node.addPod(list, 'lost');
    await node.client.delete(PODS, { namespace: 'default', name: 'lost' });
    rmSync(node.leases, { recursive: true });
    await node.run(lost.netns, 'ip', 'link', 'set', 'eth0', 'down');
    await node.setPolicy('from-clients', FROM_CLIENTS);
    const web = await node.addPod(list, 'web', { app: 'web' });
    await node.serve(web);
    expect(web.ips).toEqual(lost.ips);
    expect(readdirSync(join(node.stateDir, 'endpoints'))).toHaveLength(1);
    await node.runtime.delNetworkList(list, lost.attachment);
    await node.reaches(node.netns, web);
    expect(await node.reached(node.outside, web)).toEqual([]);
    await node.setPolicy('from-clients', { ...FROM_CLIENTS, ingress: [{}] });
    await eventually(async () => (await node.reached(node.outside, web)).length === 1);
  });
});

describe('pods that are on the node without our plugin', () => {
  it('come under policy as soon as their object shows an address, whatever made their interface', async () => {
    await using node = await PolicyOnlyNode.create();
    const pair = node.chain('pairs', PTP);
    const bridge = node.chain('bridge', { ...BRIDGE, ipam: { ...IPAM, ranges: [[{ subnet: '10.244.2.0/24' }]] } });
    const before = await node.addPod(bridge, 'before', { app: 'web' });
    await node.setPolicy('nothing', NOTHING);
    await node.startAgent();
    const after = await node.addPod(pair, 'after', { app: 'web' }, { tell: false });
    const other = await node.addPod(pair, 'other');
    for (const pod of [before, after]) await node.serve(pod);
    await node.reaches(other.netns, after);
    await node.tell('after', after.ips);
    await eventually(async () => (await node.reached(other.netns, after)).length === 0);
    expect(await node.reached(other.netns, before)).toEqual([]);
    await node.reaches(node.netns, before);
    await node.removePolicy('nothing');
    await eventually(async () => (await node.reached(other.netns, before)).length === 1);
  });

  it('are closed until then where the prefix of their interfaces is known', async () => {
    await using node = await PolicyOnlyNode.create();
    await node.startAgent();
    const felix = { metadata: { name: 'default' }, spec: { interfacePrefix: 'cali,veth' } };
    await node.client.create(FELIX_CONFIGURATIONS[0]!, felix as object);
    await eventually(async () => (await node.status()).policyOnly?.interfacePrefixes.includes('veth') === true);
    const list = node.chain('pairs', PTP);
    const web = await node.addPod(list, 'web', {}, { tell: false });
    await node.serve(web);
    expect(await node.reached(node.outside, web)).toEqual([]);
    await node.tell('web', web.ips);
    await node.reaches(node.outside, web);
  });

  it('are reported, at the pod too, where nobody can tell which interface is theirs', async () => {
    await using node = await PolicyOnlyNode.create();
    await node.startAgent();
    const web = await node.addPod(node.chain('pairs', PTP), 'web', {}, { tell: false });
    await node.tell('web', ['192.0.2.7']);
    await eventually(async () => 'default/web' in ((await node.status()).policyOnly?.unenforced ?? {}));
    await eventually(async () => {
      const { items } = await node.client.list<KubeObject & { readonly reason?: string }>(EVENTS, {});
      return items.some(({ reason }) => reason === 'PolicyNotEnforced');
    });
    await node.tell('web', web.ips);
    await eventually(async () => !('default/web' in ((await node.status()).policyOnly?.unenforced ?? {})));
  });
});

describe('the network of others', () => {
  it('is refused where pods pass by the node', async () => {
    await using node = await PolicyOnlyNode.create();
    await node.startAgent();
    const ipam = { ...IPAM, ranges: [[{ subnet: '172.30.1.0/24', rangeStart: '172.30.1.100' }]] };
    const list = node.chain('segment', { type: 'macvlan', master: 'eth0', ipam }, SLUICE);
    await expect(node.addPod(list, 'web')).rejects.toThrow(/policy cannot be enforced.*eth0, which is the node's own/);
    expect(readdirSync(join(node.stateDir, 'endpoints'))).toEqual([]);
  });

  it('keeps all that it has in the kernel, while the agent comes, works and goes', async () => {
    await using node = await PolicyOnlyNode.create();
    const sh = async (command: string): Promise<string> => (await node.run(node.netns, 'sh', '-c', command)).output;
    await sh(`ip link add flannel.1 type vxlan id 1 dstport 8472 dev eth0 && ip link set flannel.1 up
      ip addr add 10.244.1.0/32 dev flannel.1 && ip link add slcforeign type dummy && ip link set slcforeign up
      ip route add 10.244.9.0/26 via 172.30.1.1 proto 80 && ip route add blackhole 10.244.1.64/26 proto 80
      ip rule add fwmark 0x100/0xffff00 lookup 100 && ip route add default via 172.30.1.1 table 100
      ip neigh add 172.30.1.9 lladdr 02:00:00:00:00:09 dev eth0
      nft add table ip calico && nft add chain ip calico cali-forward '{ type filter hook forward priority 0; }'`);
    const everything = `ip -d -br link; ip -br addr; ip route show table all; ip -6 route show table all; ip rule; ip neigh show nud permanent
      nft list table ip calico; sysctl -a 2>/dev/null | grep -E 'rp_filter|forwarding|bridge-nf'`;
    const before = await sh(everything);
    await node.startAgent();
    expect(await sh('nft list chain inet sluice raw-prerouting')).toContain('udp dport 8472 drop');
    await node.client.create(NODES, { metadata: { name: 'n2' }, status: {} } as object);
    await node.setPolicy('nothing', NOTHING);
    await eventually(async () => (await node.status()).cluster.policies === 1);
    const whileThere = await sh(everything);
    await node.stopAgent();
    expect(whileThere).toBe(before);
    expect(await sh(everything)).toBe(before);
  });

  it('has policies of all nodes mean every address of the node, and none of its pods and tunnels', async () => {
    await using node = await PolicyOnlyNode.create(['veth']);
    await node.run(
      node.netns,
      'sh',
      '-c',
      `ip link add next type veth peer name next2 && ip link set next up && ip link set next2 up
       ip addr add 172.31.9.11/24 dev next && ip addr add 10.244.1.9/24 dev next
       ip link add cni0 type bridge && ip link set cni0 up && ip addr add 10.244.1.1/24 dev cni0
       ip link add vethx type veth peer name vethy && ip link set vethx up && ip addr add 172.31.8.1/24 dev vethx`,
    );
    const said = async (): Promise<string | undefined> =>
      (await node.client.get<{ metadata: ObjectMeta }>(NODES, { name: 'n1' })).metadata.annotations?.[
        'sluice.dev/addresses'
      ];
    await node.startAgent();
    await eventually(async () => (await said()) === '172.31.9.11');
    await node.run(node.netns, 'ip', 'addr', 'del', '172.31.9.11/24', 'dev', 'next');
    await eventually(async () => (await said()) === undefined);
  });

  it('has the node to itself again when the node is given back, and pods go on', async () => {
    await using node = await PolicyOnlyNode.create(['cni0', 'veth']);
    await node.startAgent();
    writeFileSync(node.conflist, '{}');
    const bridged = await node.addPod(node.chain('bridge', BRIDGE, SLUICE), 'bridged', { app: 'web' });
    const ranges = [[{ subnet: '10.244.2.0/24' }]];
    const paired = await node.addPod(node.chain('pairs', { ...PTP, ipam: { ...IPAM, ranges } }, SLUICE), 'paired');
    await node.serve(bridged);
    await node.setPolicy('nothing', NOTHING);
    await eventually(async () => (await node.reached(paired.netns, bridged)).length === 0);
    // A restart is none: everything stays.
    await node.stopAgent();
    expect([existsSync(node.conflist), await node.reached(paired.netns, bridged)]).toEqual([true, []]);
    await node.startAgent();
    await node.client.patch(NODES, { name: 'n1' }, 'merge', { metadata: { labels: { 'sluice.dev/network': 'none' } } });
    await node.stopAgent();
    expect(existsSync(node.conflist)).toBe(false);
    expect((await node.run(node.netns, 'nft', 'list', 'tables')).output).toBe('');
    await eventually(async () => (await node.reached(paired.netns, bridged)).includes(bridged.ips[0]!));
  });
});
