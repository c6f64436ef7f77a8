import { describe, expect, it, onTestFinished } from 'vitest';
import { parseIp } from '../../base/ip/index.ts';
import { ENDPOINT_SLICES, NETWORK_POLICIES, PODS, SERVICES } from '../../host/kube-client/resources.ts';
import {
  AF_INET,
  POLLOUT,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SOL_SOCKET,
  SO_ERROR,
  bindSocket,
  close,
  connect,
  getsockopt,
  listen,
  poll,
  socket,
} from '../../host/libc.ts';
import { inNetns } from '../../host/netns/netns.ts';
import { encodeSockaddr } from '../../host/probe/sockaddr.ts';
import { TestCluster, eventually } from './cluster.test-support.ts';
import type { TestPod } from './cluster.test-support.ts';
import { service, slice } from './workloads.test-support.ts';

/** IANA's number of the protocol. */
const IPPROTO_SCTP = 132;
const PATIENCE = 180_000;
const ANY = parseIp('0.0.0.0')!;

/** Undefined where the kernel has no SCTP; the test machine's has. */
function sctpSocket(netns?: string): number | undefined {
  const create = (): number => socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_SCTP);
  const fd = netns === undefined ? create() : inNetns(netns, create);
  return fd < 0 ? undefined : fd;
}

function kernelHasSctp(): boolean {
  const fd = sctpSocket();
  if (fd !== undefined) close(fd);
  return fd !== undefined;
}

/** Accepts associations in the pod until the test ends. */
function offer({ netns }: TestPod, port: number): void {
  const fd = sctpSocket(netns)!;
  onTestFinished(() => void close(fd));
  const address = encodeSockaddr(ANY, port);
  expect([bindSocket(fd, address, address.length), listen(fd, 8)]).toEqual([0, 0]);
}

/** Whether an association comes about within a second. */
function associates(from: Pick<TestPod, 'netns'>, to: string, port: number): boolean {
  const fd = sctpSocket(from.netns)!;
  try {
    const address = encodeSockaddr(parseIp(to)!, port);
    connect(fd, address, address.length);
    const failure = new Int32Array(1);
    // The association is made by the kernel alone, so that it may be waited for here.
    if (poll(new Int32Array([fd, POLLOUT]), 1, 1000) !== 1) return false;
    getsockopt(fd, SOL_SOCKET, SO_ERROR, failure, new Int32Array([4]));
    return failure[0] === 0;
  } finally {
    close(fd);
  }
}

describe.skipIf(!kernelHasSctp())('SCTP associations between nodes', { timeout: 8 * PATIENCE }, () => {
  it('come about as policy has it, and follow the labels of the client, to a pod and to its Service', async () => {
    await using cluster = await TestCluster.create();
    await cluster.addNode('n1');
    await cluster.addNode('n2');
    const [client, server] = [await cluster.addPod('n1', 'client'), await cluster.addPod('n2', 'server', { app: 's' })];
    for (const port of [3868, 3869]) offer(server, port);
    await eventually(() => associates(client, server.ips[0]!, 3868), PATIENCE);
    await cluster.client.create(NETWORK_POLICIES, {
      metadata: { name: 'diameter', namespace: 'default' },
      spec: {
        podSelector: { matchLabels: { app: 's' } },
        ingress: [
          {
            from: [{ podSelector: { matchLabels: { may: 'yes' } } }],
            ports: [{ protocol: 'SCTP', port: 3868 }],
          },
        ],
      },
    } as object);
    await eventually(() => !associates(client, server.ips[0]!, 3868), PATIENCE);
    await cluster.client.patch(PODS, client, 'merge', { metadata: { labels: { may: 'yes' } } });
    await eventually(() => associates(client, server.ips[0]!, 3868), PATIENCE);
    expect(associates(client, server.ips[0]!, 3869)).toBe(false);

    // By a Service, policy is asked about the pod's port and the client just the same.
    const ports = (port: object) => [{ name: 'SCTP', protocol: 'SCTP', ...port }];
    const [web, pods] = [service('10.96.0.1'), slice(server)] as [{ spec: object }, object];
    const spec = { ...web.spec, ports: ports({ port: 80, nodePort: 30_080 }) };
    await cluster.client.create(SERVICES, { ...web, spec } as object);
    await cluster.client.create(ENDPOINT_SLICES, { ...pods, ports: ports({ port: 3868 }) } as object);
    await eventually(() => associates(client, '10.96.0.1', 80), PATIENCE);
    const outside = { netns: cluster.router };
    const nodes = ['172.30.1.11', '172.30.1.12'];
    for (const node of nodes) expect(associates(outside, node, 30_080)).toBe(false);
    await cluster.client.delete(NETWORK_POLICIES, { namespace: 'default', name: 'diameter' });
    for (const node of nodes) await eventually(() => associates(outside, node, 30_080), PATIENCE);
  });
});
