import type { ConfigMap, DaemonSet, Deployment, Node, Pod } from '../kube/types.ts';

/** An object of whatever kind; what is not named is carried along unread. */
export interface ClusterObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata?: { readonly name?: string; readonly namespace?: string };
  readonly spec?: unknown;
  readonly data?: unknown;
}

/** Everything of a cluster that a plan follows from. */
export interface Observed {
  readonly nodes: readonly Node[];
  readonly pods: readonly Pod[];
  readonly daemonSets: readonly DaemonSet[];
  readonly deployments: readonly Deployment[];
  readonly configMaps: readonly ConfigMap[];
  readonly pools: readonly ClusterObject[];
  readonly felixConfigurations: readonly ClusterObject[];
}

/** Calico, as far as it is in the cluster. */
export interface OldNetwork {
  readonly agents: DaemonSet;
  readonly deployments: readonly Deployment[];
  readonly config: ConfigMap | undefined;
}

/** Why a migration cannot begin. */
export interface Blocker {
  readonly code: string;
  readonly reason: string;
  readonly remedy: string;
}

/** One step of a migration. */
export interface Step {
  /** Unique in the plan: `install`, `node-1/drain`. */
  readonly id: string;
  /** Absent for steps of the whole cluster. */
  readonly node?: string;
  readonly what: string;
  /** Whose packets it costs, and for how long. */
  readonly interrupts: string;
  readonly commands: readonly string[];
  /** What must hold before the next step. */
  readonly check: readonly string[];
  /** Commands that take it back, after those of later steps. */
  readonly undo: readonly string[];
}

/** A whole migration. Steps are empty while anything blocks it. */
export interface Plan {
  readonly blockers: readonly Blocker[];
  /** What is worth knowing before the first step. */
  readonly remarks: readonly string[];
  /** Of ConfigMap `sluice-config`, where they are not what the manifest says. */
  readonly settings: Readonly<Record<string, string>>;
  readonly steps: readonly Step[];
}
