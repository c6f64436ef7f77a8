import { parseIp } from '../../base/ip/index.ts';
import { probe } from '../../host/probe/probe.ts';
import type { TestPod } from './cluster.test-support.ts';

/** A NetworkPolicy of namespace default. */
export const policy = (name: string, spec: object) => ({ metadata: { name, namespace: 'default' }, spec }) as object;

/** Service `web` of port 80, TCP and UDP, with NodePort 30080. */
export const service = (...clusterIPs: string[]) =>
  ({
    metadata: { name: 'web', namespace: 'default' },
    spec: {
      type: 'NodePort',
      clusterIP: clusterIPs[0],
      clusterIPs,
      ports: ['TCP', 'UDP'].map((protocol) => ({ name: protocol, protocol, port: 80, nodePort: 30_080 })),
    },
  }) as object;

/** The EndpointSlice of Service `web` for a family: the pod, at port 8080. */
export const slice = (pod: TestPod, family: 4 | 6 = 4) =>
  ({
    metadata: { name: `web-${family}`, namespace: 'default', labels: { 'kubernetes.io/service-name': 'web' } },
    addressType: `IPv${family}`,
    ports: ['TCP', 'UDP'].map((protocol) => ({ name: protocol, protocol, port: 8080 })),
    endpoints: [
      {
        addresses: pod.ips.filter((ip) => ip.includes(':') === (family === 6)),
        conditions: { ready: true },
        nodeName: pod.node,
      },
    ],
  }) as object;

/**
 * Whether TCP packets to every address of `to` come through: an answer or a refusal proves it, silence denies it. Throws
 * where its families go on to disagree.
 */
export async function reaches(from: TestPod, to: TestPod, port = 80): Promise<boolean> {
  const endpoint = ({ name, netns, ips }: TestPod) => ({ id: name, netns, addresses: ips.map((ip) => parseIp(ip)!) });
  const attempts = to.ips.map((ip) => ({
    from: endpoint(from),
    to: endpoint(to),
    protocol: 'tcp' as const,
    address: parseIp(ip)!,
    port,
  }));
  for (const deadline = Date.now() + 180_000; ;) {
    const results = await probe(attempts, { retries: 0, timeoutMs: 900 });
    const [verdict, ...others] = new Set(results.map((each) => each.verdict));
    if (others.length === 0 && verdict !== 'error') return verdict === 'allowed';
    // The first packet to a neighbour may have to wait until its address is known.
    if (verdict === 'error' || Date.now() > deadline) throw new Error(JSON.stringify(results));
  }
}
