import type { Deployment } from 'kubernetes-types/apps/v1.d.ts';
import type { Pod } from 'kubernetes-types/core/v1.d.ts';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { silentLogger } from '../../../base/log.ts';
import { informer } from '../../../host/kube-client/informer.ts';
import { MemoryKubeClient } from '../../../host/kube-client/memory-client.ts';
import * as resources from '../../../host/kube-client/resources.ts';
import {
  CONFIG_MAPS,
  DEPLOYMENTS,
  ENDPOINT_SLICES,
  EVENTS,
  NAMESPACES,
  NODES,
  PODS,
  REPLICA_SETS,
  SERVICES,
  SERVICE_ACCOUNTS,
} from '../../../host/kube-client/resources.ts';
import type { KubeObject, Resource } from '../../../host/kube-client/types.ts';
import { readyNode } from './simulated-cluster.ts';
import { startControl, type Control } from './start-control.ts';

const ALL = Object.values(resources).filter((each): each is Resource => typeof each === 'object' && 'plural' in each);

let client: MemoryKubeClient;
let stop: AbortController;
let control: Control;

beforeEach(async () => {
  client = new MemoryKubeClient();
  stop = new AbortController();
  for (const name of ['node-1', 'node-2']) {
    const lease = { metadata: { name, namespace: 'kube-node-lease' }, spec: { renewTime: new Date().toISOString() } };
    await client.create(resources.LEASES, lease);
    await client.create(NODES, readyNode(name));
  }
  await client.create(NAMESPACES, { metadata: { name: 'default' } });
  runPods(stop.signal);
  const dependencies = { client, resources: () => ALL, log: silentLogger, now: Date.now, signal: stop.signal };
  control = await startControl({ rootCa: 'PEM' }, dependencies);
});

afterEach(async () => {
  stop.abort();
  await control.done;
});

/** Plays every kubelet: a pod with a node runs at once. */
function runPods(signal: AbortSignal): void {
  let next = 1;
  informer<Pod, Pod>(
    client,
    PODS,
    {
      project: (pod) => pod,
      onDelta: (delta) => {
        if (delta.kind === 'delete' || !delta.object.spec?.nodeName || delta.object.status?.podIP) return;
        const conditions = [{ type: 'Ready', status: 'True' as const }];
        const status = { phase: 'Running' as const, podIP: `10.0.${next >> 8}.${next++ & 255}`, conditions };
        void client.patch(
          PODS,
          delta.object.metadata as { name: string },
          'merge',
          { status },
          { subresource: 'status' },
        );
      },
    },
    signal,
  );
}

function deployment(replicas: number): Deployment {
  const labels = { app: 'web' };
  return {
    metadata: { name: 'web', namespace: 'default' },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'web', image: 'nginx' }] } },
    },
  };
}

async function items<T extends KubeObject>(resource: Resource): Promise<readonly T[]> {
  return (await client.list<T>(resource)).items;
}

const soon = { timeout: 180_000, interval: 10 };

describe('the controllers over an API', () => {
  it('bring up a Deployment of a hundred pods, spread and served, with no more pods and events than it takes', async () => {
    await client.create(SERVICES, {
      metadata: { name: 'web', namespace: 'default' },
      spec: { selector: { app: 'web' }, ipFamilies: ['IPv4'], ports: [{ port: 80 }] },
    });
    await client.create(DEPLOYMENTS, deployment(100));
    await vi.waitFor(async () => {
      const [slice] = await items<KubeObject & { endpoints?: unknown[] }>(ENDPOINT_SLICES);
      expect(slice?.endpoints).toHaveLength(100);
      const [held] = await items<Deployment>(DEPLOYMENTS);
      expect(held?.status?.availableReplicas).toBe(100);
    }, soon);
    const pods = await items<Pod>(PODS);
    expect(pods).toHaveLength(100);
    expect(pods.filter((pod) => pod.spec?.nodeName === 'node-1')).toHaveLength(50);
    const reasons = Object.groupBy(await items<KubeObject & { reason?: string }>(EVENTS), ({ reason }) => reason ?? '');
    expect(Object.entries(reasons).map(([reason, events]) => [reason, events?.length])).toEqual(
      expect.arrayContaining([
        ['SuccessfulCreate', 100],
        ['Scheduled', 100],
        ['ScalingReplicaSet', 1],
      ]),
    );
  });

  it('collect what a deleted Deployment leaves behind, down to the pods', async () => {
    await client.create(DEPLOYMENTS, deployment(3));
    await vi.waitFor(async () => expect(await items(PODS)).toHaveLength(3), soon);
    await client.delete(DEPLOYMENTS, { name: 'web', namespace: 'default' });
    await vi.waitFor(async () => {
      expect(await items(REPLICA_SETS)).toEqual([]);
      expect(await items(PODS)).toEqual([]);
    }, soon);
  });

  it('give a new namespace its service account and the root certificate, again when they are deleted', async () => {
    await client.create(NAMESPACES, { metadata: { name: 'fresh' } });
    const name = { name: 'kube-root-ca.crt', namespace: 'fresh' };
    const published = async (): Promise<void> => {
      expect(await client.get(CONFIG_MAPS, name)).toMatchObject({ data: { 'ca.crt': 'PEM' } });
      await client.get(SERVICE_ACCOUNTS, { name: 'default', namespace: 'fresh' });
    };
    await vi.waitFor(published, soon);
    await client.delete(CONFIG_MAPS, name);
    await vi.waitFor(published, soon);
  });
});
