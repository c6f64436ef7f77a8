import type { TestCluster } from '../../../src/app/agent/cluster.test-support.ts';
import { applyMigration } from '../../../src/app/migrate/apply.ts';
import type { ApplyOptions, Outcome } from '../../../src/app/migrate/apply.ts';
import type { ClusterObject, FlannelStore } from '../../../src/core/migrate/index.ts';
import { manifestFor } from '../../../src/core/migrate/index.ts';
import type { Pod } from '../../../src/core/kube/types.ts';
import { PODS } from '../../../src/host/kube-client/resources.ts';
import type { KubeClient, ObjectName, Resource } from '../../../src/host/kube-client/types.ts';

/** Of the ConfigMap with the settings of agents and plugins. */
export const SLUICE_CONFIG = { name: 'sluice-config', namespace: 'kube-system' };
const OWNER = { apiVersion: 'apps/v1', uid: 'u', controller: true };

/** Who a pod is of, as its object has it. */
export const ownedBy = (kind: string, name: string): object[] => [{ ...OWNER, kind, name }];

/** A DaemonSet as the API server has it; `containers` by name. */
export function daemonSet(name: string, ...containers: readonly string[]): ClusterObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name, namespace: 'kube-system' },
    spec: { template: { spec: { hostNetwork: true, containers: containers.map((each) => ({ name: each })) } } },
  };
}

/** A node that changes its network: its kubelet and the controllers, which start and end on it what its Node asks for. */
export abstract class ChangingNode {
  readonly cluster: TestCluster;
  /** What the command reads in flannel's etcd. */
  flannelStore: FlannelStore | undefined;
  readonly name: string;
  /** How each pod, or agent, of the node ends. */
  protected readonly ends = new Map<string, () => Promise<unknown>>();

  constructor(cluster: TestCluster, name: string) {
    this.cluster = cluster;
    this.name = name;
  }

  get netns(): string {
    return this.cluster.nodes.get(this.name)!.netns;
  }

  /** What has changed since the last time takes effect. */
  abstract settle(): Promise<void>;

  /** The API as the command sees it, where to end a pod is to end what it is made of. */
  get client(): KubeClient {
    const { client } = this.cluster;
    const end = async (resource: Resource, name: ObjectName): Promise<void> => {
      if (resource === PODS) await this.ends.get(name.name)?.();
      // What CNI has attached is gone with that.
      else await client.delete(resource, name);
    };
    return new Proxy<KubeClient>(client, {
      get: (target, key) => {
        if (key === 'delete') return end;
        if (key === 'createSubresource') return (resource: Resource, name: ObjectName) => end(resource, name);
        const value: unknown = Reflect.get(target, key);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
  }

  /** One run of `sluice migrate` for this node; it is killed when it begins `until`. */
  migrate(options: Pick<ApplyOptions, 'from' | 'direction'>, until?: string): Promise<Outcome> {
    const kill = new AbortController();
    const config = { apiVersion: 'v1', kind: 'ConfigMap', metadata: SLUICE_CONFIG };
    const objects = [config, daemonSet('sluice-node'), { ...daemonSet('sluice-controllers'), kind: 'Deployment' }];
    return applyMigration(
      { ...options, node: this.name, patience: 60_000 },
      {
        client: this.client,
        stores: { flannelStore: this.flannelStore },
        objects: (plan) =>
          Promise.resolve(
            manifestFor(
              plan,
              objects.map((each) => ({ ...each, status: { availableReplicas: 1 } })),
            ),
          ),
        print: (line) => {
          if (until !== undefined && line.includes(until)) kill.abort();
        },
        now: Date.now,
        pause: () => this.settle(),
        signal: kill.signal,
      },
    );
  }

  /** The object of a pod of this node that runs and is ready. */
  protected async podObject(
    name: string,
    owner: { readonly kind: string; readonly name: string },
    spec: object,
    ip?: string,
  ): Promise<void> {
    const namespace = owner.kind === 'DaemonSet' && owner.name !== 'logs' ? 'kube-system' : 'default';
    const time = new Date().toISOString();
    await this.cluster.client.create(PODS, {
      metadata: { name, namespace, ownerReferences: ownedBy(owner.kind, owner.name), creationTimestamp: time },
      spec: { nodeName: this.name, containers: [], ...spec },
      status: {
        phase: 'Running',
        conditions: [{ type: 'Ready', status: 'True' }],
        containerStatuses: [{ name: 'c', state: { running: { startedAt: time } } }],
        ...(ip === undefined ? {} : { podIP: ip, podIPs: [{ ip }] }),
      },
    } as object);
  }

  protected async forget(name: string): Promise<void> {
    const { items } = await this.cluster.client.list<Pod>(PODS);
    const pod = items.find(({ metadata }) => metadata?.name === name);
    if (pod !== undefined) await this.cluster.client.delete(PODS, pod.metadata as ObjectName);
    this.ends.delete(name);
  }
}
