/** What is done to requests of one backend on their way. Absent means: nothing. All values are checked already. */
export interface Settings {
  /** How servers are spoken to. */
  readonly protocol: 'http1' | 'h2';
  /** Servers are spoken to over TLS; their certificate is not checked. */
  readonly serverTls?: true;
  readonly balance: 'roundrobin' | 'leastconn' | 'source' | 'uri';
  /** Keeps a client at its server by a cookie. */
  readonly sticky?: StickyCookie;
  /** Seconds. */
  readonly connectTimeout?: number;
  /** Seconds without a byte from the server. */
  readonly serverTimeout?: number;
  /** Requests without TLS are sent to the same address with it. */
  readonly toHttps?: true;
  /** Every request is answered with this. */
  readonly redirect?: { readonly location: string; readonly code: number };
  /** Where a request for `/` is sent. */
  readonly appRoot?: string;
  readonly rewrite?: Rewrite;
  /** Only these clients, CIDRs. */
  readonly allow?: readonly string[];
  /** Not these clients, CIDRs. */
  readonly deny?: readonly string[];
  /** Bytes of a request's body. */
  readonly bodyLimit?: number;
  /** Requests of one client: `requests` within `seconds`. */
  readonly rate?: { readonly requests: number; readonly seconds: number };
  /** Connections of one client at one time. */
  readonly connections?: number;
  readonly cors?: Cors;
  readonly auth?: BasicAuth;
  /** What servers see as Host. */
  readonly upstreamHost?: string;
  /** Header X-Forwarded-Prefix. */
  readonly forwardedPrefix?: string;
  readonly requestHeaders?: readonly HeaderChange[];
  readonly responseHeaders?: readonly HeaderChange[];
  /** Milliseconds without a byte from the server. */
  readonly responseTimeout?: number;
  /** Milliseconds for a connection to a server, and how often it is tried again. */
  readonly connecting?: { readonly timeout: number; readonly retries: number };
  /** Milliseconds from a GET or HEAD to its answer: one that comes later is not passed on. */
  readonly deadline?: number;
  /** Every request is answered with a redirect, after the path was rewritten. */
  readonly location?: Location;
}

/** What becomes of one header. */
export type HeaderChange =
  | { readonly kind: 'set' | 'add'; readonly name: string; readonly value: string }
  | { readonly kind: 'remove'; readonly name: string };

/** Where a redirect leads: to the request's own URL, but for what is given. */
export interface Location {
  readonly code: number;
  readonly scheme?: 'http' | 'https';
  readonly host?: string;
  readonly port?: number;
}

/** The cookie by which a client stays with its server. */
export interface StickyCookie {
  readonly name: string;
  /** Seconds; absent: until the browser ends. */
  readonly maxAge?: number;
  readonly path?: string;
  readonly secure?: true;
  readonly sameSite?: 'Strict' | 'Lax' | 'None';
}

/**
 * The path is replaced: by a text, or where `pattern` matches by `replacement` with `\1` to `\9` from its groups, or its
 * first elements by others; neither `prefix` nor `replacement` ends in a slash then.
 */
export type Rewrite =
  | { readonly kind: 'prefix'; readonly prefix: string; readonly replacement: string }
  | { readonly kind: 'path'; readonly path: string }
  | { readonly kind: 'regex'; readonly pattern: string; readonly replacement: string };

/** What browsers of other origins may do; the texts are those of the headers. */
export interface Cors {
  /** `*` alone, or origins; one may have `*.` before its host. */
  readonly origins: readonly string[];
  readonly methods: string;
  readonly headers: string;
  readonly credentials: boolean;
  /** Seconds. */
  readonly maxAge: number;
  readonly expose?: string;
}

/** Who is let in, by HTTP basic authentication (RFC 7617). */
export interface BasicAuth {
  readonly realm: string;
  /** Passwords as crypt(3) writes them. */
  readonly users: readonly { readonly name: string; readonly hash: string }[];
}

/** What holds for an Ingress without annotations. */
export const PLAIN_SETTINGS: Settings = { protocol: 'http1', balance: 'roundrobin' };
