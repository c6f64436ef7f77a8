import type { SourceRef } from '../../core/policy/model.ts';
import type { PortRecord } from '../reach/graph.ts';

/** What becomes, or is no more, allowed between endpoints, shown by workload. */
export interface Change {
  /** Every one of these to every one of those. */
  readonly from: readonly Side[];
  readonly to: readonly Side[];
  readonly ports: readonly PortRecord[];
  /** Set when it is about pods and the very nodes that they run on; other changes never are. */
  readonly ownNode?: true;
  /** Absent when no single flow shows it, as with domain names. */
  readonly reason?: Reason;
}

/** Endpoints that are shown as one. */
export interface Side {
  /** A workload, a pod without one, `node/NAME`, a domain, or addresses. */
  readonly name: string;
  /** Set when not all pods of the workload are concerned. */
  readonly some?: { readonly count: number; readonly of: number };
}

/** Why one flow of the change is judged otherwise than before. */
export interface Reason {
  /** The flow: `shop/front → shop/db TCP 5432`. */
  readonly flow: string;
  /** What each side whose answer has changed says, before and now. */
  readonly sides: readonly { readonly before: string; readonly now: string }[];
  /** Whose doing it is, where it can be told. */
  readonly policies: readonly ResponsiblePolicy[];
}

/** A policy that is responsible for a change, as it is now or as it was before. */
export interface ResponsiblePolicy {
  readonly key: string;
  /** Of the rule if one decided, else of the policy. */
  readonly source: SourceRef;
  readonly state: 'before' | 'now';
}

/** How two clusters differ in what can talk. */
export interface DiffReport {
  readonly opened: readonly Change[];
  readonly closed: readonly Change[];
  /** Endpoints of one side only, by workload. */
  readonly added: readonly string[];
  readonly removed: readonly string[];
}
