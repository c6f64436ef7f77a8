import type { ChildProcess } from 'node:child_process';
import { kill } from 'node:process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listAll } from '../../src/host/kube-client/list-all.ts';
import { IPAM_BLOCKS, PODS } from '../../src/host/kube-client/resources.ts';
import type { KubeObject } from '../../src/host/kube-client/types.ts';
import type { Pod } from '../../src/core/kube/types.ts';
import { formatIp, parseCidr, parseIp } from '../../src/base/ip/index.ts';
import { eventually, type TestCluster } from './harness.ts';
import { EchoStream } from './stream.ts';

const POLICY = `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: server, namespace: fail }
spec:
  podSelector: { matchLabels: { run: server } }
  policyTypes: [Ingress]
  ingress:
    - from:
        - podSelector: { matchLabels: { run: friend } }
`;

/** What must hold while an agent or a whole node dies under load. */
export function describeFailures(running: () => TestCluster): void {
  describe('when something dies', () => {
    beforeAll(async () => {
      const cluster = running();
      await cluster.ok('create namespace fail');
      for (const name of ['server', 'friend', 'stranger']) {
        await cluster.ok(`run ${name} -n fail --image=busybox -- sleep infinity`);
      }
      await cluster.ok('create deployment web -n fail --image=nginx --replicas=4');
      await cluster.ok('expose deployment web -n fail --port=80');
      await cluster.ready('fail');
      await cluster.apply(POLICY);
      await cluster.agrees('fail');
    });
    afterAll(() => running().clear('fail'));

    it('an agent: no verdict changes, no connection drops, and it takes up its work again', async () => {
      const cluster = running();
      using stream = await EchoStream.open(cluster, 'fail/friend', 'fail/server', 5001);
      using requests = new RequestLoad(cluster, 'fail/friend', 'http://web.fail/');
      await eventually(() => expect(requests.good).toBeGreaterThan(50));
      const before = await agentRestarts(cluster);
      await killAgents(cluster);
      for (;;) {
        expect(await cluster.reaches('fail/friend', 'fail/server', 5001)).toBe(true);
        expect(await cluster.reaches('fail/stranger', 'fail/server', 5001)).toBe(false);
        const after = await agentRestarts(cluster);
        if (after.ready && after.restarts >= before.restarts + 3) break;
      }
      await stream.flows();
      const sofar = requests.good;
      await eventually(() => expect(requests.good).toBeGreaterThan(sofar + 50));
      expect(requests.bad).toBe(0);
      await cluster.ok('label pod stranger -n fail run=friend --overwrite');
      await cluster.agrees('fail');
      expect(await cluster.reaches('fail/stranger', 'fail/server', 5001)).toBe(true);
    });

    it('a node: its pods are replaced elsewhere, and it comes back without leaking or doubling an address', async () => {
      const cluster = running();
      const { spec } = await cluster.pod('fail/server');
      const node = spec?.nodeName ?? '';
      await cluster.lab.request({ op: 'kill-node', node });
      await eventually(async () => expect(await cluster.ok(`get node ${node} --no-headers`)).toContain('NotReady'));
      await cluster.ok('wait -n fail deployment/web --for=condition=Available --timeout=120s');
      await eventually(async () => {
        const pods = await webPods(cluster);
        expect(pods.filter((pod) => pod.spec?.nodeName !== node && isReady(pod)).length).toBe(4);
      });
      await cluster.lab.request({ op: 'start-node', node });
      await eventually(async () => expect(await cluster.ok(`get node ${node} --no-headers`)).toMatch(/ Ready /u));
      await eventually(async () => expect(await unready(cluster)).toEqual([]));
      await eventually(() => addressesAreSound(cluster));
      await cluster.agrees('fail');
    });
  });
}

/** New connections through a Service, one after the other without a pause, each counted as good or bad. */
class RequestLoad implements Disposable {
  good = 0;
  bad = 0;
  readonly #child: ChildProcess;

  constructor(cluster: TestCluster, from: string, url: string) {
    const [namespace = '', name = ''] = from.split('/');
    const loop = `while true; do wget -q -T 10 -O /dev/null ${url} && echo good || echo bad; done`;
    this.#child = cluster.spawn(`exec -n ${namespace} ${name} -- sh -c '${loop}'`);
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.good += text.split('good').length - 1;
      this.bad += text.split('bad').length - 1;
    });
  }

  [Symbol.dispose](): void {
    this.#child.kill('SIGKILL');
  }
}

function isReady(pod: Pod): boolean {
  return (
    pod.metadata?.deletionTimestamp === undefined &&
    pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true
  );
}

async function webPods(cluster: TestCluster): Promise<readonly Pod[]> {
  return (await cluster.client.list<Pod>(PODS, { namespace: 'fail', labelSelector: 'app=web' })).items;
}

async function agentPods(cluster: TestCluster): Promise<readonly Pod[]> {
  const selection = { namespace: 'kube-system', labelSelector: 'k8s-app=sluice-node' };
  return (await cluster.client.list<Pod>(PODS, selection)).items;
}

async function agentRestarts(cluster: TestCluster): Promise<{ readonly restarts: number; readonly ready: boolean }> {
  const pods = await agentPods(cluster);
  const restarts = pods.map(({ status }) => status?.containerStatuses?.[0]?.restartCount ?? 0);
  return {
    restarts: restarts.reduce((sum, count) => sum + count, 0),
    ready: pods.length === cluster.shape.nodes && pods.every(isReady),
  };
}

/** What is not ready: nodes as the lab has them, with how they ended if they did, and agents with their status. */
async function unready(cluster: TestCluster): Promise<readonly unknown[]> {
  const nodes = (await cluster.lab.request({ op: 'status' })).nodes.filter(({ ready }) => !ready);
  const agents = (await agentPods(cluster)).filter((pod) => !isReady(pod));
  return [
    ...nodes,
    ...agents.map(({ metadata, spec, status }) => ({ name: metadata?.name, node: spec?.nodeName, status })),
  ];
}

/** SIGKILL to every agent at once. */
async function killAgents(cluster: TestCluster): Promise<void> {
  const pods = await cluster.lab.request({ op: 'pods' });
  const agents = pods.filter(({ name }) => name.startsWith('sluice-node-'));
  const pids = agents.flatMap(({ containers }) => containers.flatMap(({ pid }) => pid ?? []));
  expect(pids).toHaveLength(cluster.shape.nodes);
  for (const pid of pids) kill(pid, 'SIGKILL');
}

interface BlockObject extends KubeObject {
  readonly spec?: {
    readonly cidr: string;
    readonly allocations: readonly (number | null)[];
    readonly attributes: readonly { readonly secondary?: Readonly<Record<string, string>> }[];
  };
}

/** Every running pod holds exactly its addresses, no two hold one, and nothing is held by a pod that is not there. */
async function addressesAreSound(cluster: TestCluster): Promise<void> {
  const pods = (await listAll<Pod>(cluster.client, PODS)).items.filter(
    (pod) => pod.spec?.hostNetwork !== true && pod.metadata?.deletionTimestamp === undefined,
  );
  const blocks = (await listAll<BlockObject>(cluster.client, IPAM_BLOCKS)).items;
  const held = new Map<string, string>();
  for (const { spec } of blocks) {
    const base = parseCidr(spec!.cidr)!.ip;
    for (const [ordinal, index] of spec!.allocations.entries()) {
      const holder = index === null ? undefined : spec!.attributes[index]?.secondary;
      if (holder?.['pod'] === undefined) continue;
      const address = formatIp({ family: base.family, value: base.value + BigInt(ordinal) });
      expect(held.has(address), `${address} lies in two blocks`).toBe(false);
      held.set(address, `${holder['namespace']}/${holder['pod']}`);
    }
  }
  const expected = new Map(
    pods.flatMap((pod) =>
      (pod.status?.podIPs ?? []).map(
        ({ ip }) => [formatIp(parseIp(ip!)!), `${pod.metadata?.namespace}/${pod.metadata?.name}`] as const,
      ),
    ),
  );
  expect(Object.fromEntries(held)).toEqual(Object.fromEntries(expected));
}
