import type { ManagedFieldsEntry } from 'kubernetes-types/meta/v1.d.ts';
import { admit } from '../admission/admit.ts';
import { alreadyExists, ApiError, badRequest, forbidden, invalidObject, notFound } from '../api-error.ts';
import type { ApiContext, WriteRequest } from '../api-context.ts';
import type { ApiObject } from '../api-object.ts';
import { randomSuffix } from '../clock.ts';
import { bucketOf, type ResourceDefinition } from '../resource-definition.ts';
import { entryOf, type Entry } from '../versioned-store.ts';
import { required } from '../../kube/field-error.ts';

/** Kubernetes cuts the base of a generated name so that five random characters fit into 63. */
const LONGEST_GENERATED_BASE = 58;

/** Stores a new object: names, identity, defaults, validation, allocation. `draft` is taken over and changed. */
export function create(
  context: ApiContext,
  definition: ResourceDefinition,
  namespace: string,
  draft: ApiObject,
  request: WriteRequest,
  managedFields?: ManagedFieldsEntry[],
): Entry {
  checkNamespace(context, definition, namespace, draft);
  initialise(context, definition, namespace, draft);
  if (managedFields !== undefined) draft.metadata.managedFields = managedFields;
  const name = draft.metadata.name!;
  const bucket = bucketOf(definition);
  if (context.store.get(bucket, namespace, name) !== undefined) throw alreadyExists(definition, name);
  const strategy = admit(context, definition, draft, undefined, request);
  if (request.dryRun) return entryOf(namespace, name, draft, context.store.revision);
  const stored = context.store.put(bucket, namespace, name, draft);
  strategy.afterWrite?.(stored.object, undefined, context);
  return stored;
}

function checkNamespace(
  context: ApiContext,
  definition: ResourceDefinition,
  namespace: string,
  draft: ApiObject,
): void {
  const given = draft.metadata.namespace ?? '';
  if (!definition.namespaced) {
    if (given !== '') throw badRequest('namespace may not be set on a cluster-scoped object');
    return;
  }
  if (namespace === '') throw badRequest('an empty namespace may not be set during creation');
  if (given !== '' && given !== namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
  const home = context.store.get('/namespaces', '', namespace);
  if (home === undefined) throw notFound({ group: '', plural: 'namespaces' }, namespace);
  if (home.object.metadata.deletionTimestamp === undefined) return;
  const refusal = forbidden(
    definition,
    draft.metadata.name ?? draft.metadata.generateName ?? '',
    `unable to create new content in namespace ${namespace} because it is being terminated`,
  );
  throw new ApiError('Forbidden', refusal.message, {
    ...refusal.status.details,
    causes: [
      {
        reason: 'NamespaceTerminating',
        message: `namespace ${namespace} is being terminated`,
        field: 'metadata.namespace',
      },
    ],
  });
}

function initialise(context: ApiContext, definition: ResourceDefinition, namespace: string, draft: ApiObject): void {
  const { surroundings } = context;
  const meta = draft.metadata as Record<string, unknown>;
  if (meta['resourceVersion'] !== undefined && meta['resourceVersion'] !== '') {
    throw badRequest('resourceVersion should not be set on objects to be created');
  }
  for (const key of ['selfLink', 'deletionTimestamp', 'deletionGracePeriodSeconds', 'generation', 'managedFields']) {
    delete meta[key];
  }
  if ((meta['name'] ?? '') === '') {
    const base = meta['generateName'];
    if (typeof base !== 'string' || base === '') {
      throw invalidObject(definition, '', [required('metadata.name', 'name or generateName is required')]);
    }
    meta['name'] = base.slice(0, LONGEST_GENERATED_BASE) + randomSuffix(5, surroundings.random);
  }
  meta['uid'] = surroundings.uuid();
  meta['creationTimestamp'] = surroundings.now();
  if (definition.namespaced) meta['namespace'] = namespace;
  if (definition.generation || definition.custom !== undefined) meta['generation'] = 1;
}
