import { describe, expect, it } from 'vitest';
import { deploymentController } from './deployment.ts';
import type { Kinds } from './objects.ts';
import { replicaSetController } from './replica-set.ts';
import { schedulerController } from './scheduler.ts';
import { SimulatedCluster, readyKubelet, readyNode } from './simulated-cluster.ts';

const labels = { app: 'web' };

function deployment(replicas: number, image: string, strategy?: 'Recreate'): Kinds['deployments'] {
  return {
    metadata: { name: 'web', namespace: 'default' },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      ...(strategy === undefined ? {} : { strategy: { type: strategy } }),
      template: { metadata: { labels }, spec: { containers: [{ name: 'web', image }] } },
    },
  };
}

function cluster(): SimulatedCluster {
  const made = new SimulatedCluster([deploymentController, replicaSetController, schedulerController(new Map())]);
  for (const name of ['node-1', 'node-2', 'node-3']) made.create('nodes', readyNode(name));
  return made;
}

function setImage(made: SimulatedCluster, image: string): void {
  made.update('deployments', 'default/web', (held) => ({
    ...held,
    metadata: { ...held.metadata, generation: (held.metadata.generation ?? 0) + 1 },
    spec: { ...held.spec!, template: { ...held.spec!.template, spec: { containers: [{ name: 'web', image }] } } },
  }));
}

function images(made: SimulatedCluster): string[] {
  return made.list('pods').map((pod) => pod.spec?.containers[0]?.image ?? '');
}

describe('a Deployment', () => {
  it('runs its replicas, spread over the nodes, and reports itself complete', () => {
    const made = cluster();
    made.create('deployments', deployment(6, 'a'));
    made.settle(readyKubelet);
    const perNode = Object.groupBy(made.list('pods'), (pod) => pod.spec?.nodeName ?? '');
    expect(Object.values(perNode).map((pods) => pods?.length)).toEqual([2, 2, 2]);
    const [{ status }] = made.list('deployments') as [Kinds['deployments']];
    expect(status).toMatchObject({ replicas: 6, updatedReplicas: 6, availableReplicas: 6, observedGeneration: 1 });
    expect(status?.unavailableReplicas).toBeUndefined();
    expect(status?.conditions?.map(({ type, reason }) => [type, reason])).toEqual([
      ['Available', 'MinimumReplicasAvailable'],
      ['Progressing', 'NewReplicaSetAvailable'],
    ]);
  });

  it('never has fewer available pods during a rolling update than it may, nor more pods', () => {
    const made = cluster();
    made.create('deployments', deployment(4, 'a'));
    made.settle(readyKubelet);
    setImage(made, 'b');
    made.settle((now) => {
      // As upstream, surge counts what the ReplicaSets are scaled to: pods on their way out do not hold up new ones.
      const sizes = now.list('replicasets').map(({ spec }) => spec?.replicas ?? 0);
      expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(5);
      const running = now.list('pods').filter((pod) => pod.status?.phase === 'Running');
      expect(running.length).toBeGreaterThanOrEqual(3);
      readyKubelet(now);
    });
    expect(images(made)).toEqual(['b', 'b', 'b', 'b']);
    expect(made.list('deployments')[0]?.metadata.annotations).toEqual({ 'deployment.kubernetes.io/revision': '2' });
  });

  it('goes back to the old ReplicaSet under a new revision when the old template returns', () => {
    const made = cluster();
    made.create('deployments', deployment(2, 'a'));
    made.settle(readyKubelet);
    const [first] = made.list('replicasets');
    for (const image of ['b', 'a']) {
      setImage(made, image);
      made.settle(readyKubelet);
    }
    expect(made.list('replicasets')).toHaveLength(2);
    const back = made.list('replicasets').find((each) => each.metadata.uid === first!.metadata.uid);
    expect(back?.spec?.replicas).toBe(2);
    expect(back?.metadata.annotations?.['deployment.kubernetes.io/revision']).toBe('3');
    expect(images(made)).toEqual(['a', 'a']);
  });

  it('waits with Recreate until every old pod is gone', () => {
    const made = cluster();
    made.create('deployments', deployment(3, 'a', 'Recreate'));
    made.settle(readyKubelet);
    setImage(made, 'b');
    made.settle((now) => {
      expect(new Set(images(now)).size).toBeLessThanOrEqual(1);
      readyKubelet(now);
    });
    expect(images(made)).toEqual(['b', 'b', 'b']);
  });

  it('stays available and says that it makes no progress when the new pods never get ready', () => {
    const made = cluster();
    made.create('deployments', deployment(4, 'a'));
    made.settle(readyKubelet);
    setImage(made, 'b');
    made.settle();
    made.now += 601_000;
    made.update('deployments', 'default/web', (held) => held);
    made.settle();
    expect(images(made).filter((image) => image === 'a')).toHaveLength(3);
    const progressing = made.list('deployments')[0]?.status?.conditions?.find(({ type }) => type === 'Progressing');
    expect(progressing).toMatchObject({ status: 'False', reason: 'ProgressDeadlineExceeded' });
  });

  it('follows its replica count up and down', () => {
    const made = cluster();
    made.create('deployments', deployment(2, 'a'));
    made.settle(readyKubelet);
    for (const replicas of [5, 1, 0]) {
      made.update('deployments', 'default/web', (held) => ({ ...held, spec: { ...held.spec!, replicas } }));
      made.settle(readyKubelet);
      expect(made.list('pods')).toHaveLength(replicas);
    }
  });
});

describe('a ReplicaSet', () => {
  it('lets go of a pod that was relabelled and replaces it', () => {
    const made = cluster();
    made.create('deployments', deployment(2, 'a'));
    made.settle(readyKubelet);
    const [pod] = made.list('pods');
    made.update('pods', `default/${pod!.metadata.name}`, (held) => ({
      ...held,
      metadata: { ...held.metadata, labels: { app: 'aside' } },
    }));
    made.settle(readyKubelet);
    expect(made.list('pods')).toHaveLength(3);
    expect(made.view.pods.byUid(pod!.metadata.uid)?.metadata.ownerReferences).toEqual([]);
  });

  it('replaces a pod that has failed, and adopts a stray one that matches instead of making another', () => {
    const made = cluster();
    made.create('deployments', deployment(2, 'a'));
    made.settle(readyKubelet);
    const [pod] = made.list('pods');
    const stray = { labels: pod!.metadata.labels!, name: 'stray', namespace: 'default' };
    made.create('pods', { metadata: stray, spec: { containers: [], nodeName: 'node-1' } });
    made.update('pods', `default/${pod!.metadata.name}`, (held) => ({ ...held, status: { phase: 'Failed' } }));
    made.settle(readyKubelet);
    const active = made.list('pods').filter((each) => each.status?.phase !== 'Failed');
    expect(active).toHaveLength(2);
    expect(made.view.pods.get('default/stray')?.metadata.ownerReferences).toHaveLength(1);
  });
});
