import { deepStrictEqual } from 'node:assert';
import type { DaemonSet, Deployment, Node, Pod } from '../../core/kube/types.ts';
import { KubeError } from '../../host/kube-client/errors.ts';
import { MemoryKubeClient } from '../../host/kube-client/memory-client.ts';
import { DAEMON_SETS, DEPLOYMENTS, NODES, PODS } from '../../host/kube-client/resources.ts';
import type { KubeObject, List, ListOptions, ObjectName, Resource } from '../../host/kube-client/types.ts';

/** Thrown at a call after which the program that makes it is to have been killed. */
export class Killed extends Error {}

const NETWORK_OF: Readonly<Record<string, string>> = { 'sluice-node': 'sluice' };
const WIRED = 'test/wired-by';

/**
 * An API server with controllers and kubelets as far as a migration depends on them: pods of DaemonSets go where their
 * selectors and affinity say, pods of one ReplicaSet where there is place, and each is wired by the network whose agent was
 * the last to start on its node. Everything that is under way goes on a little whenever nodes are listed.
 */
export class SimulatedCluster extends MemoryKubeClient {
  readonly #old: string;
  readonly #keepsPods: boolean;
  readonly #cni = new Map<string, string>();
  #time = Date.parse('2026-01-01T00:00:00Z');
  #count = 0;
  /** Writes of the program under test until it is killed; negative: never. */
  left = -1;
  writes = 0;
  /** A PodDisruptionBudget, or something else, has evictions wait. */
  refusesEvictions = false;

  constructor(old: string, { keepsPods }: { readonly keepsPods: boolean }) {
    super();
    this.#old = old;
    this.#keepsPods = keepsPods;
  }

  get now(): number {
    return this.#time;
  }

  override async list<T extends KubeObject>(resource: Resource, options: ListOptions = {}): Promise<List<T>> {
    if (resource === NODES && options.labelSelector === undefined) await this.tick();
    return super.list<T>(resource, options);
  }

  override async patch<T extends KubeObject>(...args: Parameters<MemoryKubeClient['patch']>): Promise<T> {
    return this.#counted(() => super.patch<T>(...args));
  }

  override async create<T extends KubeObject>(resource: Resource, object: T): Promise<T> {
    return this.#counted(() => super.create(resource, object));
  }

  override async delete(...args: Parameters<MemoryKubeClient['delete']>): Promise<void> {
    return this.#counted(() => super.delete(...args));
  }

  override async createSubresource<T extends KubeObject>(
    resource: Resource,
    name: ObjectName,
    subresource: string,
    body: KubeObject,
  ): Promise<T> {
    if (subresource !== 'eviction') return super.createSubresource<T>(resource, name, subresource, body);
    if (this.refusesEvictions) throw new KubeError('too-many-requests', 'not now');
    await this.#counted(() => super.delete(resource, name));
    return body as T;
  }

  /** The program is killed before its write, or after it and before it hears the answer. */
  async #counted<R>(work: () => Promise<R>): Promise<R> {
    if (this.left === 0) throw new Killed();
    this.left--;
    this.writes++;
    return work();
  }

  /** Every pod with a network of its own, and which network wired it. */
  async wiring(): Promise<readonly string[]> {
    const { items } = await super.list<Pod>(PODS);
    return items
      .filter(({ spec }) => spec?.hostNetwork !== true)
      .map((pod) => pod.metadata?.annotations?.[WIRED] ?? '');
  }

  /** What the cluster's objects say, but for who they are and when. */
  async state(): Promise<unknown> {
    const plain = ({ metadata, spec }: Node | DaemonSet | Deployment) => ({
      name: metadata?.name,
      labels: metadata?.labels ?? {},
      annotations: metadata?.annotations ?? {},
      spec,
    });
    const all = [NODES, DAEMON_SETS, DEPLOYMENTS].map(async (each) => (await super.list<Node>(each)).items.map(plain));
    return Promise.all(all);
  }

  /** Controllers and kubelets go on. Throws when a node is as none may ever be. */
  async tick(): Promise<void> {
    const limit = this.left;
    this.left = -1;
    this.#time += 1000;
    const { items: nodes } = await super.list<Node>(NODES);
    const { items: daemonSets } = await super.list<DaemonSet>(DAEMON_SETS);
    for (const node of nodes) for (const each of daemonSets) await this.#place(each, node);
    await this.#replicas(nodes);
    for (const pod of (await super.list<Pod>(PODS)).items) if (pod.status?.phase !== 'Running') await this.#start(pod);
    for (const { metadata, spec } of (await super.list<Deployment>(DEPLOYMENTS)).items)
      await super.patch(DEPLOYMENTS, metadata as ObjectName, 'merge', {
        status: { availableReplicas: spec?.replicas ?? 1 },
      });
    this.left = limit;
    await this.#check(nodes);
  }

  async #place(daemonSet: DaemonSet, node: Node): Promise<void> {
    const { name = '', namespace = '' } = daemonSet.metadata!;
    const pods = await this.#podsOn(node.metadata!.name!);
    const there = pods.filter(({ metadata }) => metadata?.ownerReferences?.[0]?.name === name);
    const wanted = wants(daemonSet, node);
    for (const pod of there) await this.#end(pod, wanted);
    if (wanted && there.length === 0)
      await this.#add(name, namespace, 'DaemonSet', node.metadata!.name!, daemonSet.spec!.template.spec!.hostNetwork);
  }

  /** A pod that is not wanted takes some ticks to end. */
  async #end({ metadata }: Pod, wanted: boolean): Promise<void> {
    const since = metadata!.deletionTimestamp;
    const deletionTimestamp = new Date(this.#time).toISOString();
    if (since === undefined && !wanted)
      await super.patch(PODS, metadata as ObjectName, 'merge', { metadata: { deletionTimestamp } });
    if (since !== undefined && Date.parse(since) + 3000 <= this.#time) await super.delete(PODS, metadata as ObjectName);
  }

  async #replicas(nodes: readonly Node[]): Promise<void> {
    const { items } = await super.list<Pod>(PODS);
    const there = items.filter(({ metadata }) => metadata?.ownerReferences?.[0]?.kind === 'ReplicaSet').length;
    const free = nodes.filter(({ spec }) => spec?.unschedulable !== true);
    for (let i = there; i < 3 && free.length > 0; i++)
      await this.#add('web', 'default', 'ReplicaSet', free[i % free.length]!.metadata!.name!, false);
  }

  async #add(owner: string, namespace: string, kind: string, nodeName: string, hostNetwork = false): Promise<void> {
    const number = ++this.#count;
    const ownerReferences = [{ apiVersion: 'apps/v1', kind, name: owner, uid: owner, controller: true }];
    await super.create(PODS, {
      metadata: {
        name: `${owner}-${number}`,
        namespace,
        ownerReferences,
        creationTimestamp: new Date(this.#time).toISOString(),
      },
      spec: { nodeName, hostNetwork, containers: [{ name: 'c', image: 'i' }] },
      status: { phase: 'Pending', ...(hostNetwork ? {} : { podIP: `10.244.200.${number % 250}` }) },
    } as Pod);
  }

  /** A tick after a pod was made its containers run. */
  async #start({ metadata, spec, status }: Pod): Promise<void> {
    const time = new Date(this.#time).toISOString();
    if (metadata!.creationTimestamp === time) return;
    const node = spec!.nodeName!;
    const owner = metadata!.ownerReferences?.[0]?.name ?? '';
    const network = owner === this.#old ? 'old' : NETWORK_OF[owner];
    if (network !== undefined) this.#cni.set(node, network);
    const wiredBy = this.#cni.get(node);
    if (spec?.hostNetwork !== true && wiredBy === undefined) return;
    await super.patch(PODS, metadata as ObjectName, 'merge', {
      metadata: { annotations: { [WIRED]: wiredBy } },
      status: {
        ...status,
        phase: 'Running',
        conditions: [{ type: 'Ready', status: 'True' }],
        containerStatuses: [{ name: 'c', state: { running: { startedAt: time } } }],
      },
    });
  }

  async #podsOn(node: string): Promise<readonly Pod[]> {
    return (await super.list<Pod>(PODS)).items.filter(({ spec }) => spec?.nodeName === node);
  }

  /** No node has two networks, or pods and none; no two nodes are on their way. */
  async #check(nodes: readonly Node[]): Promise<void> {
    const underway = nodes.filter(({ metadata }) => metadata?.annotations?.['sluice.dev/migration'] !== undefined);
    deepStrictEqual(underway.slice(1), []);
    for (const node of nodes) {
      const pods = await this.#podsOn(node.metadata!.name!);
      const owners = pods.map(({ metadata }) => metadata!.ownerReferences?.[0]?.name ?? '');
      const agents = owners.filter((name) => name === this.#old || NETWORK_OF[name] !== undefined);
      // While policy goes back, both deny; what makes links and routes is one all the time.
      const most = this.#keepsPods && node.metadata?.labels?.['sluice.dev/beside'] !== undefined ? 2 : 1;
      deepStrictEqual(agents.length <= most, true, `${node.metadata!.name} has ${agents.join(' and ')}`);
      // Who comes back is there before the other one goes.
      const { 'sluice.dev/network': network, 'sluice.dev/beside': beside } = node.metadata?.labels ?? {};
      if (network === 'none' && beside !== undefined) deepStrictEqual(agents.includes(this.#old), true);
      if (agents.length > 0) continue;
      // Pods may be without agents only where the kernel goes on for them, and none may come.
      deepStrictEqual(node.spec?.unschedulable, true);
      if (!this.#keepsPods) deepStrictEqual(owners.includes('web'), false);
    }
  }
}

/** As the DaemonSet controller decides it. */
export function wants({ spec }: DaemonSet, node: Node): boolean {
  const labels = node.metadata?.labels ?? {};
  const { nodeSelector = {}, affinity } = spec!.template.spec!;
  if (Object.entries(nodeSelector).some(([key, value]) => labels[key] !== value)) return false;
  const terms = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  return (
    terms === undefined ||
    terms.some(({ matchExpressions = [] }) =>
      matchExpressions.every(({ key, operator }) => (operator === 'DoesNotExist') === (labels[key] === undefined)),
    )
  );
}
