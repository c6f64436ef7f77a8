import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseIp } from '../../base/ip/index.ts';
import { openIpvs } from '../../host/ipvs/kernel.ts';
import { kernelHasIpvs } from '../../host/ipvs/rare.test-support.ts';
import { ENDPOINT_SLICES, FELIX_CONFIGURATIONS, NETWORK_POLICIES, SERVICES } from '../../host/kube-client/resources.ts';
import { inNetns } from '../../host/netns/netns.ts';
import { TestCluster, eventually } from './cluster.test-support.ts';
import type { TestPod } from './cluster.test-support.ts';
import type { AgentOptions } from './options.ts';
import { policy, service, slice } from './workloads.test-support.ts';

const IP = '10.96.0.1';
const IP6 = 'fd00:10:96::1';
const NODE_2 = '172.30.1.12';
const OUTSIDE = '172.30.1.1';
const FAMILIES = [4, 6] as const;
const inMode = (services: AgentOptions['services']) => ({ services }) as Partial<AgentOptions>;

/** The slices of Service `web` with these pods. */
async function offer(cluster: TestCluster, pods: readonly TestPod[]): Promise<void> {
  for (const family of FAMILIES) {
    const slices = pods.map((pod) => slice(pod, family) as { endpoints: readonly unknown[] });
    const name = { namespace: 'default', name: `web-${family}` };
    await cluster.client.delete(ENDPOINT_SLICES, name).catch(() => undefined);
    const endpoints = slices.flatMap((each) => each.endpoints);
    if (pods.length > 0) await cluster.client.create(ENDPOINT_SLICES, { ...slices[0], endpoints } as object);
  }
}

// The test machine's kernel has IPVS.
describe.skipIf(!kernelHasIpvs())('Services in mode ipvs', () => {
  it('reach pods on any node, as policy has it, with the real client, and without endpoints nobody', async () => {
    await using cluster = await TestCluster.create({
      pools: ['10.244.0.0/16', 'fd00:10:244::/56'],
      adapt: (options) => ({ services: { mode: 'ipvs', scheduler: 'wrr' }, ...options }),
    });
    await cluster.addNode('n1');
    await cluster.addNode('n2');
    const client = await cluster.addPod('n1', 'client', { role: 'client' });
    const [web1, web2] = [
      await cluster.addPod('n1', 'web1', { app: 'web' }),
      await cluster.addPod('n2', 'web2', { app: 'web' }),
    ];
    for (const pod of [web1, web2]) cluster.serve(pod, 6);
    const [n1, { router }] = [cluster.nodes.get('n1')!.netns, cluster];
    const ask = (from: string, address: string, port = 80) => said(cluster, from, address, port, 60);
    const isSilent = async (from: string, address: string, port = 80) =>
      (await said(cluster, from, address, port, 3)) === '';
    const answers = (from: string, address: string, port: number, expected: string) =>
      eventually(async () => (await ask(from, address, port)) === expected);
    const servers = () => inNetns(n1, () => readFileSync('/proc/thread-self/net/ip_vs', 'utf8'));

    await cluster.client.create(SERVICES, service(IP, IP6));
    await offer(cluster, [web2]);
    await answers(client.netns, IP, 80, `web2 ::ffff:${client.ips[0]}`);
    await answers(client.netns, IP6, 80, `web2 ${client.ips[1]}`);
    await answers(router, NODE_2, 30_080, `web2 ::ffff:${OUTSIDE}`);
    // By a node that has no endpoint, and at once by the node's own clients.
    await answers(router, '172.30.1.11', 30_080, `web2 ::ffff:${OUTSIDE}`);
    expect(await ask(n1, IP)).toMatch(/^web2 /);
    expect(await ask(n1, '172.30.1.11', 30_080)).toMatch(/^web2 /);
    const udp = cluster.converse(client, IP);
    await eventually(() => udp() === `web2 ::ffff:${client.ips[0]}\n`);

    await offer(cluster, [web1]);
    await answers(client.netns, IP, 80, `web1 ::ffff:${client.ips[0]}`);
    await eventually(() => udp() === `web1 ::ffff:${client.ips[0]}\n`);
    await answers(router, NODE_2, 30_080, `web1 ::ffff:${OUTSIDE}`);
    // A pod that reaches itself sees its node.
    expect(await ask(web1.netns, IP)).toMatch(/^web1 /);
    await offer(cluster, [web1, web2]);
    await eventually(() => servers().includes('TCP  0A600001:0050 wrr'));
    await eventually(() => (servers().match(/-> [0-9A-F]{8}:1F90 +Masq +1 /gu)?.length ?? 0) >= 4);
    const seen = new Set<string>();
    await eventually(async () => seen.add((await ask(client.netns, IP)).split(' ')[0]!).size === 2);

    // Policy is asked about the pod and its own port, and about the real client.
    const only = (cidr: string, port: number) =>
      policy('only', {
        podSelector: { matchLabels: { app: 'web' } },
        ingress: [{ from: [{ ipBlock: { cidr } }], ports: [{ port }] }],
      });
    const replace = async (next?: object) => {
      await cluster.client.delete(NETWORK_POLICIES, { namespace: 'default', name: 'only' }).catch(() => undefined);
      if (next !== undefined) await cluster.client.create(NETWORK_POLICIES, next);
    };
    await offer(cluster, [web1]);
    await replace(only(`${client.ips[0]}/32`, 8080));
    await eventually(() => isSilent(router, NODE_2, 30_080));
    await answers(client.netns, IP, 80, `web1 ::ffff:${client.ips[0]}`);
    await replace(only(`${OUTSIDE}/32`, 8080));
    await eventually(() => isSilent(client.netns, IP));
    await answers(router, NODE_2, 30_080, `web1 ::ffff:${OUTSIDE}`);
    await replace();
    const egress = (port: number) =>
      policy('only', {
        podSelector: { matchLabels: { role: 'client' } },
        policyTypes: ['Egress'],
        egress: [{ to: [{ podSelector: { matchLabels: { app: 'web' } } }], ports: [{ port }] }],
      });
    await replace(egress(80));
    await eventually(() => isSilent(client.netns, IP));
    await replace(egress(8080));
    await answers(client.netns, IP, 80, `web1 ::ffff:${client.ips[0]}`);
    await offer(cluster, [web2]);
    await answers(client.netns, IP, 80, `web2 ::ffff:${client.ips[0]}`);
    await replace();

    await offer(cluster, []);
    const refused = async (from: string, address: string, port: number) =>
      /refused/iu.test(await ask(from, address, port));
    await eventually(() => refused(client.netns, IP, 80));
    await eventually(() => refused(router, NODE_2, 30_080));
    // Over TCP the server stays while the connections that it had are remembered.
    await eventually(() => !servers().includes('UDP  0A600001:0050'));
  });

  it('lead to the node itself past nobody who judges what is for the node', async () => {
    await using cluster = await TestCluster.create({
      adapt: (options) => ({ services: { mode: 'ipvs', scheduler: 'rr' }, ...options }),
    });
    await cluster.addNode('n1');
    const { netns } = cluster.nodes.get('n1')!;
    const client = await cluster.addPod('n1', 'client');
    // One that its Node shows, and one that nobody knows of.
    const [own, hidden] = ['172.30.1.11', '192.0.2.9'];
    await cluster.run(netns, ['ip', 'address', 'add', `${hidden}/32`, 'dev', 'lo']);
    const at = (address: string): TestPod => ({ ...client, name: 'n1', netns, ips: [address] });
    cluster.serve(at(own), 4);
    const ask = () => said(cluster, client.netns, IP, 80, 60);
    await cluster.client.create(SERVICES, service(IP));
    await cluster.client.create(ENDPOINT_SLICES, slice(at(hidden)));
    await eventually(() => openServers(netns).includes('C0000209'));
    await eventually(async () => /refused/iu.test(await ask()));
    await cluster.client.update(ENDPOINT_SLICES, slice(at(own)));
    await eventually(async () => (await ask()) === `n1 ${client.ips[0]}`);
    await cluster.client.create(FELIX_CONFIGURATIONS[0]!, {
      metadata: { name: 'default' },
      spec: { defaultEndpointToHostAction: 'Drop' },
    } as object);
    await eventually(async () => (await said(cluster, client.netns, IP, 80, 3)) === '');
  });

  it('come back to one endpoint under affinity, outlive the agent, and leave what others made', async () => {
    await using cluster = await TestCluster.create({ pools: ['10.244.0.0/16', 'fd00:10:244::/56'] });
    await cluster.addNode('n1', 'a', { agent: false });
    const { netns } = cluster.nodes.get('n1')!;
    using mine = openIpvs({ netns });
    using others = openIpvs({ netns, owner: 0 });
    const foreign = { address: parseIp('192.0.2.1')!, protocol: 'TCP', port: 80, scheduler: 'rr' } as const;
    const stale = { ...foreign, address: parseIp('192.0.2.2')! };
    others.change({ kind: 'add-server', server: foreign });
    mine.change({ kind: 'add-server', server: stale });
    const addresses = () => openServers(netns);

    await cluster.startAgent('n1', inMode({ mode: 'ipvs', scheduler: 'lc' }));
    const client = await cluster.addPod('n1', 'client');
    const pods = [await cluster.addPod('n1', 'a'), await cluster.addPod('n1', 'b')];
    for (const pod of pods) cluster.serve(pod, 6);
    const sticky = service(IP) as { spec: object };
    await cluster.client.create(SERVICES, {
      ...sticky,
      spec: { ...sticky.spec, sessionAffinity: 'ClientIP' },
    } as object);
    await offer(cluster, pods);
    const ask = async () => (await said(cluster, client.netns, IP, 80, 60)).split(' ')[0]!;
    const isAnswered = async () => /^[ab]$/u.test(await ask());
    await eventually(() =>
      mine.servers().some(({ scheduler, persistSeconds }) => scheduler === 'lc' && persistSeconds === 10_800),
    );
    await eventually(isAnswered);
    const first = await ask();
    for (let i = 0; i < 6; i++) expect(await ask()).toBe(first);
    expect(addresses()).toMatch(/C0000201/);
    expect(addresses()).not.toMatch(/C0000202/);

    const before = addresses();
    await cluster.stopAgent('n1');
    expect(addresses()).toBe(before);
    expect(await ask()).toBe(first);
    await cluster.startAgent('n1', inMode({ mode: 'nftables' }));
    await eventually(() => !addresses().includes('0A600001'));
    expect(addresses()).toMatch(/C0000201/);
    await eventually(isAnswered);
  });
});

/** What is said to whoever connects, or why nobody can; empty after so many seconds of silence. */
async function said(
  cluster: TestCluster,
  netns: string,
  address: string,
  port: number,
  seconds: number,
): Promise<string> {
  const command = ['busybox', 'timeout', `${seconds}`, 'busybox', 'nc', address, `${port}`];
  return (await cluster.run(netns, command)).output.trim();
}

/** `/proc/net/ip_vs`, without counts of connections. */
function openServers(netns: string): string {
  const text = inNetns(netns, () => readFileSync('/proc/thread-self/net/ip_vs', 'utf8'));
  return text.replaceAll(/(Masq +\d+).*$/gmu, '$1');
}
