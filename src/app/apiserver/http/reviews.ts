import {
  authorize,
  isJsonObject,
  rulesFor,
  type AccessAttributes,
  type ApiObject,
  type JsonObject,
} from '../../../core/objectstore/index.ts';
import { userOfToken } from '../service-account-token.ts';
import type { User } from '../server-context.ts';
import { readBody } from './read-body.ts';
import type { Call } from './call.ts';

/** Answers the resources that are questions rather than objects; undefined for all others. */
export async function review(call: Call): Promise<ApiObject | undefined> {
  const { definition, user } = call;
  if (definition.group !== 'authorization.k8s.io' && definition.group !== 'authentication.k8s.io') return undefined;
  const { value: parsed } = await readBody(call.request);
  const body = isJsonObject(parsed) ? parsed : {};
  const spec = isJsonObject(body['spec']) ? body['spec'] : {};
  const answer = (status: object): ApiObject => ({
    apiVersion: `${definition.group}/v1`,
    kind: definition.kind,
    metadata: {},
    spec,
    status,
  });
  switch (definition.kind) {
    case 'SelfSubjectAccessReview':
      return answer(access(call, user, spec));
    case 'SubjectAccessReview':
    case 'LocalSubjectAccessReview':
      return answer(access(call, subjectOf(spec), spec));
    case 'SelfSubjectRulesReview':
      return answer(rules(call, typeof spec['namespace'] === 'string' ? spec['namespace'] : ''));
    case 'SelfSubjectReview':
      return answer({ userInfo: userInfo(user) });
    case 'TokenReview':
      return answer(tokenReview(call, text(spec, 'token')));
    default:
      return undefined;
  }
}

function access(call: Call, user: User, spec: JsonObject): object {
  const reason = authorize(call.server.api.store, user, attributesOf(spec));
  return reason === undefined ? { allowed: false } : { allowed: true, reason };
}

function attributesOf(spec: JsonObject): AccessAttributes {
  const plain = spec['nonResourceAttributes'];
  if (isJsonObject(plain)) return { verb: text(plain, 'verb'), path: text(plain, 'path') };
  const asked = isJsonObject(spec['resourceAttributes']) ? spec['resourceAttributes'] : {};
  const subresource = text(asked, 'subresource');
  return {
    verb: text(asked, 'verb'),
    group: text(asked, 'group'),
    resource: subresource === '' ? text(asked, 'resource') : `${text(asked, 'resource')}/${subresource}`,
    namespace: text(asked, 'namespace'),
    name: text(asked, 'name'),
  };
}

function subjectOf(spec: JsonObject): User {
  const groups = Array.isArray(spec['groups']) ? spec['groups'].map(String) : [];
  return { name: text(spec, 'user'), groups };
}

function rules({ server, user }: Call, namespace: string): object {
  const everything = user.groups.includes('system:masters');
  const found = everything
    ? [
        { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
        { verbs: ['*'], nonResourceURLs: ['*'] },
      ]
    : [...rulesFor(server.api.store, user, namespace)].flatMap((each) => each.rules);
  return {
    resourceRules: found.filter((each) => !('nonResourceURLs' in each) || each.nonResourceURLs === undefined),
    nonResourceRules: found.filter((each) => 'nonResourceURLs' in each && each.nonResourceURLs !== undefined),
    incomplete: false,
  };
}

function userInfo({ name, uid, groups }: User): object {
  return { username: name, ...(uid === undefined ? {} : { uid }), groups };
}

function tokenReview({ server }: Call, token: string): object {
  const user = userOfToken(server, token);
  return user === undefined
    ? { authenticated: false, error: 'the token is unknown, expired or its account is gone' }
    : { authenticated: true, user: userInfo(user) };
}

function text(from: JsonObject, key: string): string {
  return typeof from[key] === 'string' ? from[key] : '';
}
