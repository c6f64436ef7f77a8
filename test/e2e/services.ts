import type { Pod, Service } from 'kubernetes-types/core/v1.d.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ServiceDescription } from '../../src/cli/service/describe-service.ts';
import type { LabPlace } from '../../src/app/lab/lab-types.ts';
import { NODES, PODS as POD_API, SERVICES } from '../../src/host/kube-client/resources.ts';
import type { Node } from '../../src/core/kube/types.ts';
import { podPlace, type TestCluster } from './harness.ts';

const PODS = `
apiVersion: v1
kind: Pod
metadata:
  name: web
  namespace: svc
  labels: { app: web }
  annotations: { kubernetes.io/egress-bandwidth: 500M }
spec:
  containers:
    - { name: web, image: nginx, ports: [{ name: http, containerPort: 80, hostPort: 8085 }] }
---
apiVersion: v1
kind: Pod
metadata: { name: client, namespace: svc, labels: { app: client } }
spec:
  containers:
    - { name: client, image: busybox, command: [sleep, infinity] }
---
apiVersion: v1
kind: Service
metadata: { name: web, namespace: svc }
spec:
  type: NodePort
  ipFamilyPolicy: PreferDualStack
  selector: { app: web }
  ports: [{ port: 8080, targetPort: http }]
`;

/** Addresses on segment a; the backend is on the other one. */
const balanced = (node: string): string => `
apiVersion: crd.projectcalico.org/v1
kind: IPPool
metadata: { name: balanced-4, annotations: { sluice.dev/announce: LoadBalancerIPs } }
spec: { cidr: 172.30.1.224/28, blockSize: 28, allowedUses: [LoadBalancer] }
---
apiVersion: crd.projectcalico.org/v1
kind: IPPool
metadata: { name: balanced-6, annotations: { sluice.dev/announce: LoadBalancerIPs } }
spec: { cidr: 'fd00:30:1::e000/122', allowedUses: [LoadBalancer] }
---
apiVersion: v1
kind: Pod
metadata: { name: front, namespace: svc, labels: { app: front } }
spec:
  nodeSelector: { kubernetes.io/hostname: ${node} }
  containers:
    - { name: web, image: nginx, ports: [{ containerPort: 80 }] }
---
apiVersion: v1
kind: Service
metadata: { name: front, namespace: svc }
spec:
  type: LoadBalancer
  ipFamilyPolicy: RequireDualStack
  selector: { app: front }
  ports: [{ port: 80 }]
`;

const policy = (peer: string): string => `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: web, namespace: svc }
spec:
  podSelector: { matchLabels: { app: web } }
  policyTypes: [Ingress]
  ingress:
    - from: [${peer}]
      ports: [{ port: 80 }]
`;

/** Services as clients inside and outside see them, with policies on their backends. */
export function describeServices(running: () => TestCluster): void {
  describe('a Service', () => {
    beforeAll(async () => {
      await running().ok('create namespace svc');
      await running().apply(PODS);
      await running().ready('svc');
    });
    afterAll(() => running().clear('svc'));

    it('answers on its cluster addresses, by name, and to its own backend', async () => {
      const cluster = running();
      for (const address of await clusterAddresses(cluster)) {
        await expect.poll(() => fetches(cluster, podPlace('svc/client'), address, 8080)).toBe(true);
        await expect.poll(() => fetches(cluster, podPlace('svc/web'), address, 8080)).toBe(true);
      }
      const output = await cluster.ok('exec -n svc client -- timeout 60 wget -q -O - http://web.svc:8080');
      expect(output).toContain('svc/web');
    });

    it('answers on every node to a client outside of the cluster', async () => {
      const cluster = running();
      await expect.poll(() => answersOutside(cluster)).toEqual(new Set([true]));
    });

    it('has a pod whose host port its own node offers, and no other, and whose bandwidth it limits', async () => {
      const cluster = running();
      const { spec } = await cluster.client.get<Pod>(POD_API, { namespace: 'svc', name: 'web' });
      for (const { node, address } of await nodeAddresses(cluster))
        await expect.poll(() => fetches(cluster, { kind: 'outside' }, address, 8085)).toBe(node === spec?.nodeName);
      const command = ['ip', '-j', 'link', 'show', 'type', 'ifb'];
      const at: LabPlace = { kind: 'node', name: spec?.nodeName ?? '' };
      expect(JSON.parse((await cluster.lab.request({ op: 'exec', at, command })).stdout)).toHaveLength(1);
    });

    it('is judged after translation: by the port of the pod and the labels of the client', async () => {
      const cluster = running();
      const [address] = await clusterAddresses(cluster);
      await cluster.apply(policy('{ podSelector: { matchLabels: { app: client } } }'));
      await cluster.agrees('svc');
      await expect.poll(() => fetches(cluster, podPlace('svc/client'), address!, 8080)).toBe(true);
      // A pod always reaches itself, through its Service too.
      await expect.poll(() => fetches(cluster, podPlace('svc/web'), address!, 8080)).toBe(true);
      await expect.poll(() => answersOutside(cluster)).toEqual(new Set([false]));
    });

    it('shows its backend the real source of a client outside, whichever node it asks', async () => {
      const cluster = running();
      const blocks = '{ ipBlock: { cidr: 203.0.113.0/24 } }, { ipBlock: { cidr: 2001:db8:113::/64 } }';
      await cluster.apply(policy(blocks));
      await cluster.agrees('svc');
      await expect.poll(() => answersOutside(cluster)).toEqual(new Set([true]));
      const [own] = await clusterAddresses(cluster);
      await expect.poll(() => fetches(cluster, podPlace('svc/client'), own!, 8080)).toBe(false);
    });

    it('sends nobody to a pod that is gone, and finds the one that takes its place', async () => {
      const cluster = running();
      await cluster.ok('delete networkpolicy web -n svc');
      await cluster.ok('delete pod web -n svc --grace-period=1');
      const [address] = await clusterAddresses(cluster);
      await expect.poll(() => fetches(cluster, podPlace('svc/client'), address!, 8080)).toBe(false);
      await cluster.apply(PODS);
      await cluster.ready('svc');
      await expect.poll(() => fetches(cluster, podPlace('svc/client'), address!, 8080)).toBe(true);
    });

    it('answers on load balancers’ addresses of a segment, by another node when the one that announced them is gone', async () => {
      const cluster = running();
      const nodes = await nodeAddresses(cluster);
      await cluster.apply(balanced(nodes.find(({ address }) => address.startsWith('172.30.2.'))!.node));
      await cluster.ready('svc');
      const reached = async (): Promise<readonly boolean[]> => {
        const addresses = [...(await announced(cluster)).keys()];
        return Promise.all(addresses.map((address) => fetches(cluster, { kind: 'outside' }, address, 80)));
      };
      await expect.poll(reached).toEqual([true, true]);
      let node = '';
      await expect.poll(async () => (node = [...(await announced(cluster)).values()][0] ?? '')).not.toBe('');
      await cluster.lab.request({ op: 'kill-node', node });
      await expect.poll(async () => [...(await announced(cluster)).values()]).not.toContain(node);
      await expect.poll(reached).toEqual([true, true]);
      await cluster.lab.request({ op: 'start-node', node });
      await cluster.ok('wait node --all --for=condition=Ready --timeout=300s');
      await cluster.ok('rollout status daemonset/sluice-node -n kube-system --timeout=300s');
      await cluster.ok('wait deployment --all -n kube-system --for=condition=Available --timeout=300s');
      await cluster.ok('delete service front -n svc');
      await cluster.ok('delete ippool balanced-4 balanced-6');
    });
  });
}

/** Of each load balancer's address of Service `front` the node that announces it. */
async function announced(cluster: TestCluster): Promise<ReadonlyMap<string, string | null | undefined>> {
  const { stdout } = await cluster.sluice('service', 'svc/front', '-o', 'json', '--name', cluster.name);
  const { addresses } = JSON.parse(stdout) as Pick<ServiceDescription, 'addresses'>;
  const balancers = addresses.filter(({ kind }) => kind === 'LoadBalancer');
  return new Map(balancers.map(({ address, announcedBy }) => [address, announcedBy]));
}

/** Whether an HTTP request from somewhere in the lab is answered within two seconds. */
async function fetches(cluster: TestCluster, at: LabPlace, address: string, port: number): Promise<boolean> {
  const host = address.includes(':') ? `[${address}]` : address;
  const command = ['timeout', '2', 'busybox', 'wget', '-q', '-O', '/dev/null', `http://${host}:${port}/`];
  return (await cluster.lab.request({ op: 'exec', at, command })).code === 0;
}

/** What the host outside gets from the node port of every address of every node, all at once. */
async function answersOutside(cluster: TestCluster): Promise<ReadonlySet<boolean>> {
  const port = await nodePort(cluster);
  const nodes = await nodeAddresses(cluster);
  return new Set(await Promise.all(nodes.map(({ address }) => fetches(cluster, { kind: 'outside' }, address, port))));
}

async function service(cluster: TestCluster): Promise<Service> {
  return cluster.client.get<Service>(SERVICES, { namespace: 'svc', name: 'web' });
}

async function clusterAddresses(cluster: TestCluster): Promise<readonly string[]> {
  return (await service(cluster)).spec?.clusterIPs ?? [];
}

async function nodePort(cluster: TestCluster): Promise<number> {
  return (await service(cluster)).spec?.ports?.[0]?.nodePort ?? 0;
}

async function nodeAddresses(
  cluster: TestCluster,
): Promise<readonly { readonly node: string; readonly address: string }[]> {
  const { items } = await cluster.client.list<Node>(NODES);
  return items.flatMap(({ metadata, status }) =>
    (status?.addresses ?? [])
      .filter(({ type }) => type === 'InternalIP')
      .map(({ address }) => ({ node: metadata?.name ?? '', address })),
  );
}
