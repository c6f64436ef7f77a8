import type { HostMatch, PathMatch } from './model.ts';

/** What a request must be like beyond host and path. Names and values are checked already. */
export type RequestTest =
  | { readonly kind: 'method'; readonly value: string }
  /** A regular expression for the whole path. */
  | { readonly kind: 'path'; readonly value: string }
  /** One of the header's lines, or the first value of a query parameter; a regular expression is for the whole of it. */
  | { readonly kind: 'header' | 'query'; readonly name: string; readonly value: string; readonly regex: boolean };

/** A backend for the requests that pass all tests, or for `parts` of `whole` of them. */
export interface Decision {
  readonly tests: readonly RequestTest[];
  readonly share?: { readonly parts: number; readonly whole: number };
  readonly backend: string;
}

/** The first decision that takes a request has it; what none takes is answered 404. */
export interface DecisionList {
  /** Exact or prefix. */
  readonly path: PathMatch;
  readonly decisions: readonly Decision[];
}

/**
 * What is done with requests for a host at one port. Here a wildcard stands for any number of labels, and a request that
 * has found its host does not look for another.
 */
export interface VirtualHost {
  readonly port: number;
  readonly host: HostMatch;
  /** Clients that ask for a host's certificate get only hosts of the same scope. */
  readonly scope: string;
  readonly lists: readonly DecisionList[];
}

/** A port that virtual hosts are on. */
export interface Port {
  readonly port: number;
  readonly tls: boolean;
  /** Names of certificates and the host that each is for, which may start with `*.`; without a host: for all others. */
  readonly certificates: readonly { readonly name: string; readonly host?: string }[];
}

/** Answers 500: the backend of rules that name what does not exist or may not be named. */
export const UNRESOLVED_BACKEND = 'unresolved';
