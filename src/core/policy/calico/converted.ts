import type { PolicyIssue } from '../model.ts';

/** A Calico object in Sluice's terms, and what of it could not be understood. */
export interface Converted<T> {
  /** Undefined when so much is missing that there is nothing to convert (a HostEndpoint without a node). */
  readonly value: T | undefined;
  readonly issues: readonly PolicyIssue[];
}
