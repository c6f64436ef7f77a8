import type { Namespace, Secret, ServiceAccount } from 'kubernetes-types/core/v1.d.ts';
import type { Ingress, NetworkPolicy } from 'kubernetes-types/networking/v1.d.ts';
import { forbidden, invalid, type FieldError } from '../../kube/field-error.ts';
import type { ApiContext } from '../api-context.ts';
import { equalJson, isJsonObject, type ApiObject } from '../api-object.ts';
import type { Strategy } from './strategy.ts';

/** Label that every namespace carries with its own name, so that policies can select it. */
const NAME_LABEL = 'kubernetes.io/metadata.name';

/** Namespaces that the cluster itself lives in. */
const IMMORTAL = new Set(['default', 'kube-public', 'kube-system']);

export const namespaceStrategy: Strategy = {
  nameRule: 'label',
  prepare: (draft, previous) => {
    const namespace = draft as unknown as Namespace;
    draft.metadata.labels = { ...draft.metadata.labels, [NAME_LABEL]: draft.metadata.name! };
    if (previous === undefined) {
      namespace.spec = { finalizers: ['kubernetes'] };
      draft['status'] = { phase: 'Active' };
      return;
    }
    // Only `/finalize` takes the finalizer of the namespace off.
    draft['spec'] = previous['spec'];
  },
  // Pods name the account `default` from the first moment; a controller restores it when it is deleted later.
  afterWrite: (stored, previous, context) => {
    if (previous === undefined) createDefaultAccount(stored.metadata.name!, context);
  },
  refusesDelete: (object) => (IMMORTAL.has(object.metadata.name!) ? 'this namespace may not be deleted' : undefined),
  onMarked: (draft) => {
    draft['status'] = { ...(draft as unknown as Namespace).status, phase: 'Terminating' };
  },
};

function createDefaultAccount(namespace: string, { store, surroundings }: ApiContext): void {
  if (store.get('/serviceaccounts', namespace, 'default') !== undefined) return;
  const metadata = { name: 'default', namespace, uid: surroundings.uuid(), creationTimestamp: surroundings.now() };
  store.put('/serviceaccounts', namespace, 'default', { apiVersion: 'v1', kind: 'ServiceAccount', metadata });
}

export const nodeStrategy: Strategy = { keepsStatus: true };

export const secretStrategy: Strategy = {
  prepare: (draft, previous) => {
    const secret = draft as unknown as Secret;
    secret.type ??= typeof previous?.['type'] === 'string' ? previous['type'] : 'Opaque';
    if (secret.stringData === undefined) return;
    const encoded = Object.entries(secret.stringData).map(([key, text]) => [key, base64(text)] as const);
    secret.data = { ...secret.data, ...Object.fromEntries(encoded) };
    delete secret.stringData;
  },
  validate: (draft, previous) => [
    ...immutableData(draft, previous),
    ...(previous !== undefined && draft['type'] !== previous['type']
      ? [invalid('type', draft['type'], 'field is immutable')]
      : []),
  ],
};

export const configMapStrategy: Strategy = { validate: (draft, previous) => immutableData(draft, previous) };

export const serviceAccountStrategy: Strategy = {
  prepare: (draft, previous) => {
    const account = draft as unknown as ServiceAccount;
    if (account.secrets === undefined && previous?.['secrets'] !== undefined) draft['secrets'] = previous['secrets'];
  },
};

/** A policy that says nothing of its types is about ingress, and about egress when it has egress rules. */
export const networkPolicyStrategy: Strategy = {
  prepare: (draft) => {
    const { spec } = draft as unknown as NetworkPolicy;
    if (spec === undefined) return;
    spec.podSelector ??= {};
    spec.policyTypes ??= (spec.egress ?? []).length > 0 ? ['Ingress', 'Egress'] : ['Ingress'];
    for (const { ports = [] } of [...(spec.ingress ?? []), ...(spec.egress ?? [])]) {
      for (const port of ports) port.protocol ??= 'TCP';
    }
  },
};

export const ingressStrategy: Strategy = {
  prepare: (draft, previous, context) => {
    const { spec } = draft as unknown as Ingress;
    if (previous !== undefined || spec === undefined || spec.ingressClassName !== undefined) return;
    if (draft.metadata.annotations?.['kubernetes.io/ingress.class'] !== undefined) return;
    const standard = context.store
      .list('networking.k8s.io/ingressclasses')
      .find(({ object }) => object.metadata.annotations?.['ingressclass.kubernetes.io/is-default-class'] === 'true');
    if (standard !== undefined) spec.ingressClassName = standard.name;
  },
};

export const roleStrategy: Strategy = { nameRule: 'path' };

const RBAC_GROUP = 'rbac.authorization.k8s.io';

export const roleBindingStrategy: Strategy = {
  nameRule: 'path',
  prepare: (draft) => {
    const roleRef = draft['roleRef'];
    if (isJsonObject(roleRef)) roleRef['apiGroup'] ??= RBAC_GROUP;
    for (const subject of Array.isArray(draft['subjects']) ? draft['subjects'] : []) {
      if (isJsonObject(subject) && subject['kind'] !== 'ServiceAccount') subject['apiGroup'] ??= RBAC_GROUP;
    }
  },
  validate: (draft, previous) =>
    previous === undefined || equalJson(draft['roleRef'], previous['roleRef'])
      ? []
      : [invalid('roleRef', draft['roleRef'], 'cannot change roleRef')],
};

export const priorityClassStrategy: Strategy = {
  prepare: (draft) => {
    draft['preemptionPolicy'] ??= 'PreemptLowerPriority';
    draft['value'] ??= 0;
  },
};

export const endpointSliceStrategy: Strategy = {
  prepare: (draft) => {
    for (const port of Array.isArray(draft['ports']) ? draft['ports'] : []) {
      if (!isJsonObject(port)) continue;
      port['name'] ??= '';
      port['protocol'] ??= 'TCP';
    }
    draft['endpoints'] ??= [];
  },
  validate: (draft, previous) =>
    previous === undefined || draft['addressType'] === previous['addressType']
      ? []
      : [invalid('addressType', draft['addressType'], 'field is immutable')],
};

export const endpointsStrategy: Strategy = {
  prepare: (draft) => {
    for (const subset of Array.isArray(draft['subsets']) ? draft['subsets'] : []) {
      for (const port of Array.isArray(subset?.ports) ? subset.ports : []) port.protocol ??= 'TCP';
    }
  },
};

function immutableData(draft: ApiObject, previous: ApiObject | undefined): FieldError[] {
  if (previous?.['immutable'] !== true) return [];
  const changed = ['data', 'binaryData', 'immutable'].filter((key) => !equalJson(draft[key], previous[key]));
  return changed.map((key) => forbidden(key, 'field is immutable when `immutable` is set'));
}

const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** RFC 4648 over the UTF-8 bytes of `text`; the core has neither Buffer nor btoa. */
function base64(text: string): string {
  const bytes = utf8(text);
  let out = '';
  for (let i = 0; i < bytes.length; i += 3) {
    const [a = 0, b = 0, c = 0] = bytes.slice(i, i + 3);
    const group = (a << 16) | (b << 8) | c;
    const digits = [18, 12, 6, 0].map((shift) => BASE64[(group >> shift) & 63]).join('');
    const left = bytes.length - i;
    out += left >= 3 ? digits : left === 2 ? `${digits.slice(0, 3)}=` : `${digits.slice(0, 2)}==`;
  }
  return out;
}

function utf8(text: string): number[] {
  const escaped = encodeURIComponent(text.toWellFormed());
  return (escaped.match(/%[0-9A-F]{2}|[^%]/g) ?? []).map((each) =>
    each.length === 3 ? Number.parseInt(each.slice(1), 16) : each.charCodeAt(0),
  );
}
