import type { Settings } from './settings.ts';
import type { Port, VirtualHost } from './virtual-host.ts';

/** Which requests a route takes by their host. A wildcard stands for exactly one label before `parent`. */
export type HostMatch =
  | { readonly kind: 'any' }
  | { readonly kind: 'exact'; readonly name: string }
  | { readonly kind: 'wildcard'; readonly parent: string };

/**
 * Which requests a route takes by their path: the whole of it, its first elements (no slash at the end; empty: every
 * path), or a regular expression, anchored at the start and ignoring case.
 */
export type PathMatch =
  | { readonly kind: 'exact'; readonly value: string }
  | { readonly kind: 'prefix'; readonly value: string }
  | { readonly kind: 'regex'; readonly value: string };

/** What a request must carry beyond host and path. */
export type Condition =
  | { readonly kind: 'header'; readonly name: string; readonly value: string }
  | { readonly kind: 'cookie'; readonly name: string; readonly value: string };

/** One exception from a route's backend: the first whose condition holds decides, a share by chance. */
export type Choice =
  | { readonly kind: 'condition'; readonly condition: Condition; readonly backend: string }
  /** `parts` of `whole` requests. */
  | { readonly kind: 'share'; readonly parts: number; readonly whole: number; readonly backend: string };

/** Requests that match go to `backend` (the name of a {@link Backend}) unless a choice says otherwise. */
export interface Route {
  readonly host: HostMatch;
  readonly path: PathMatch;
  readonly backend: string;
  readonly choices: readonly Choice[];
  /** `namespace/name` of the Ingress. */
  readonly owner: string;
}

/** Where a server of a backend listens; `host` is an IP address. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** Servers that share requests, and what is done to the requests on their way. */
export interface Backend {
  /** Unique, of letters, digits and `-_.`. */
  readonly name: string;
  readonly owner: string;
  readonly endpoints: readonly Endpoint[];
  /** The same servers by their addresses of the other family, for clients of that family. */
  readonly others?: readonly Endpoint[];
  /** They are not of the cluster, and could not answer a client in whose name the proxy spoke. */
  readonly external?: true;
  readonly settings: Settings;
}

/** A certificate and its key, for TLS clients that ask for one of `hosts`. */
export interface Certificate {
  /** Unique, fit for a file name. */
  readonly name: string;
  /** The certificate, its chain and its key. */
  readonly pem: string;
  /** Sorted; may start with `*.`. */
  readonly hosts: readonly string[];
  /** The Ingresses that use it. */
  readonly owners: readonly string[];
}

/** Why an Ingress, or a part of it, does not do what it says. */
export interface Remark {
  /** `namespace/name` of the Ingress. */
  readonly owner: string;
  /** `refused`: the Ingress is left out as a whole. `warning`: the rest of it is served. */
  readonly severity: 'refused' | 'warning';
  /** CamelCase, the reason of the event. */
  readonly reason: string;
  readonly message: string;
}

/** Everything that the proxy is to do. */
export interface IngressModel {
  /** No two have the same host and path. */
  readonly routes: readonly Route[];
  readonly backends: readonly Backend[];
  readonly certificates: readonly Certificate[];
  readonly remarks: readonly Remark[];
  /** All Ingresses that are this controller's, also the refused ones: `namespace/name`. */
  readonly owned: readonly string[];
  /** Looked at where no route has the same kind of host; those of Gateways. No two have the same port and host. */
  readonly virtualHosts?: readonly VirtualHost[];
  /** The ports of virtual hosts. 80 and 443 are those that the proxy has in any case. */
  readonly ports?: readonly Port[];
}

/** The text of a host as it stands in rules: empty for any host. */
export function hostText(host: HostMatch): string {
  switch (host.kind) {
    case 'any':
      return '';
    case 'exact':
      return host.name;
    case 'wildcard':
      return `*.${host.parent}`;
  }
}
