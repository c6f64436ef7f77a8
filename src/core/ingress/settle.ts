import type { CanaryDraft, Draft } from './annotation-draft.ts';
import { readUsers } from './htpasswd.ts';
import type { BasicAuth, Cors, Settings } from './settings.ts';
import type { SecretData } from './world.ts';

/** Defaults of ingress-nginx, https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/#enable-cors */
const CORS_METHODS = 'GET, PUT, POST, DELETE, PATCH, OPTIONS';
const CORS_HEADERS =
  'DNT, Keep-Alive, User-Agent, X-Requested-With, If-Modified-Since, Cache-Control, Content-Type, Range, Authorization';
const CORS_MAX_AGE = 1_728_000;
const COOKIE_NAME = 'INGRESSCOOKIE';
const BURST = 5;

/** What follows for every backend of an Ingress from its annotations, or what is wrong with them together. */
export function settle(
  draft: Draft,
  namespace: string,
  secrets: ReadonlyMap<string, SecretData>,
): { readonly settings: Settings } | { readonly problem: string } {
  const auth = settleAuth(draft, namespace, secrets);
  if (auth !== undefined && 'problem' in auth) return auth;
  const { settings, redirectCode } = draft;
  const cors = settleCors(draft);
  return {
    settings: {
      ...settings,
      ...(settings.redirect !== undefined && redirectCode !== undefined && settings.redirect.code === 301
        ? { redirect: { ...settings.redirect, code: nearestRedirect(redirectCode) } }
        : {}),
      ...(auth === undefined ? {} : { auth }),
      ...(cors === undefined ? {} : { cors }),
      ...settleRate(draft),
      ...settleSticky(draft),
    },
  };
}

/** Whether the draft asks for a canary at all, and what is wrong with how it does. */
export function canaryProblem({ enabled, weight, header, cookie }: CanaryDraft): string | undefined {
  if (enabled !== true) return undefined;
  return weight === undefined && header === undefined && cookie === undefined
    ? 'annotation canary needs canary-weight, canary-by-header or canary-by-cookie'
    : undefined;
}

function settleAuth(
  { basicAuth, authSecret, authRealm }: Draft,
  namespace: string,
  secrets: ReadonlyMap<string, SecretData>,
): BasicAuth | { readonly problem: string } | undefined {
  if (basicAuth !== true)
    return authSecret === undefined ? undefined : { problem: 'annotation auth-secret needs auth-type' };
  if (authSecret === undefined) return { problem: 'annotation auth-type needs auth-secret' };
  const key = authSecret.includes('/') ? authSecret : `${namespace}/${authSecret}`;
  // Reading another namespace's passwords must not be possible by writing an Ingress.
  if (!key.startsWith(`${namespace}/`)) return { problem: `auth-secret ${key} is in another namespace` };
  const text = secrets.get(key)?.auth;
  if (text === undefined) return { problem: `Secret ${key} does not exist or has no key auth` };
  const users = readUsers(text);
  return 'problem' in users
    ? { problem: `Secret ${key}: ${users.problem}` }
    : { realm: authRealm ?? 'Authentication Required', users: users.value };
}

function settleCors({ cors, corsValues }: Draft): Cors | undefined {
  if (cors !== true) return undefined;
  return {
    origins: corsValues.origins ?? ['*'],
    methods: corsValues.methods ?? CORS_METHODS,
    headers: corsValues.headers ?? CORS_HEADERS,
    credentials: corsValues.credentials ?? true,
    maxAge: corsValues.maxAge ?? CORS_MAX_AGE,
    ...(corsValues.expose === undefined ? {} : { expose: corsValues.expose }),
  };
}

/** A burst of n times the rate, and the rate on average: n times as many within n seconds (or minutes). */
function settleRate({ requestsPerSecond, requestsPerMinute, burst = BURST }: Draft): Pick<Settings, 'rate'> {
  if (requestsPerSecond !== undefined) return { rate: { requests: requestsPerSecond * burst, seconds: burst } };
  if (requestsPerMinute !== undefined) return { rate: { requests: requestsPerMinute * burst, seconds: 60 * burst } };
  return {};
}

function settleSticky({ sticky, cookie }: Draft): Pick<Settings, 'sticky'> {
  if (sticky !== true) return {};
  return {
    sticky: {
      name: cookie.name ?? COOKIE_NAME,
      ...(cookie.maxAge === undefined ? {} : { maxAge: cookie.maxAge }),
      ...(cookie.path === undefined ? {} : { path: cookie.path }),
      ...(cookie.secure === true ? { secure: true } : {}),
      ...(cookie.sameSite === undefined ? {} : { sameSite: cookie.sameSite }),
    },
  };
}

function nearestRedirect(code: number): number {
  return [301, 302, 303, 307, 308].includes(code) ? code : 301;
}
