import { describe, expect, it } from 'vitest';
import { parseIp } from '../../base/ip/index.ts';
import { NETWORK_POLICIES } from '../../host/kube-client/resources.ts';
import { openNetlink } from '../../host/netlink/kernel.ts';
import { eventually, TestCluster } from './cluster.test-support.ts';
import { policy } from './workloads.test-support.ts';

const POOLS = ['10.244.0.0/16', 'fd00:10:244::/56'];
const NODE = ['172.30.1.11', 'fd00:30:1::11'] as const;

/** Port 80 of the node over TCP, 8053 over UDP; both lead to the port that {@link TestCluster.serve} answers on. */
const WEB = {
  portMappings: [
    { hostPort: 80, containerPort: 8080, protocol: 'tcp' },
    { hostPort: 8053, containerPort: 8080, protocol: 'udp' },
  ],
};

/** What a connection to the address is answered. */
const ask = async (cluster: TestCluster, netns: string, address: string, port = 80): Promise<string> =>
  (await cluster.run(netns, ['busybox', 'timeout', '5', 'busybox', 'nc', address, String(port)])).output;

const answers = (cluster: TestCluster, netns: string, address: string, answer: string, port = 80): Promise<void> =>
  eventually(async () => (await ask(cluster, netns, address, port)) === answer);

/** Refused at once: nobody listens there on the node. */
const isClosed = async (cluster: TestCluster, netns: string, address: string, port = 80): Promise<boolean> =>
  (await ask(cluster, netns, address, port)).includes('refused');

describe('a host port', () => {
  it('leads whoever asks the node to its pod, which sees who it is, and so do its policies', async () => {
    await using cluster = await TestCluster.create({ pools: POOLS });
    await cluster.addNode('n1');
    await cluster.addNode('n2');
    const web = await cluster.addPod('n1', 'web', { app: 'web' }, WEB);
    const [near, far] = [await cluster.addPod('n1', 'near', { may: 'yes' }), await cluster.addPod('n2', 'far')];
    cluster.serve(web, 6);
    const node = cluster.nodes.get('n1')!.netns;
    await answers(cluster, cluster.router, NODE[0], 'web ::ffff:172.30.1.1');
    await answers(cluster, cluster.router, NODE[1], 'web fd00:30:1::1');
    await answers(cluster, near.netns, NODE[0], `web ::ffff:${near.ips[0]}`);
    await answers(cluster, near.netns, NODE[1], `web ${near.ips[1]}`);
    await answers(cluster, node, NODE[0], `web ::ffff:${NODE[0]}`);
    // Itself, and from another node, whose pool hides its pods from nodes.
    await eventually(async () => (await ask(cluster, web.netns, NODE[0])).startsWith('web '));
    await answers(cluster, far.netns, NODE[0], 'web ::ffff:172.30.1.12');
    // Its other node does not offer it, nor does this one on its loopback.
    await eventually(() => isClosed(cluster, cluster.router, '172.30.1.12'));
    await eventually(() => isClosed(cluster, node, '127.0.0.1'));

    const may = { from: [{ podSelector: { matchLabels: { may: 'yes' } } }], ports: [{ port: 8080 }] };
    await cluster.client.create(
      NETWORK_POLICIES,
      policy('web', { podSelector: { matchLabels: { app: 'web' } }, ingress: [may] }),
    );
    await eventually(async () => !(await ask(cluster, cluster.router, NODE[0])).startsWith('web'));
    await answers(cluster, near.netns, NODE[0], `web ::ffff:${near.ips[0]}`);
  });

  it('is offered at the address that the pod asks for, and at no other', async () => {
    await using cluster = await TestCluster.create({ pools: POOLS });
    await cluster.addNode('n1');
    const { netns } = cluster.nodes.get('n1')!;
    using netlink = openNetlink({ netns });
    const second = { ip: parseIp('172.30.1.77')!, prefix: 32 };
    netlink.apply([{ kind: 'add-address', address: { link: 'eth0', address: second } }]);
    const [web] = WEB.portMappings;
    const mapping = (hostIP: string) => ({ portMappings: [{ ...web, hostIP }] });
    cluster.serve(await cluster.addPod('n1', 'first', {}, mapping(NODE[0])), 6);
    cluster.serve(await cluster.addPod('n1', 'second', {}, mapping('172.30.1.77')), 6);
    cluster.serve(await cluster.addPod('n1', 'third', {}, mapping('::')), 6);
    await answers(cluster, cluster.router, NODE[0], 'first ::ffff:172.30.1.1');
    await answers(cluster, netns, '172.30.1.77', 'second ::ffff:172.30.1.77');
    await answers(cluster, cluster.router, NODE[1], 'third fd00:30:1::1');
  });

  it('belongs to one pod until that is gone, also for an agent that comes later', async () => {
    await using cluster = await TestCluster.create();
    await cluster.addNode('n1');
    const first = await cluster.addPod('n1', 'first', {}, WEB);
    cluster.serve(first);
    await cluster.stopAgent('n1');
    await answers(cluster, cluster.router, NODE[0], 'first 172.30.1.1');
    await cluster.startAgent('n1');
    await answers(cluster, cluster.router, NODE[0], 'first 172.30.1.1');
    await cluster.cni('n1', { ...first.request, command: 'CHECK' });
    const other = { portMappings: [{ ...WEB.portMappings[0]!, hostIP: NODE[0] }] };
    await expect(cluster.addPod('n1', 'second', {}, other)).rejects.toThrow(
      `host port ${NODE[0]}:80/TCP is taken by pod default/first on this node`,
    );
    const asked = { ...first.request.config, runtimeConfig: other };
    await expect(cluster.cni('n1', { ...first.request, command: 'CHECK', config: asked })).rejects.toThrow(
      /other host ports/,
    );
    const valid = { ...first.request.config, 'cni.dev/valid-attachments': [] };
    await cluster.cni('n1', { ...first.request, command: 'GC', config: valid });
    await eventually(() => isClosed(cluster, cluster.router, NODE[0]));
    const third = await cluster.addPod('n1', 'third', {}, WEB);
    cluster.serve(third);
    await answers(cluster, cluster.router, NODE[0], 'third 172.30.1.1');
    await cluster.powerOff('n1');
    await cluster.powerOn('n1');
    const again = await cluster.reattachPod(third);
    cluster.serve(again);
    await answers(cluster, cluster.router, NODE[0], 'third 172.30.1.1');
  });

  it('leads a client that has been asking over UDP all the time to the pod of the moment', async () => {
    await using cluster = await TestCluster.create();
    await cluster.addNode('n1');
    const last = cluster.converse({ netns: cluster.router }, NODE[0], 8053);
    for (const name of ['before', 'after']) {
      const pod = await cluster.addPod('n1', name, {}, WEB);
      cluster.serve(pod);
      await eventually(() => last().startsWith(`${name} 172.30.1.1`));
      await cluster.removePod(pod);
    }
  });
});
