import type { Delta as CalcDelta, PoolSpec } from '../../core/calc/model.ts';
import { announcedPool } from '../../core/announce/index.ts';
import { FLANNEL_PREFIX } from '../../core/flannel/index.ts';
import { ADDRESSING_PREFIX, decodeConfig } from '../../core/ipam/index.ts';
import type { IpamConfig, IpamConfigSpec } from '../../core/ipam/index.ts';
import type { Labels } from '../../core/kube/labels.ts';
import type {
  EndpointSlice,
  Namespace,
  NetworkPolicy,
  Node,
  ObjectMeta,
  Pod,
  Service,
  ServiceAccount,
} from '../../core/kube/types.ts';
import type { NamespaceInfo, PodEndpoint } from '../../core/policy/cluster.ts';
import { namespaceInfo, podEndpoint } from '../../core/policy/endpoints.ts';
import type { Policy, PolicyIssue } from '../../core/policy/model.ts';
import type { Normalised } from '../../core/policy/normalise/network-policy.ts';
import { normaliseNetworkPolicy } from '../../core/policy/normalise/network-policy.ts';
import type { ServiceSpec, SliceSpec } from '../../core/service/model.ts';
import type { RoutingBlock, RoutingPool } from '../../core/routing/index.ts';
import { poolSpec } from '../../core/calc/index.ts';
import { serviceSpec, sliceSpec } from '../../core/service/index.ts';
import { informer } from '../../host/kube-client/informer.ts';
import type { Delta, Informer, InformerOptions } from '../../host/kube-client/informer.ts';
import {
  ENDPOINT_SLICES,
  IPAM_BLOCKS,
  IPAM_CONFIGS,
  IP_POOLS,
  NAMESPACES,
  NETWORK_POLICIES,
  NODES,
  PODS,
  SERVICES,
  SERVICE_ACCOUNTS,
} from '../../host/kube-client/resources.ts';
import type { KubeClient, KubeObject, Resource } from '../../host/kube-client/types.ts';
import { nodesWithCalico } from './calico-nodes.ts';
import { ABSENT_RETRY } from './layered-kind.ts';
import { PolicyFeed } from './policy-feed.ts';
import { knownBlock, knownNode, knownPoolRouting, sameBlock } from './routing-objects.ts';
import type { IpamBlockObject, KnownNode, PoolRoutingObject } from './routing-objects.ts';

/** A pod as policy sees it, and its identity. */
export interface KnownPod extends PodEndpoint {
  readonly uid: string;
  /** Its annotations that say which addresses it gets. */
  readonly addressing: Annotations;
}

/** A namespace as policy sees it, and what it says of the addresses of its pods. */
export interface KnownNamespace extends NamespaceInfo {
  readonly addressing: Annotations;
}

type Annotations = Readonly<Record<string, string>>;

/** An address pool, as far as the packet filter, routing and the choice of families need it. */
export interface KnownPool {
  readonly spec: PoolSpec | undefined;
  readonly routing: RoutingPool | undefined;
  /** Whether no pod gets an address of it without asking. */
  readonly disabled: boolean;
  /** Whether BGP peers are told of its blocks. */
  readonly exported: boolean;
  /** What it asks to announce on the nodes' segments. */
  readonly announced: ReturnType<typeof announcedPool>;
}

/** Who wants to know what changed. Called synchronously, in the order of the watch streams. */
export interface FeedListener {
  /** For the packet filter. */
  onDelta(delta: CalcDelta): void;
  /** Nodes or blocks changed in a way that routes may depend on. */
  onRoutesChanged(): void;
  onPoolsChanged(): void;
  /** What of an object that appeared or changed is not understood. */
  onIssues(issues: readonly PolicyIssue[]): void;
  /** A watch failed and will be tried again. */
  onError(what: string, error: unknown): void;
}

/** Local copies of everything in the cluster that a node's network depends on. */
export class ClusterFeed {
  readonly #client: KubeClient;
  readonly #listener: FeedListener;
  readonly #signal: AbortSignal;
  readonly pods: Informer<KnownPod>;
  readonly namespaces: Informer<KnownNamespace>;
  readonly nodes: Informer<KnownNode>;
  readonly blocks: Informer<RoutingBlock | undefined>;
  readonly pools: Informer<KnownPool>;
  /** Policies of other APIs than Kubernetes' own, and what they speak of. */
  readonly extended: PolicyFeed;
  /** Labels of service accounts, by `namespace/name`. */
  readonly serviceAccounts: Informer<Labels>;
  /** By `namespace/name`, not by the policy's own key. */
  readonly #networkPolicies: Informer<Normalised>;
  /** Rules for the pools; read anew with them when they change. */
  readonly #ipamConfigs: Informer<IpamConfig>;
  readonly #services: Informer<ReturnType<typeof serviceSpec>>;
  readonly #slices: Informer<ReturnType<typeof sliceSpec>>;
  /** Resolves when every collection is known; never rejects. */
  readonly synced: Promise<void>;
  /** Settles after the signal has aborted and all watches have ended. */
  readonly done: Promise<void>;
  readonly #all: readonly Informer<unknown>[];

  /**
   * `no-pools`: the cluster need not have the resources of address management. `calicoNodesOf`: Calico's Nodes are in etcd,
   * and this node writes its own.
   */
  constructor(
    client: KubeClient,
    listener: FeedListener,
    signal: AbortSignal,
    { pools = 'pools', calicoNodesOf }: { pools?: 'pools' | 'no-pools'; calicoNodesOf?: string | undefined } = {},
  ) {
    const mayLack = pools === 'pools' ? {} : { absentRetry: ABSENT_RETRY };
    this.#client = client;
    this.#listener = listener;
    this.#signal = signal;
    const onDelta = (delta: CalcDelta): void => listener.onDelta(delta);
    this.pods = this.#watch<Pod, KnownPod>(PODS, knownPod, ({ key, ...delta }) =>
      onDelta({ kind: 'pod', key, value: valueOf(delta) }),
    );
    this.namespaces = this.#watch<Namespace, KnownNamespace>(NAMESPACES, knownNamespace, ({ key, ...delta }) =>
      onDelta({ kind: 'namespace', key, value: valueOf(delta) }),
    );
    const onNode = (delta: Delta<KnownNode>): void => this.#onNode(delta);
    this.nodes =
      calicoNodesOf === undefined
        ? this.#watch<Node, KnownNode>(NODES, knownNode, onNode)
        : nodesWithCalico(client, calicoNodesOf, { onDelta: onNode, onError: listener.onError.bind(listener) }, signal);
    const onBlock = (delta: Delta<RoutingBlock | undefined>): void => {
      if (delta.kind === 'delete' || !sameBlock(delta.previous, delta.object)) listener.onRoutesChanged();
    };
    this.blocks = this.#watch<IpamBlockObject, RoutingBlock | undefined>(IPAM_BLOCKS, knownBlock, onBlock, mayLack);
    const onPool = ({ key, ...delta }: Delta<KnownPool>): void => {
      onDelta({ kind: 'pool', key, value: valueOf(delta)?.spec });
      listener.onPoolsChanged();
    };
    this.pools = this.#watch<PoolObject, KnownPool>(IP_POOLS, knownPool, onPool, mayLack);
    this.#ipamConfigs = this.#watch<KubeObject & { readonly spec?: IpamConfigSpec }, IpamConfig>(
      IPAM_CONFIGS,
      ({ spec }) => decodeConfig(spec),
      () => listener.onPoolsChanged(),
      { absentRetry: ABSENT_RETRY },
    );
    this.#networkPolicies = this.#watch<NetworkPolicy, Normalised>(
      NETWORK_POLICIES,
      (policy) => normaliseNetworkPolicy(policy),
      (delta) => this.#onPolicy(delta),
    );
    this.serviceAccounts = this.#watch<ServiceAccount, Labels>(SERVICE_ACCOUNTS, labelsOf, (delta) => {
      const value = valueOf(delta);
      // Nearly all have no labels, and are as if they were not there.
      if (value !== NO_LABELS || (delta.previous ?? NO_LABELS) !== NO_LABELS)
        onDelta({ kind: 'service-account', key: delta.key, value });
    });
    this.extended = new PolicyFeed(
      client,
      {
        onDelta,
        onTunnelsChanged: () => listener.onRoutesChanged(),
        onIssues: (issues) => listener.onIssues(issues),
        onError: (what, error) => listener.onError(what, error),
      },
      signal,
    );
    this.#services = this.#watch<Service, ReturnType<typeof serviceSpec>>(SERVICES, serviceSpec, ({ key, ...delta }) =>
      onDelta({ kind: 'service', key, value: valueOf(delta) }),
    );
    this.#slices = this.#watch<EndpointSlice, ReturnType<typeof sliceSpec>>(
      ENDPOINT_SLICES,
      sliceSpec,
      ({ key, ...delta }) => onDelta({ kind: 'slice', key, value: valueOf(delta) }),
    );
    this.#all = [
      this.pods,
      this.namespaces,
      this.nodes,
      this.blocks,
      this.pools,
      this.serviceAccounts,
      this.#networkPolicies,
      this.#ipamConfigs,
      ...this.extended.informers,
      this.#services,
      this.#slices,
    ];
    this.synced = Promise.all(this.#all.map((each) => each.synced)).then(() => undefined);
    this.done = Promise.all(this.#all.map((each) => each.done)).then(() => undefined);
  }

  /** Everything that is known now, for a new calculation. */
  *snapshot(): Generator<CalcDelta> {
    for (const [key, value] of this.namespaces.items) yield { kind: 'namespace', key, value };
    for (const [key, { endpoint: value }] of this.nodes.items) yield { kind: 'node', key, value };
    for (const [key, { spec: value }] of this.pools.items) yield { kind: 'pool', key, value };
    for (const [key, value] of this.serviceAccounts.items)
      if (value !== NO_LABELS) yield { kind: 'service-account', key, value };
    for (const { policy: value } of this.#networkPolicies.items.values())
      yield { kind: 'policy', key: value.key, value };
    yield* this.extended.snapshot();
    for (const [key, value] of this.pods.items) yield { kind: 'pod', key, value };
    for (const [key, value] of this.#services.items) yield { kind: 'service', key, value };
    for (const [key, value] of this.#slices.items) yield { kind: 'slice', key, value };
  }

  /** Of all APIs. */
  *policies(): Generator<Policy> {
    for (const { policy } of this.#networkPolicies.items.values()) yield policy;
    yield* this.extended.policies();
  }

  /** What of policies and the objects that they speak of is not understood. */
  *issues(): Generator<PolicyIssue> {
    for (const { issues } of this.#networkPolicies.items.values()) yield* issues;
    yield* this.extended.issues();
  }

  *slices(): Generator<SliceSpec> {
    for (const slice of this.#slices.items.values()) if (slice !== undefined) yield slice;
  }

  *services(): Generator<ServiceSpec> {
    for (const service of this.#services.items.values()) if (service !== undefined) yield service;
  }

  /** Whether every collection is known. */
  get hasSynced(): boolean {
    return this.#all.every((each) => each.hasSynced);
  }

  #onNode(delta: Delta<KnownNode>): void {
    const node = valueOf(delta);
    this.#listener.onDelta({ kind: 'node', key: delta.key, value: node?.endpoint });
    // Kubelets write their node's status every few seconds; only what routes are made of counts.
    const before = delta.previous === undefined ? '' : routingKey(delta.previous);
    if (before !== (node === undefined ? '' : routingKey(node))) this.#listener.onRoutesChanged();
  }

  #onPolicy(delta: Delta<Normalised>): void {
    const normalised = valueOf(delta);
    const key = (normalised ?? delta.previous)?.policy.key ?? delta.key;
    if (normalised !== undefined && normalised.issues.length > 0) this.#listener.onIssues(normalised.issues);
    this.#listener.onDelta({ kind: 'policy', key, value: normalised?.policy });
  }

  #watch<T extends KubeObject, P>(
    resource: Resource,
    project: InformerOptions<T, P>['project'],
    onDelta: (delta: Delta<P>) => void,
    more: Pick<InformerOptions<T, P>, 'absentRetry'> = {},
  ): Informer<P> {
    const onError = (error: unknown): void => this.#listener.onError(`watching ${resource.plural}`, error);
    return informer<T, P>(this.#client, resource, { ...more, project, onDelta, onError }, this.#signal);
  }
}

/** One object for the many service accounts that have no labels. */
const NO_LABELS: Labels = {};

function labelsOf({ metadata }: ServiceAccount): Labels {
  return Object.keys(metadata?.labels ?? {}).length === 0 ? NO_LABELS : metadata!.labels!;
}

/** Projects a Pod at parse time. */
export function knownPod(pod: Pod): KnownPod {
  return { ...podEndpoint(pod), uid: pod.metadata?.uid ?? '', addressing: addressingOf(pod.metadata) };
}

/** Projects a Namespace at parse time. */
export function knownNamespace(namespace: Namespace): KnownNamespace {
  return { ...namespaceInfo(namespace), addressing: addressingOf(namespace.metadata) };
}

/** One object for the many that say nothing. */
const NO_ADDRESSING: Annotations = {};

function addressingOf(metadata: ObjectMeta | undefined): Annotations {
  const said = Object.entries(metadata?.annotations ?? {}).filter(([key]) => key.startsWith(ADDRESSING_PREFIX));
  return said.length === 0 ? NO_ADDRESSING : Object.fromEntries(said);
}

type PoolObject = Parameters<typeof poolSpec>[0] &
  PoolRoutingObject & {
    readonly spec?: {
      readonly disabled?: boolean;
      readonly disableBGPExport?: boolean;
      readonly allowedUses?: readonly string[];
      readonly assignmentMode?: string;
    };
  };

function knownPool(pool: PoolObject): KnownPool {
  const { disabled, allowedUses = [], assignmentMode } = pool.spec ?? {};
  return {
    spec: poolSpec(pool),
    routing: knownPoolRouting(pool),
    disabled:
      disabled === true || assignmentMode === 'Manual' || (allowedUses.length > 0 && !allowedUses.includes('Workload')),
    exported: pool.spec?.disableBGPExport !== true,
    announced: announcedPool(pool),
  };
}

function valueOf<P>(delta: Pick<Delta<P>, 'kind'> & { readonly object?: P }): P | undefined {
  return delta.kind === 'set' ? delta.object : undefined;
}

function routingKey({ routing, bgp, wireguard, lease, annotations }: KnownNode): string {
  // Some of flannel's are for the node itself: where others are to be told that it is.
  const flannel = Object.entries(annotations).filter(([name]) => name.startsWith(FLANNEL_PREFIX));
  return JSON.stringify([routing, bgp, wireguard, lease, flannel], (_, value: unknown) =>
    typeof value === 'bigint' ? String(value) : value,
  );
}
