import {
  badRequest,
  existing,
  isJsonObject,
  notFound,
  type ApiObject,
  type Json,
  type Target,
} from '../../core/objectstore/index.ts';
import type { ServerContext, User } from './server-context.ts';
import { ISSUER, type TokenClaims } from './tokens.ts';

/** Seconds that a token lasts when the request does not say; the shortest that may be asked for is ten minutes. */
const DEFAULT_LIFETIME = 3600;
const SHORTEST_LIFETIME = 600;

/** Answers `POST serviceaccounts/NAME/token` (TokenRequest) with a signed token, bound to a pod if asked. */
export function issueToken(server: ServerContext, target: Target, body: Json): ApiObject {
  const account = existing(server.api, target).object;
  const spec = isJsonObject(body) && isJsonObject(body['spec']) ? body['spec'] : {};
  const seconds = spec['expirationSeconds'] ?? DEFAULT_LIFETIME;
  if (typeof seconds !== 'number' || seconds < SHORTEST_LIFETIME) {
    throw badRequest(
      `spec.expirationSeconds: Invalid value: ${JSON.stringify(seconds)}: may not specify a duration less than 10 minutes`,
    );
  }
  const audiences =
    Array.isArray(spec['audiences']) && spec['audiences'].length > 0 ? spec['audiences'].map(String) : [ISSUER];
  const pod = boundPod(server, target.namespace, spec['boundObjectRef']);
  const iat = Math.floor(server.nowMs() / 1000);
  const claims: TokenClaims = {
    iss: ISSUER,
    sub: `system:serviceaccount:${target.namespace}:${target.name}`,
    aud: audiences,
    iat,
    exp: iat + seconds,
    'kubernetes.io': {
      namespace: target.namespace,
      serviceaccount: { name: target.name, uid: account.metadata.uid! },
      ...(pod === undefined ? {} : { pod }),
    },
  };
  return {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    metadata: { name: target.name, namespace: target.namespace, creationTimestamp: server.api.surroundings.now() },
    spec: { audiences, expirationSeconds: seconds, boundObjectRef: spec['boundObjectRef'] ?? null },
    status: { token: server.signer.sign(claims), expirationTimestamp: server.api.surroundings.now(seconds) },
  };
}

function boundPod(
  server: ServerContext,
  namespace: string,
  ref: Json | undefined,
): { name: string; uid: string } | undefined {
  if (!isJsonObject(ref) || ref['kind'] !== 'Pod') return undefined;
  const name = typeof ref['name'] === 'string' ? ref['name'] : '';
  const pod = server.api.store.get('/pods', namespace, name)?.object;
  if (pod === undefined) throw notFound({ group: '', plural: 'pods' }, name);
  return { name, uid: pod.metadata.uid! };
}

/** The user of a token, when it is ours, current, and what it is bound to still exists. */
export function userOfToken(server: ServerContext, token: string): User | undefined {
  const claims = server.signer.verify(token, Math.floor(server.nowMs() / 1000));
  if (claims === undefined) return undefined;
  const bound = claims['kubernetes.io'];
  if (bound === undefined) {
    return { name: claims.sub, groups: [...(claims.groups ?? []), 'system:authenticated'] };
  }
  const { namespace, serviceaccount, pod } = bound;
  const { store } = server.api;
  const account = store.get('/serviceaccounts', namespace, serviceaccount.name)?.object;
  if (account?.metadata.uid !== serviceaccount.uid) return undefined;
  if (pod !== undefined && store.get('/pods', namespace, pod.name)?.object.metadata.uid !== pod.uid) return undefined;
  return {
    name: claims.sub,
    uid: serviceaccount.uid,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
  };
}
