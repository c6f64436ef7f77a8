import { expect, it } from 'vitest';
import { disruptionController } from './disruption.ts';
import type { Kinds } from './objects.ts';
import { replicaSetController } from './replica-set.ts';
import { schedulerController } from './scheduler.ts';
import { SimulatedCluster, readyKubelet, readyNode } from './simulated-cluster.ts';

const labels = { app: 'web' };

/** A ReplicaSet of four pods, and a budget for them. */
function clusterWith(spec: Kinds['poddisruptionbudgets']['spec']): SimulatedCluster {
  const made = new SimulatedCluster([disruptionController, replicaSetController, schedulerController(new Map())]);
  made.create('nodes', readyNode('n1'));
  made.create('replicasets', {
    metadata: { name: 'web', namespace: 'default' },
    spec: {
      replicas: 4,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [] } },
    },
  });
  made.create('poddisruptionbudgets', { metadata: { name: 'b', namespace: 'default' }, spec: spec! });
  made.settle(readyKubelet);
  return made;
}

const statusOf = (made: SimulatedCluster) => made.list('poddisruptionbudgets')[0]!.status!;

it.each([
  [{ minAvailable: 3 }, { desiredHealthy: 3, disruptionsAllowed: 1 }],
  [{ minAvailable: '51%' }, { desiredHealthy: 3, disruptionsAllowed: 1 }],
  [{ maxUnavailable: 2 }, { desiredHealthy: 2, disruptionsAllowed: 2 }],
  [{ maxUnavailable: '30%' }, { desiredHealthy: 2, disruptionsAllowed: 2 }],
  [{ maxUnavailable: 0 }, { desiredHealthy: 4, disruptionsAllowed: 0 }],
  [{ minAvailable: 9 }, { desiredHealthy: 9, disruptionsAllowed: 0 }],
])('a budget of %o for four healthy pods says %o', (spec, expected) => {
  const made = clusterWith({ ...spec, selector: { matchLabels: labels } });
  expect(statusOf(made)).toMatchObject({ expectedPods: 4, currentHealthy: 4, observedGeneration: 1, ...expected });
  expect(statusOf(made).conditions).toMatchObject([
    { reason: expected.disruptionsAllowed > 0 ? 'SufficientPods' : 'InsufficientPods' },
  ]);
});

it('counts an eviction that was granted until the pod has gone, and another one is there', () => {
  const made = clusterWith({ maxUnavailable: 1, selector: {} });
  const [first] = made.list('pods');
  const disruptedPods = { [first!.metadata.name]: new Date(made.now).toISOString() };
  made.update('poddisruptionbudgets', 'default/b', (held) => ({ ...held, status: { ...held.status!, disruptedPods } }));
  made.settle();
  expect(statusOf(made)).toMatchObject({ currentHealthy: 3, disruptionsAllowed: 0, disruptedPods });
  made.remove('pods', `default/${first!.metadata.name}`);
  made.settle();
  expect(statusOf(made)).toMatchObject({ currentHealthy: 3, disruptionsAllowed: 0 });
  expect(statusOf(made).disruptedPods).toBeUndefined();
  made.settle(readyKubelet);
  expect(statusOf(made)).toMatchObject({ currentHealthy: 4, disruptionsAllowed: 1 });
});

it('forgets an eviction whose pod does not go', () => {
  const made = clusterWith({ maxUnavailable: 1, selector: {} });
  const disruptedPods = { [made.list('pods')[0]!.metadata.name]: new Date(made.now - 200_000).toISOString() };
  made.update('poddisruptionbudgets', 'default/b', (held) => ({ ...held, status: { ...held.status!, disruptedPods } }));
  made.settle();
  expect(statusOf(made)).toMatchObject({ currentHealthy: 4, disruptionsAllowed: 1 });
});

it('allows nothing where nobody can tell how many pods there should be', () => {
  const made = clusterWith({ maxUnavailable: 1, selector: {} });
  made.create('pods', { metadata: { name: 'alone', namespace: 'default' }, spec: { containers: [] } });
  made.settle(readyKubelet);
  expect(statusOf(made)).toMatchObject({ disruptionsAllowed: 0, conditions: [{ reason: 'SyncFailed' }] });
});
