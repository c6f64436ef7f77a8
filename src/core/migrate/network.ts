import type { Rule } from './common-blockers.ts';
import type { ClusterObject, Observed, OldNetwork, Plan } from './model.ts';

/** A network that can be left: how it is known, what stands in the way, and what Sluice must be told to stand beside it. */
export interface Network {
  /** How messages call it. */
  readonly title: string;
  /** Its agents by the name that its public manifest gives. */
  readonly daemonSet: string;
  /** Undefined when the cluster does not have it. */
  readonly find: (observed: Observed) => OldNetwork | undefined;
  readonly blockers: readonly Rule[];
  readonly settings: (old: OldNetwork) => Readonly<Record<string, string>>;
  readonly remarks: (old: OldNetwork) => readonly string[];
  /** What Sluice's agents find besides when they start. */
  readonly objects?: (old: OldNetwork) => readonly ClusterObject[];
  /** Present where pods stay: the network goes on by an object of our own, and only policy changes hands. */
  readonly stays?: {
    readonly manifest: Plan['manifest'];
    /** Goes on with the network on nodes that have changed. */
    readonly carrier: (old: OldNetwork) => ClusterObject;
    readonly interrupts: { readonly leave: string; readonly join: string };
  };
}
