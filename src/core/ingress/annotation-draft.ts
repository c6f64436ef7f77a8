import type { Settings } from './settings.ts';

/** What annotations say, before it is known what else the Ingress says: {@link Settings} that can still be written. */
export interface Draft {
  readonly settings: { -readonly [Key in keyof Settings]: Settings[Key] };
  /** Secret with users, `namespace/name` or a name in the Ingress's namespace. */
  authSecret?: string;
  authRealm?: string;
  basicAuth?: boolean;
  rewriteTarget?: string;
  useRegex?: boolean;
  sslRedirect?: boolean;
  forceSslRedirect?: boolean;
  requestsPerSecond?: number;
  requestsPerMinute?: number;
  burst?: number;
  redirectCode?: number;
  serviceUpstream?: boolean;
  aliases?: readonly string[];
  sticky?: boolean;
  cookie: { name?: string; maxAge?: number; path?: string; secure?: boolean; sameSite?: 'Strict' | 'Lax' | 'None' };
  cors?: boolean;
  corsValues: {
    origins?: readonly string[];
    methods?: string;
    headers?: string;
    credentials?: boolean;
    maxAge?: number;
    expose?: string;
  };
  canary: CanaryDraft;
}

/** What makes an Ingress an exception from another one with the same hosts and paths. */
export interface CanaryDraft {
  enabled?: boolean;
  weight?: number;
  whole?: number;
  header?: string;
  headerValue?: string;
  cookie?: string;
}
