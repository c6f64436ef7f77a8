import type { Action, Direction, SourceRef } from '../model.ts';

/** What one policy does, in sentences of one language. Plain data. */
export interface PolicyDescription {
  /** The policy's key. */
  readonly policy: string;
  readonly source: SourceRef;
  readonly tier: string;
  /** Null when it comes last. */
  readonly order: number | null;
  /** When it is asked; absent for NetworkPolicies, which all stand together. */
  readonly place?: string;
  readonly subject: Chosen;
  /** Ingress, then egress. */
  readonly directions: readonly DirectionDescription[];
  /** What it does not do, and what is easily taken for granted. */
  readonly limits: readonly Limit[];
}

/** What the policy does in one direction. */
export interface DirectionDescription {
  readonly direction: Direction;
  readonly applies: boolean;
  readonly text: string;
  readonly rules: readonly RuleDescription[];
}

/** One rule in words. */
export interface RuleDescription {
  /** In the list that it was written in. */
  readonly index: number;
  readonly action: Action;
  readonly name?: string;
  readonly source: SourceRef;
  readonly text: string;
  /** Empty when the rule is for anybody. */
  readonly peers: readonly Chosen[];
}

/** A way to choose endpoints, and whom it chooses in the cluster at hand. */
export interface Chosen {
  readonly text: string;
  /** Keys of pods, or names of nodes; absent without a cluster and for what is neither. */
  readonly now?: readonly string[];
}

/** What a policy does not do. */
export interface Limit {
  readonly id: LimitId;
  readonly text: string;
}

/** Each is a sentence in every catalogue. */
export type LimitId =
  | 'staged'
  | 'no-tier'
  | 'selects-nothing'
  | 'earlier-policies'
  | 'direction'
  | 'protocols'
  | 'outside'
  | 'dns'
  | 'own-namespace'
  | 'ports-of-pods'
  | 'domains'
  | 'union'
  | 'both-sides'
  | 'host-network'
  | 'own-node'
  | 'forwarded'
  | 'replies';
