import { describe, expect, it } from 'vitest';
import { manifestFor } from '../../core/migrate/index.ts';
import type { ClusterObject, From, Plan } from '../../core/migrate/index.ts';
import type { DaemonSet, Node, Pod } from '../../core/kube/types.ts';
import {
  CONFIG_MAPS,
  DAEMON_SETS,
  DEPLOYMENTS,
  IP_POOLS,
  NODES,
  PODS,
  POD_DISRUPTION_BUDGETS,
} from '../../host/kube-client/resources.ts';
import type { ObjectName } from '../../host/kube-client/types.ts';
import { applyMigration } from './apply.ts';
import type { ApplyOptions, Outcome } from './apply.ts';
import { Killed, SimulatedCluster } from './simulated-cluster.test-support.ts';

const OLD = { 'from-calico': 'calico-node', 'from-canal': 'canal', 'from-flannel': 'kube-flannel-ds' } as const;
const NET_CONF = '{"Network": "10.244.0.0/16", "Backend": {"Type": "vxlan"}}';
const CONFIGS: Readonly<Record<From, readonly [string, Record<string, string>]>> = {
  'from-calico': ['calico-config', { calico_backend: 'vxlan' }],
  'from-canal': [
    'canal-config',
    {
      'net-conf.json': NET_CONF,
      cni_network_config:
        '{"name": "k8s-pod-network", "plugins": [{"type": "calico", "mtu": __CNI_MTU__, "ipam": {"type": "host-local"}}]}',
    },
  ],
  'from-flannel': ['kube-flannel-cfg', { 'net-conf.json': NET_CONF }],
};

/** Sluice's manifest, as far as steps depend on it. */
const MANIFEST: readonly ClusterObject[] = [
  {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name: 'sluice-node', namespace: 'kube-system' },
    spec: {
      template: { spec: { hostNetwork: true, nodeSelector: { 'kubernetes.io/os': 'linux' }, containers: [] } },
    },
  },
  {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'sluice-config', namespace: 'kube-system' },
    data: { veth_mtu: '0' },
  },
  {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'sluice-controllers', namespace: 'kube-system' },
    spec: { replicas: 1 },
  },
];

const daemonSet = (name: string, hostNetwork: boolean): DaemonSet => ({
  metadata: { name, namespace: 'kube-system' },
  spec: {
    selector: {},
    updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1 } },
    template: {
      spec: { hostNetwork, nodeSelector: { 'kubernetes.io/os': 'linux' }, containers: [{ name: 'kube-flannel' }] },
    },
  },
});

/** Three nodes, one of which took no pods before, with pods of a ReplicaSet and of a DaemonSet. */
async function clusterOf(from: From): Promise<SimulatedCluster> {
  const cluster = new SimulatedCluster(OLD[from], { keepsPods: from === 'from-canal' });
  for (const [i, name] of ['n1', 'n2', 'n3'].entries())
    await cluster.create(NODES, {
      metadata: { name, labels: { 'kubernetes.io/os': 'linux' } },
      spec: { podCIDRs: [`10.244.${i}.0/24`], ...(name === 'n2' ? { unschedulable: true } : {}) },
      status: { conditions: [{ type: 'Ready', status: 'True' }] },
    } as Node);
  await cluster.create(DAEMON_SETS, daemonSet(OLD[from], true));
  await cluster.create(DAEMON_SETS, daemonSet('logs', false));
  await cluster.create(IP_POOLS, { metadata: { name: 'pool' }, spec: { cidr: '10.244.0.0/16' } } as object);
  const [name, data] = CONFIGS[from];
  await cluster.create(CONFIG_MAPS, { metadata: { name, namespace: 'kube-system' }, data } as object);
  if (from !== 'from-flannel')
    await cluster.create(DEPLOYMENTS, {
      metadata: { name: 'calico-kube-controllers', namespace: 'kube-system' },
      spec: { replicas: 2 },
    } as object);
  for (let i = 0; i < 5; i++) await cluster.tick();
  cluster.writes = 0;
  return cluster;
}

async function run(cluster: SimulatedCluster, options: Pick<ApplyOptions, 'from'> & Partial<ApplyOptions>) {
  const printed: string[] = [];
  let rounds = 0;
  const outcome = await applyMigration(
    { direction: 'forward', node: undefined, patience: 60_000, ...options },
    {
      client: cluster,
      objects: (plan: Plan) =>
        Promise.resolve(
          manifestFor(plan, plan.extras.length === 0 ? MANIFEST : MANIFEST.filter(({ kind }) => kind !== 'Deployment')),
        ),
      print: (line) => printed.push(line),
      now: () => cluster.now,
      pause: () => Promise.resolve(),
      signal: { aborted: false, throwIfAborted: () => undefined } as AbortSignal,
    },
  ).catch((error: unknown): Outcome => {
    if (error instanceof Killed) return { kind: 'interrupted' };
    throw error;
  });
  expect(++rounds).toBeLessThan(1000);
  return { outcome, printed };
}

const settle = async (cluster: SimulatedCluster): Promise<void> => {
  for (let i = 0; i < 5; i++) await cluster.tick();
};

describe.each(Object.keys(OLD) as From[])('a migration %s', (from) => {
  const keepsPods = from === 'from-canal';

  it('brings every node over, and back to where it was', async () => {
    const cluster = await clusterOf(from);
    const before = await cluster.state();
    expect((await run(cluster, { from })).outcome).toEqual({ kind: 'done' });
    await settle(cluster);
    expect(new Set(await cluster.wiring())).toEqual(new Set([keepsPods ? 'old' : 'sluice']));
    // A pod that has come since.
    const { items } = await cluster.list<Pod>(PODS);
    for (const owner of ['web', 'logs'])
      await cluster.delete(
        PODS,
        items.find(({ metadata }) => metadata?.name?.startsWith(owner))!.metadata as ObjectName,
      );
    await settle(cluster);
    expect(await cluster.wiring()).toContain('sluice');
    // A second run has nothing to do.
    expect(await run(cluster, { from })).toEqual({ outcome: { kind: 'done' }, printed: [] });
    expect((await run(cluster, { from, direction: 'back' })).outcome).toEqual({ kind: 'done' });
    await settle(cluster);
    expect(await cluster.state()).toEqual(before);
    expect(new Set(await cluster.wiring())).toEqual(new Set(['old']));
  });

  it('goes on, or back, from wherever it was killed', async () => {
    const reference = await clusterOf(from);
    const before = await reference.state();
    await run(reference, { from });
    const total = reference.writes;
    const after = await reference.state();
    expect(total).toBeGreaterThan(15);
    for (let at = 0; at < total; at++) {
      const cluster = await clusterOf(from);
      cluster.left = at;
      expect((await run(cluster, { from })).outcome).toEqual({ kind: 'interrupted' });
      cluster.left = -1;
      const other = at % 2 === 0;
      // Half of them go back first, and are killed on the way there, too.
      if (other) {
        cluster.left = at >> 1;
        await run(cluster, { from, direction: 'back' });
        cluster.left = -1;
      }
      expect((await run(cluster, { from })).outcome).toEqual({ kind: 'done' });
      expect(await cluster.state()).toEqual(after);
      cluster.left = at;
      await run(cluster, { from, direction: 'back' });
      cluster.left = -1;
      expect((await run(cluster, { from, direction: 'back' })).outcome).toEqual({ kind: 'done' });
      await settle(cluster);
      expect(await cluster.state()).toEqual(before);
      expect(new Set(await cluster.wiring())).toEqual(new Set(['old']));
    }
  });

  it('does one node alone, and that one back', async () => {
    const cluster = await clusterOf(from);
    expect((await run(cluster, { from, node: 'n2' })).outcome).toEqual({ kind: 'done' });
    const { items } = await cluster.list<Node>(NODES);
    expect(items.map(({ metadata }) => metadata?.labels?.['sluice.dev/network'])).toEqual([
      undefined,
      'sluice',
      undefined,
    ]);
    // It took no pods before.
    expect(items[1]!.spec?.unschedulable).toBe(true);
    expect((await run(cluster, { from, node: 'n2', direction: 'back' })).outcome).toEqual({ kind: 'done' });
    await settle(cluster);
    expect(new Set(await cluster.wiring())).toEqual(new Set(['old']));
  });
});

describe('a migration that is not as expected', () => {
  it('waits for a budget that keeps a pod, says which, gives up in the end, and goes on when it may', async () => {
    const cluster = await clusterOf('from-calico');
    await cluster.create(POD_DISRUPTION_BUDGETS, {
      metadata: { name: 'all', namespace: 'default' },
      spec: { selector: {} },
      status: { disruptionsAllowed: 0, desiredHealthy: 3, currentHealthy: 3 },
    } as object);
    cluster.refusesEvictions = true;
    const { outcome, printed } = await run(cluster, { from: 'from-calico', node: 'n1' });
    const kept = /PodDisruptionBudget default\/all keeps [^(]+ \(3 healthy pods are needed, and 3 are there\)/u;
    expect(printed.filter((line) => kept.test(line) && line.startsWith('  Waiting: '))).toHaveLength(1);
    expect(outcome).toMatchObject({ kind: 'stopped', step: { id: 'n1/drain' } });
    expect(outcome.kind === 'stopped' && outcome.reason).toMatch(kept);
    cluster.refusesEvictions = false;
    expect((await run(cluster, { from: 'from-calico', node: 'n1' })).outcome).toEqual({ kind: 'done' });
  });

  it.each([
    ['from-flannel', 'forward'],
    ['from-flannel', 'back'],
    ['from-canal', 'back'],
  ] as const)('stops %s, %s, before it ends a pod that nothing would start again', async (from, direction) => {
    const cluster = await clusterOf(from);
    if (direction === 'back') await run(cluster, { from });
    const creationTimestamp = new Date(cluster.now).toISOString();
    await cluster.create(PODS, {
      metadata: { name: 'alone', namespace: 'default', ownerReferences: [], creationTimestamp },
      spec: { nodeName: 'n1', containers: [{ name: 'c', image: 'i' }] },
      status: { phase: 'Running' },
    } as object);
    const reason = 'nothing would start default/alone again elsewhere';
    expect((await run(cluster, { from, direction })).outcome).toMatchObject({ kind: 'stopped', reason });
    await cluster.delete(PODS, { namespace: 'default', name: 'alone' });
    expect((await run(cluster, { from, direction })).outcome).toEqual({ kind: 'done' });
  });
});
