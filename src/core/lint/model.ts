import type { Manifest } from '../kube/yaml.ts';
import type { LintCluster } from './lint-cluster.ts';
import type { LintMessages } from './messages/catalogue.ts';

/** How much a finding matters. Only errors and warnings fail a run, unless the caller says otherwise. */
export type Severity = 'note' | 'warning' | 'error';

/** Severities from the mildest. */
export const SEVERITIES: readonly Severity[] = ['note', 'warning', 'error'];

/** The object that a finding is about. */
export interface ObjectRef {
  readonly kind: string;
  /** Absent for cluster-scoped objects and for those that name none. */
  readonly namespace?: string;
  readonly name: string;
}

/** One thing that is wrong, or probably not meant, and where. */
export interface Finding {
  /** Of the rule: `unknown-field`. */
  readonly id: string;
  readonly severity: Severity;
  /** What is wrong and what it leads to, in one sentence without a full stop. */
  readonly message: string;
  readonly file: string;
  /** Counts from 1, like `column`. */
  readonly line: number;
  readonly column: number;
  /** Absent when the file cannot be read. */
  readonly object?: ObjectRef;
  /** Field path as the API server writes it; empty for the object as a whole. */
  readonly path: string;
  /** What was probably meant: completes "did you mean …?". */
  readonly suggestion?: string;
  /** Present when the text can be corrected without a decision of its author. */
  readonly repair?: PlacedRepair;
}

/** A repair and the place of the field that it is about: its key, or the list item itself. */
export type PlacedRepair = Repair & { readonly line: number; readonly column: number };

/** A mechanical correction, in terms of fields; `edits.ts` turns it into an edit of the text. */
export type Repair =
  | { readonly kind: 'rename-key'; readonly path: string; readonly to: string }
  /** The scalar at `path` becomes `to`, written as it is. */
  | { readonly kind: 'replace-value'; readonly path: string; readonly to: string }
  /** The scalar at `path` is put in quotes, with the characters that stand there. */
  | { readonly kind: 'quote-value'; readonly path: string }
  /** A new item at the end of the list at `path`. */
  | { readonly kind: 'append-item'; readonly path: string; readonly item: string }
  /** A new field on a line before the one at `path`. */
  | { readonly kind: 'insert-before'; readonly path: string; readonly text: string }
  /** The list item at `path` and its comment go. */
  | { readonly kind: 'remove-item'; readonly path: string }
  /** Text is inserted at a place, for what the parser cannot read. */
  | { readonly kind: 'insert-text'; readonly line: number; readonly column: number; readonly text: string };

/** Something to say, in whatever language. */
export type Phrase = (words: LintMessages) => string;

/** What a rule has found, before configuration decides on its severity. */
export interface Report {
  readonly manifest: Manifest;
  readonly path: string;
  readonly message: Phrase;
  readonly suggestion?: string | Phrase;
  readonly repair?: Repair;
  /** When it differs from the rule's own. */
  readonly severity?: Severity;
}

/** Identity of a rule: its id, what it is for, and how much its findings matter by default. */
export interface RuleMeta {
  readonly id: string;
  readonly severity: Severity;
  /** What it finds, in one line, for lists of rules. */
  readonly summary: string;
  /** Whether it can repair some of what it finds. */
  readonly repairs?: boolean;
}

/** A rule over everything that was loaded. */
export interface LintRule extends RuleMeta {
  readonly check: (cluster: LintCluster) => Iterable<Report>;
}
