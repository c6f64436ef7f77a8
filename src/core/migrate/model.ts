import type { StoredLease } from '../flannel/index.ts';
import type { ConfigMap, DaemonSet, Deployment, Node, Pod, PodDisruptionBudget } from '../kube/types.ts';
import type { Condition } from './condition.ts';

/** An object of whatever kind; what is not named is carried along unread. */
export interface ClusterObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata?: { readonly name?: string; readonly namespace?: string };
  readonly spec?: unknown;
  readonly data?: unknown;
}

/** Everything of a cluster that a plan, and how far it is, follows from. */
export interface Observed {
  readonly nodes: readonly Node[];
  readonly pods: readonly Pod[];
  readonly daemonSets: readonly DaemonSet[];
  readonly deployments: readonly Deployment[];
  readonly configMaps: readonly ConfigMap[];
  readonly pools: readonly ClusterObject[];
  /** Calico's IPReservations; absent where there is no such kind. */
  readonly reservations?: readonly ClusterObject[];
  readonly felixConfigurations: readonly ClusterObject[];
  readonly budgets: readonly PodDisruptionBudget[];
  /** Where pools and settings of Calico's kinds were read. */
  readonly datastore?: 'kubernetes' | 'etcdv3' | undefined;
  /** What flannel keeps in etcd; absent where it was not looked for. */
  readonly flannelStore?: FlannelStore | undefined;
}

/** flannel's configuration and leases in etcd, and what Sluice's agents need in Secrets to read them. */
export interface FlannelStore {
  /** Undefined while there is none. */
  readonly config: string | undefined;
  readonly leases: readonly StoredLease[];
  /** Undefined where nobody may tell. */
  readonly hasCertificates?: boolean | undefined;
  readonly hasUser?: boolean | undefined;
}

/** A network that a cluster has, as far as it is in the API. */
export interface OldNetwork {
  readonly agents: DaemonSet;
  /** Of no use without the agents. */
  readonly deployments: readonly Deployment[];
  readonly config: ConfigMap | undefined;
}

/** Why a migration cannot begin. */
export interface Blocker {
  readonly code: string;
  readonly reason: string;
  readonly remedy: string;
}

/** An object by name. */
export interface Target {
  readonly kind: 'DaemonSet' | 'Deployment' | 'ConfigMap';
  readonly namespace: string;
  readonly name: string;
}

/** What a Node is to say of its network; null takes away. See `node-marks.ts`. */
export interface NodeMark {
  readonly node: string;
  /** Label `sluice.dev/network`. */
  readonly network: 'none' | 'sluice' | null | undefined;
  /** Annotation `sluice.dev/migration`; null ends the migration of the node. */
  readonly phase: Phase | null;
  /** Label `sluice.dev/beside`: the agents of the network before run on the node besides Sluice's. Undefined: as it is. */
  readonly beside?: boolean;
}

/** Where a node is that has begun and not ended; it takes no new pods meanwhile. */
export type Phase = 'draining' | 'leaving' | 'joining' | 'returning';

/** One thing to do. All may be done again and again; `until` says when it is done. */
export type Action = { readonly until: Condition } & (
  | { readonly kind: 'mark'; readonly mark: NodeMark }
  | { readonly kind: 'patch'; readonly target: Target; readonly patch: object }
  | { readonly kind: 'evict'; readonly node: string; readonly since?: Target | undefined }
  | { readonly kind: 'restart'; readonly node: string; readonly agents: Target }
  | { readonly kind: 'install' }
  | { readonly kind: 'delete'; readonly targets: readonly Target[] }
  | { readonly kind: 'wait' }
);

/** One step of a migration, forward and back. */
export interface Step {
  /** Unique in the plan: `install`, `node-1/drain`. */
  readonly id: string;
  /** Absent for steps of the whole cluster. */
  readonly node?: string;
  readonly what: string;
  /** Whose packets it costs, and for how long. */
  readonly interrupts: string;
  /** What must hold when it begins, and does not come by itself. */
  readonly requires?: Condition;
  readonly actions: readonly Action[];
  /** It is done, or a later one is. */
  readonly done: Condition;
  /** Takes it back, after later steps were. */
  readonly undo: readonly Action[];
  /** What must hold when that begins. */
  readonly undoRequires?: Condition;
  readonly undone: Condition;
}

/** A whole migration. */
export interface Plan {
  readonly blockers: readonly Blocker[];
  /** What is worth knowing before the first step. */
  readonly remarks: readonly string[];
  /** Of ConfigMap `sluice-config`, where they are not what the manifest says. */
  readonly settings: Readonly<Record<string, string>>;
  /** Which of the manifests in deploy/ is installed. */
  readonly manifest: 'sluice.yaml' | 'sluice-policy-only.yaml';
  /** What is installed besides, for labelled nodes. */
  readonly extras: readonly ClusterObject[];
  readonly steps: readonly Step[];
}
