import type { Family } from '../../base/ip/index.ts';
import type { PartySet, PortSpec } from '../party/party-set.ts';

/** A file of policy tests, as it was written. */
export interface TestSpec {
  readonly file: string;
  /** Manifests that the tests are about, relative to the spec's folder; empty when `-f` names them. */
  readonly files: readonly string[];
  /** The one address family that the tests are about; undefined is every family that the cluster has. */
  readonly family: Family | undefined;
  readonly tests: readonly PolicyTest[];
}

/** One test: an assertion about all connections from a set of parties to another on some ports. */
export interface PolicyTest {
  readonly name: string;
  readonly at: { readonly file: string; readonly line: number; readonly column: number };
  readonly verb: Verb;
  readonly from: PartySet;
  readonly to: PartySet;
  /** Undefined is every protocol and port. */
  readonly ports: readonly PortSpec[] | undefined;
  /** Of `only`: the side that nobody else may take. */
  readonly exclusive: 'from' | 'to';
}

/**
 * What a test asserts. `allow`: every connection of the set is allowed. `deny`: every one is denied. `never`: the same, and
 * the sets may be empty. `only`: every one is allowed, and nobody else has any on those ports.
 */
export type Verb = 'allow' | 'deny' | 'only' | 'never';

/** Every verb, in the order in which documents list them. */
export const VERBS: readonly Verb[] = ['allow', 'deny', 'only', 'never'];
