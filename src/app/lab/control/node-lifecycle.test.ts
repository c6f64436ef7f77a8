import { describe, expect, it } from 'vitest';
import { daemonSetController } from './daemon-set.ts';
import type { Action } from './controller.ts';
import { nodeLifecycleController, reconcileNode } from './node-lifecycle.ts';
import { podGcController } from './pod-gc.ts';
import { schedulerController } from './scheduler.ts';
import { SimulatedCluster, readyKubelet, readyNode } from './simulated-cluster.ts';

const PATIENCE = { graceMs: 10_000, evictAfterMs: 5_000 };

function cluster(): SimulatedCluster {
  const made = new SimulatedCluster([
    schedulerController(new Map()),
    nodeLifecycleController(PATIENCE),
    daemonSetController,
    podGcController,
  ]);
  for (const name of ['a', 'b']) {
    made.create('nodes', readyNode(name));
    renew(made, name);
  }
  return made;
}

function renew(made: SimulatedCluster, name: string): void {
  const lease = {
    metadata: { name, namespace: 'kube-node-lease' },
    spec: { renewTime: new Date(made.now).toISOString() },
  };
  made.remove('leases', `kube-node-lease/${name}`);
  made.create('leases', lease);
}

/** Lets time pass and every node be looked at, as the timers of the real queue do it. */
function later(made: SimulatedCluster, ms: number): void {
  made.now += ms;
  for (const { metadata } of made.list('nodes')) made.update('nodes', metadata.name, (held) => held);
  made.settle();
}

describe('a node that falls silent', () => {
  it('is marked, tainted and emptied after a tolerance, but keeps its DaemonSet pods; what it says when it is back is left', () => {
    const made = cluster();
    const containers = [{ name: 'main' }];
    made.create('pods', { metadata: { name: 'p', namespace: 'default' }, spec: { containers, nodeName: 'a' } });
    made.create('daemonsets', {
      metadata: { name: 'd', namespace: 'default' },
      spec: { selector: {}, template: { spec: { containers } } },
    });
    made.settle(readyKubelet);
    expect(made.list('pods')).toHaveLength(3);
    made.now += 9_999;
    renew(made, 'b');
    later(made, 1);
    const sick = made.view.nodes.get('a');
    expect(sick?.status?.conditions?.[0]).toMatchObject({ status: 'Unknown', reason: 'NodeStatusUnknown' });
    expect(sick?.spec?.taints?.map(({ key, effect }) => `${key}:${effect}`)).toEqual([
      'node.kubernetes.io/unreachable:NoSchedule',
      'node.kubernetes.io/unreachable:NoExecute',
    ]);
    expect(made.view.pods.get('default/p')?.status?.conditions?.[0]?.status).toBe('False');
    expect(made.view.nodes.get('b')?.spec?.taints).toBeUndefined();
    renew(made, 'b');
    later(made, 5_000);
    expect(made.view.pods.get('default/p')).toBeUndefined();
    expect(made.list('pods')).toHaveLength(2);
    renew(made, 'a');
    made.update('nodes', 'a', (held) => ({ ...held, status: { conditions: [{ type: 'Ready', status: 'True' }] } }));
    made.settle();
    expect(made.view.nodes.get('a')?.spec?.taints).toEqual([]);
    const daemon = made.list('pods').find((pod) => pod.spec?.nodeName === 'a')!;
    expect(daemon.status?.conditions).toMatchObject([{ type: 'Ready', status: 'False', reason: 'NodeNotReady' }]);
    const conditions = [{ type: 'Ready', status: 'True' as const }];
    made.update('pods', `default/${daemon.metadata.name}`, (held) => ({
      ...held,
      status: { ...held.status, conditions },
    }));
    made.settle();
    expect(made.list('pods').map((pod) => pod.status?.conditions?.[0]?.status)).toEqual(['True', 'True']);
  });

  it('is not declared silent again when it comes back and writes its status before its lease', () => {
    const made = cluster();
    made.settle();
    made.now += 60_000;
    later(made, 0);
    expect(made.view.nodes.get('a')?.status?.conditions?.[0]?.status).toBe('Unknown');
    const lastHeartbeatTime = new Date(made.now).toISOString();
    const conditions = [{ type: 'Ready', status: 'True' as const, lastHeartbeatTime }];
    made.update('nodes', 'a', (held) => ({ ...held, status: { conditions } }));
    made.settle();
    expect(made.view.nodes.get('a')?.status?.conditions).toEqual(conditions);
    expect(made.view.nodes.get('a')?.spec?.taints).toEqual([]);
  });

  it('is told apart from one that says itself that it is not ready: that one keeps its pods', () => {
    const made = cluster();
    const containers = [{ name: 'main' }];
    made.create('pods', { metadata: { name: 'p', namespace: 'default' }, spec: { containers, nodeName: 'a' } });
    made.update('nodes', 'a', (held) => ({ ...held, status: { conditions: [{ type: 'Ready', status: 'False' }] } }));
    made.settle(readyKubelet);
    expect(made.view.nodes.get('a')?.spec?.taints?.[0]?.key).toBe('node.kubernetes.io/not-ready');
    made.now += 60_000;
    for (const name of ['a', 'b']) renew(made, name);
    later(made, 0);
    expect(made.view.pods.get('default/p')).toBeDefined();
  });

  it('keeps its pods for 300 s while it only says that it is not ready, as when its agent restarts', () => {
    const made = cluster();
    made.create('pods', {
      metadata: { name: 'p', namespace: 'default' },
      spec: { containers: [{ name: 'main' }], nodeName: 'a' },
    });
    made.settle(readyKubelet);
    made.update('nodes', 'a', (held) => ({ ...held, status: { conditions: [{ type: 'Ready', status: 'False' }] } }));
    made.settle();
    for (const seconds of [5, 294]) {
      made.now += seconds * 1000 - 1;
      for (const name of ['a', 'b']) renew(made, name);
      later(made, 1);
    }
    expect(made.view.pods.get('default/p')).toBeDefined();
    made.now += 999;
    for (const name of ['a', 'b']) renew(made, name);
    later(made, 1);
    expect(made.view.pods.get('default/p')).toBeUndefined();
  });

  it('is looked at again exactly when its lease runs out', () => {
    const made = cluster();
    made.settle();
    made.now += 4_000;
    expect(reconcileNode(made.view, 'a', made.now, PATIENCE)).toEqual({ actions: [] as Action[], againInMs: 6_000 });
  });
});

describe('a taint that somebody puts on a node', () => {
  it('drives out the pods that do not tolerate it, at once or when their time is over', () => {
    const made = cluster();
    const put = (name: string, tolerations: object[]): void =>
      void made.create('pods', {
        metadata: { name, namespace: 'default' },
        spec: { containers: [{ name: 'main' }], nodeName: 'a', tolerations },
      });
    put('none', []);
    put('some', [{ key: 'k', operator: 'Exists', tolerationSeconds: 5 }]);
    put('ever', [{ key: 'k', operator: 'Exists' }]);
    made.update('nodes', 'a', (held) => ({ ...held, spec: { taints: [{ key: 'k', effect: 'NoExecute' }] } }));
    made.settle();
    expect(made.list('pods').map(({ metadata }) => metadata.name)).toEqual(['some', 'ever']);
    later(made, 5_000);
    expect(made.list('pods').map(({ metadata }) => metadata.name)).toEqual(['ever']);
  });
});

describe('pods of a node that was deleted', () => {
  it('are forced out, since no kubelet will finish them', () => {
    const made = cluster();
    const containers = [{ name: 'main' }];
    made.create('pods', { metadata: { name: 'p', namespace: 'default' }, spec: { containers, nodeName: 'a' } });
    made.settle();
    made.remove('nodes', 'a');
    made.settle();
    expect(made.list('pods')).toEqual([]);
  });
});

describe('a DaemonSet', () => {
  it('has one pod on every node that it selects, old and new, and replaces them one at a time', () => {
    const made = cluster();
    const template = (image: string): object => ({
      spec: { nodeSelector: { disk: 'ssd' }, containers: [{ name: 'm', image }] },
    });
    made.create('daemonsets', {
      metadata: { name: 'd', namespace: 'default' },
      spec: { selector: {}, template: template('1') },
    });
    made.settle(readyKubelet);
    expect(made.list('pods')).toEqual([]);
    for (const name of ['c', 'd', 'e']) {
      made.create('nodes', readyNode(name, { disk: 'ssd' }));
      renew(made, name);
    }
    made.settle(readyKubelet);
    expect(made.list('pods').map((pod) => pod.spec?.nodeName)).toEqual(['c', 'd', 'e']);
    made.update('daemonsets', 'default/d', (held) => ({ ...held, spec: { ...held.spec!, template: template('2') } }));
    made.settle((now) => {
      expect(now.list('pods').filter((pod) => pod.status?.phase === 'Running').length).toBeGreaterThanOrEqual(2);
      readyKubelet(now);
    });
    expect(made.list('pods').map((pod) => pod.spec?.containers[0]?.image)).toEqual(['2', '2', '2']);
    expect(made.list('daemonsets')[0]?.status).toMatchObject({
      desiredNumberScheduled: 3,
      updatedNumberScheduled: 3,
      numberAvailable: 3,
    });
  });
});
