import { writeFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseCidr } from '../../base/ip/index.ts';
import { ENDPOINT_SLICES, NETWORK_POLICIES, NODES, PODS, SERVICES } from '../../host/kube-client/resources.ts';
import { openConntrack } from '../../host/conntrack/kernel.ts';
import { openNetlink } from '../../host/netlink/kernel.ts';
import { answers, unanswered } from '../../host/probe/echo-stream.test-support.ts';
import { TestCluster, eventually } from './cluster.test-support.ts';
import { policy, reaches, service, slice } from './workloads.test-support.ts';

const denyAll = policy('deny-all', { podSelector: {}, policyTypes: ['Ingress'] });
const CHECK = ['CHECK', 'DEL'] as const;

describe('the agent on one node', () => {
  it('lets two pods ping each other, stops them by default-deny and lets them again', async () => {
    await using cluster = await TestCluster.create();
    await cluster.addNode('n1');
    const a = await cluster.addPod('n1', 'a');
    const b = await cluster.addPod('n1', 'b');
    await eventually(() => cluster.pings(a.netns, b.ips[0]!));
    await cluster.client.create(NETWORK_POLICIES, denyAll);
    await eventually(async () => !(await cluster.pings(a.netns, b.ips[0]!)));
    await eventually(() => cluster.pings(cluster.nodes.get('n1')!.netns, b.ips[0]!));
    await cluster.client.delete(NETWORK_POLICIES, { namespace: 'default', name: 'deny-all' });
    await eventually(() => cluster.pings(a.netns, b.ips[0]!));
  });

  it('has a pod isolated before its ADD returns', async () => {
    await using cluster = await TestCluster.create();
    await cluster.addNode('n1');
    const a = await cluster.addPod('n1', 'a', { role: 'client' });
    await cluster.client.create(NETWORK_POLICIES, denyAll);
    for (let i = 0; i < 3; i++) {
      const late = await cluster.addPod('n1', `late-${i}`);
      expect(await cluster.pings(a.netns, late.ips[0]!)).toBe(false);
    }
  });

  it('opens and closes exactly one port with the labels of the client', async () => {
    await using cluster = await TestCluster.create();
    await cluster.addNode('n1');
    const [a, web] = [await cluster.addPod('n1', 'a'), await cluster.addPod('n1', 'web', { app: 'web' })];
    await cluster.client.create(
      NETWORK_POLICIES,
      policy('web', {
        podSelector: { matchLabels: { app: 'web' } },
        ingress: [{ from: [{ podSelector: { matchLabels: { may: 'yes' } } }], ports: [{ port: 80 }] }],
      }),
    );
    await eventually(async () => !(await reaches(a, web, 80)));
    await cluster.client.patch(PODS, a, 'merge', { metadata: { labels: { may: 'yes' } } });
    await eventually(() => reaches(a, web, 80));
    expect(await reaches(a, web, 81)).toBe(false);
    await cluster.client.patch(PODS, a, 'merge', { metadata: { labels: { may: null } } });
    await eventually(async () => !(await reaches(a, web, 80)));
  });

  it('answers the same ADD twice alike, CHECKs it, and forgets it by DEL as often as asked', async () => {
    await using cluster = await TestCluster.create();
    await cluster.addNode('n1');
    const pod = await cluster.addPod('n1', 'a');
    const [check, del] = CHECK.map((command) => ({ ...pod.request, command }));
    const again = await cluster.cni('n1', pod.request);
    expect(again).toMatchObject({ ips: [{ address: `${pod.ips[0]}/32` }] });
    await cluster.cni('n1', { ...check!, config: { ...check!.config, prevResult: again } });
    using inside = openNetlink({ netns: pod.netns });
    inside.apply([{ kind: 'delete-route', route: { destination: parseCidr('0.0.0.0/0')! } }]);
    await expect(cluster.cni('n1', check!)).rejects.toThrow(/default route/);
    await cluster.cni('n1', del!);
    await cluster.cni('n1', { ...del!, netns: '' });
    expect(inside.link('eth0')).toBeUndefined();
    await expect(cluster.cni('n1', check!)).rejects.toThrow(/not attached/);
  });

  it('gives a container a further interface that is reached as well, and leaves the first as it was', async () => {
    await using cluster = await TestCluster.create({ pools: ['10.244.0.0/16', 'fd00:10:244::/56'] });
    await cluster.addNode('n1');
    const [pod, other] = [await cluster.addPod('n1', 'a'), await cluster.addPod('n1', 'b')];
    const further = { ...pod.request, ifname: 'net1' };
    const add = async (): Promise<readonly string[]> => {
      const { ips } = (await cluster.cni('n1', further)) as { readonly ips: readonly { readonly address: string }[] };
      return ips.map(({ address }) => address.split('/')[0]!);
    };
    const expectReached = async (...ips: readonly string[]): Promise<void> => {
      for (const ip of ips) {
        await eventually(() => cluster.pings(other.netns, ip));
        const back = other.ips.find((each) => each.includes(':') === ip.includes(':'))!;
        expect(await cluster.run(pod.netns, ['ping', '-c', '1', '-W', '5', '-I', ip, back])).toMatchObject({ code: 0 });
      }
      for (const back of other.ips) expect(await cluster.pings(pod.netns, back)).toBe(true);
    };
    const second = await add();
    expect(second).not.toEqual(pod.ips);
    expect(second).toHaveLength(2);
    await expectReached(...pod.ips, ...second);
    for (const request of [pod.request, further]) await cluster.cni('n1', { ...request, command: 'CHECK' });
    await cluster.cni('n1', { ...further, command: 'DEL' });
    await expectReached(...pod.ips);
    await cluster.cni('n1', { ...pod.request, command: 'CHECK' });
    await expectReached(...pod.ips, ...(await add()));
  });

  it('collects what the runtime no longer knows, and settles DELs from while it was away', async () => {
    await using cluster = await TestCluster.create();
    await cluster.addNode('n1');
    const pods = [
      await cluster.addPod('n1', 'a'),
      await cluster.addPod('n1', 'b'),
      await cluster.addPod('n1', 'c'),
    ] as const;
    const [a, b, c] = pods;
    const valid = [a, b].map(({ request }) => ({ containerID: request.containerId, ifname: 'eth0' }));
    const config = { ...a.request.config, 'cni.dev/valid-attachments': valid };
    await cluster.cni('n1', { ...a.request, command: 'GC', containerId: '', config });
    using node = openNetlink({ netns: cluster.nodes.get('n1')!.netns });
    const count = (): number => node.links().filter(({ name }) => name.startsWith('slc')).length;
    expect(count()).toBe(2);
    await expect(cluster.cni('n1', { ...c.request, command: 'CHECK' })).rejects.toThrow(/not attached/);
    await cluster.stopAgent('n1');
    const pending = join(cluster.nodes.get('n1')!.stateDir, 'cni/pending-del');
    mkdirSync(pending, { recursive: true });
    writeFileSync(join(pending, 'b.json'), JSON.stringify({ ...b.request, command: 'DEL' }));
    await cluster.startAgent('n1');
    await eventually(() => count() === 1);
    await eventually(() => cluster.pings(cluster.nodes.get('n1')!.netns, a.ips[0]!));
  });

  it('puts back what somebody else removed from the kernel', async () => {
    await using cluster = await TestCluster.create();
    await cluster.addNode('n1');
    const pod = await cluster.addPod('n1', 'a');
    using node = openNetlink({ netns: cluster.nodes.get('n1')!.netns });
    node.apply([{ kind: 'delete-route', route: { destination: parseCidr(`${pod.ips[0]}/32`)! } }]);
    await eventually(() => cluster.pings(cluster.nodes.get('n1')!.netns, pod.ips[0]!));
    node.apply([{ kind: 'delete-link', link: 'vxlan.sluice' }]);
    await eventually(() => node.link('vxlan.sluice')?.up === true);
  });

  it('cuts the live connection that policy now denies, and no other', async () => {
    await using cluster = await TestCluster.create();
    await cluster.addNode('n1');
    const [good, bad, web] = [
      await cluster.addPod('n1', 'good', { may: 'yes' }),
      await cluster.addPod('n1', 'bad'),
      await cluster.addPod('n1', 'web', { app: 'web' }),
    ];
    cluster.start(web.netns, ['busybox', 'nc', '-ll', '-p', '80', '-e', 'busybox', 'cat']);
    await eventually(async () =>
      (await cluster.run(web.netns, ['busybox', 'netstat', '-ltn'])).output.includes(':80 '),
    );
    const streams = [good, bad].map((pod) => {
      const child = cluster.start(pod.netns, [
        'sh',
        '-c',
        `(i=0; while [ $i -lt 6000 ]; do echo line; sleep 0.05; i=$((i+1)); done) | busybox nc ${web.ips[0]} 80`,
      ]);
      const state = { lines: 0 };
      child.stdout!.on('data', (chunk: Buffer) => (state.lines += chunk.toString().split('\n').length - 1));
      return state;
    });
    const [kept, cut] = streams as [{ lines: number }, { lines: number }];
    await eventually(() => kept.lines > 3 && cut.lines > 3);
    await cluster.client.create(
      NETWORK_POLICIES,
      policy('web', {
        podSelector: { matchLabels: { app: 'web' } },
        ingress: [{ from: [{ podSelector: { matchLabels: { may: 'yes' } } }] }],
      }),
    );
    let last = 0;
    await eventually(async () => {
      const goal = kept.lines + 20;
      last = cut.lines;
      await eventually(() => kept.lines > goal);
      return cut.lines === last;
    });
    await cluster.client.delete(NETWORK_POLICIES, { namespace: 'default', name: 'web' });
    await eventually(() => cut.lines > last);
  });
});

describe.each(['vxlan', 'cross-subnet', 'udp', 'ovs'] as const)('agents on three nodes with backend %s', (backend) => {
  it('connect pods over both families, and publish where they are', async () => {
    await using cluster = await TestCluster.create({ backend, pools: ['10.244.0.0/16', 'fd00:10:244::/56'] });
    await cluster.addNode('n1', 'a');
    await cluster.addNode('n2', 'a');
    await cluster.addNode('n3', 'b');
    const pods = [await cluster.addPod('n1', 'p1'), await cluster.addPod('n2', 'p2'), await cluster.addPod('n3', 'p3')];
    for (const from of pods)
      for (const to of pods) for (const ip of to.ips) await eventually(() => cluster.pings(from.netns, ip));
    const from = cluster.nodes.get('n1')!.netns;
    for (const to of pods) for (const ip of to.ips) await eventually(() => cluster.pings(from, ip));
    const node = await cluster.client.get<{ metadata: { annotations: Record<string, string> } }>(NODES, { name: 'n3' });
    expect(node.metadata.annotations).toMatchObject({ 'projectcalico.org/IPv4Address': '172.30.2.13/24' });
    await cluster.client.create(NETWORK_POLICIES, denyAll);
    await eventually(async () => !(await cluster.pings(pods[0]!.netns, pods[2]!.ips[0]!)));
    await eventually(async () => !(await cluster.pings(pods[2]!.netns, pods[1]!.ips[1]!)));
  });
});

describe('agents with backend host-gw', () => {
  it('connect the nodes of one subnet and leave out, by name, the one behind a router', async () => {
    await using cluster = await TestCluster.create({ backend: 'host-gw' });
    await cluster.addNode('n1', 'a');
    await cluster.addNode('n2', 'a');
    await cluster.addNode('n3', 'b');
    const pods = [
      await cluster.addPod('n1', 'p1'),
      await cluster.addPod('n2', 'p2'),
      await cluster.addPod('n3', 'p3'),
    ] as const;
    await eventually(() => cluster.pings(pods[0].netns, pods[1].ips[0]!));
    const { network } = (await cluster.status('n1')) as { network: { problems: { peer: string; message: string }[] } };
    expect(network.problems.map(({ peer }) => peer)).toEqual(['n3']);
    expect(network.problems[0]!.message).toMatch(/172\.30\.2\.13.*172\.30\.1\.11/);
  });
});

describe.each(['vxlan', 'host-gw', 'cross-subnet', 'udp', 'ovs'] as const)('a NodePort with backend %s', (backend) => {
  it('shows a pod on another node, and its policies, who the client outside is', async () => {
    await using cluster = await TestCluster.create({ backend, pools: ['10.244.0.0/16', 'fd00:10:244::/56'] });
    await cluster.addNode('n1');
    await cluster.addNode('n2');
    const web = await cluster.addPod('n1', 'web', { app: 'web' });
    cluster.serve(web, 6);
    await cluster.client.create(SERVICES, service('10.96.0.1', 'fd00:10:96::1'));
    for (const family of [4, 6] as const) await cluster.client.create(ENDPOINT_SLICES, slice(web, family));
    const ask = async (address: string) =>
      (await cluster.run(cluster.router, ['busybox', 'timeout', '2', 'busybox', 'nc', address, '30080'])).output;
    const only = (cidrs: readonly string[]) =>
      policy('only', {
        podSelector: { matchLabels: { app: 'web' } },
        ingress: [{ from: cidrs.map((cidr) => ({ ipBlock: { cidr } })) }],
      });
    await cluster.client.create(NETWORK_POLICIES, only(['172.30.1.1/32', 'fd00:30:1::1/128']));
    await eventually(async () => (await ask('172.30.1.12')) === 'web ::ffff:172.30.1.1');
    await eventually(async () => (await ask('fd00:30:1::12')) === 'web fd00:30:1::1');
    // The node that the client enters by is not the client.
    await cluster.client.delete(NETWORK_POLICIES, { namespace: 'default', name: 'only' });
    await cluster.client.create(NETWORK_POLICIES, only(['172.30.1.12/32', 'fd00:30:1::12/128']));
    await eventually(async () => !(await ask('172.30.1.12')).startsWith('web'));
    await eventually(async () => !(await ask('fd00:30:1::12')).startsWith('web'));
  });
});

describe('a UDP client of a Service', () => {
  it('is answered by the new endpoint, over the socket that it talked to the old one with', async () => {
    await using cluster = await TestCluster.create();
    await cluster.addNode('n1');
    const [before, after] = [await cluster.addPod('n1', 'before'), await cluster.addPod('n1', 'after')];
    const from = await cluster.addPod('n1', 'client');
    for (const pod of [before, after]) cluster.serve(pod);
    await cluster.client.create(SERVICES, service('10.96.0.1'));
    await cluster.client.create(ENDPOINT_SLICES, slice(before));
    const last = cluster.converse(from, '10.96.0.1');
    await eventually(() => last().startsWith('before '));
    await cluster.client.delete(ENDPOINT_SLICES, { namespace: 'default', name: 'web-4' });
    await cluster.client.create(ENDPOINT_SLICES, slice(after));
    await eventually(() => last().startsWith('after '));
  });

  it('is let go when the last endpoint goes, and finds the first one that comes, by a NodePort too', async () => {
    await using cluster = await TestCluster.create();
    await cluster.addNode('n1');
    const [before, after] = [await cluster.addPod('n1', 'before'), await cluster.addPod('n1', 'after')];
    const clients = [await cluster.addPod('n1', 'client-1'), await cluster.addPod('n1', 'client-2')] as const;
    for (const pod of [before, after]) cluster.serve(pod);
    const ways = [cluster.converse(clients[0], '10.96.0.1'), cluster.converse(clients[1], '172.30.1.11', 30_080)];
    const answeredBy = (name: string) => eventually(() => ways.every((last) => last().startsWith(`${name} `)));
    using conntrack = openConntrack({ netns: cluster.nodes.get('n1')!.netns });
    const led = () => conntrack.dump().filter(({ reply }) => reply.sourcePort === 8080).length;
    // The clients have been asking since before there was anything to ask.
    await cluster.client.create(SERVICES, service('10.96.0.1'));
    await cluster.client.create(ENDPOINT_SLICES, slice(before));
    await answeredBy('before');
    await cluster.client.delete(ENDPOINT_SLICES, { namespace: 'default', name: 'web-4' });
    await eventually(() => led() === 0);
    await cluster.client.create(ENDPOINT_SLICES, slice(after));
    await answeredBy('after');
  });
});

describe('an agent that is replaced under load', () => {
  it('drops no packet of an allowed connection and lets none of a denied one through', async () => {
    await using cluster = await TestCluster.create();
    await cluster.addNode('n1');
    await cluster.addNode('n2');
    const [a, b, closed] = [
      await cluster.addPod('n1', 'a'),
      await cluster.addPod('n2', 'b'),
      await cluster.addPod('n2', 'closed', { closed: 'yes' }),
    ];
    await cluster.client.create(
      NETWORK_POLICIES,
      policy('closed', { podSelector: { matchLabels: { closed: 'yes' } }, policyTypes: ['Ingress'] }),
    );
    await eventually(() => cluster.pings(a.netns, b.ips[0]!));
    await eventually(async () => !(await cluster.pings(a.netns, closed.ips[0]!)));
    const allowed = cluster.run(a.netns, ['ping', '-i', '0.002', '-c', '800', b.ips[0]!]);
    const denied = cluster.run(a.netns, ['ping', '-i', '0.002', '-c', '800', '-W', '1', closed.ips[0]!]);
    for (let i = 0; i < 3; i++) {
      for (const node of ['n1', 'n2']) {
        await cluster.stopAgent(node);
        await cluster.startAgent(node);
      }
    }
    const { output } = await allowed;
    expect(answers(output).length).toBeGreaterThan(700);
    expect(unanswered(output, 2)).toEqual([]);
    expect((await denied).output).toMatch(/800 packets transmitted, 0 received/);
    const late = await cluster.addPod('n2', 'late');
    await eventually(() => cluster.pings(a.netns, late.ips[0]!));
  });
});
