import { admit } from '../admission/admit.ts';
import { strategyOf } from '../admission/strategies.ts';
import { badRequest, conflict, invalidObject, notFound } from '../api-error.ts';
import type { ApiContext, Target, WriteRequest } from '../api-context.ts';
import { equalJson, type ApiObject } from '../api-object.ts';
import { bucketOf } from '../resource-definition.ts';
import { entryOf, type Entry } from '../versioned-store.ts';
import { trackUpdate, type WrittenPart } from './managed-fields.ts';
import { invalid } from '../../kube/field-error.ts';

/**
 * Replaces an object by `draft` (which is taken over and changed). An update that changes nothing keeps the version; one
 * that takes the last finalizer off a deleted object removes it.
 */
export function update(
  context: ApiContext,
  target: Target,
  draft: ApiObject,
  part: WrittenPart,
  request: WriteRequest,
): Entry {
  const previous = existing(context, target);
  checkIdentity(target, draft, previous);
  keepIdentity(draft, previous.object);
  keepOtherPart(target, draft, previous.object, part);
  const strategy = admit(context, target.definition, draft, previous.object, request, part);
  countGeneration(target, draft, previous.object);
  if (draft.metadata.managedFields === previous.object.metadata.managedFields) {
    trackUpdate(context, target.definition, draft, previous.object, part, request);
  }
  if (equalJson(draft, previous.object)) return previous;
  if (request.dryRun) return entryOf(target.namespace, target.name, draft, previous.revision);
  if (isFinished(draft)) return removeFinished(context, target, draft);
  const stored = context.store.put(bucketOf(target.definition), target.namespace, target.name, draft);
  strategy.afterWrite?.(stored.object, previous.object, context);
  return stored;
}

/** The stored object, or NotFound. */
export function existing(context: ApiContext, { definition, namespace, name }: Target): Entry {
  const entry = context.store.get(bucketOf(definition), namespace, name);
  if (entry === undefined) throw notFound(definition, name);
  return entry;
}

function checkIdentity(target: Target, draft: ApiObject, previous: Entry): void {
  const { name, namespace, uid, resourceVersion } = draft.metadata;
  if (name !== undefined && name !== '' && name !== target.name) {
    throw badRequest(`the name of the object (${name}) does not match the name on the URL (${target.name})`);
  }
  if (namespace !== undefined && namespace !== '' && namespace !== target.namespace) {
    throw badRequest(
      `the namespace of the object (${namespace}) does not match the namespace on the URL (${target.namespace})`,
    );
  }
  if (uid !== undefined && uid !== '' && uid !== previous.object.metadata.uid) {
    throw conflict(
      target.definition,
      target.name,
      `StorageError: invalid object, Code: 4, Precondition failed: UID in precondition: ${uid}, UID in object meta: ${previous.object.metadata.uid}`,
    );
  }
  if (resourceVersion === undefined || resourceVersion === '' || resourceVersion === '0') {
    if (target.definition.custom === undefined) return;
    throw invalidObject(target.definition, target.name, [
      invalid('metadata.resourceVersion', 0, 'must be specified for an update'),
    ]);
  }
  if (resourceVersion !== String(previous.revision)) {
    throw conflict(
      target.definition,
      target.name,
      'the object has been modified; please apply your changes to the latest version and try again',
    );
  }
}

/** What no write changes: identity, age and the course of a deletion. */
function keepIdentity(draft: ApiObject, previous: ApiObject): void {
  const meta = draft.metadata as Record<string, unknown>;
  const old = previous.metadata as Record<string, unknown>;
  for (const key of [
    'name',
    'namespace',
    'uid',
    'creationTimestamp',
    'deletionTimestamp',
    'deletionGracePeriodSeconds',
    'generation',
    'generateName',
    'resourceVersion',
  ]) {
    if (old[key] === undefined) delete meta[key];
    else meta[key] = old[key];
  }
  delete meta['selfLink'];
  // A client that sends the books back unread changes nothing in them.
  if (equalJson(meta['managedFields'], old['managedFields']) || meta['managedFields'] === undefined) {
    if (old['managedFields'] === undefined) delete meta['managedFields'];
    else meta['managedFields'] = old['managedFields'];
  }
}

function keepOtherPart({ definition }: Target, draft: ApiObject, previous: ApiObject, part: WrittenPart): void {
  if (!definition.subresources.includes('status')) return;
  if (part === 'main') {
    restore(draft, previous, 'status');
    return;
  }
  for (const key of new Set([...Object.keys(draft), ...Object.keys(previous)])) {
    if (key !== 'status' && key !== 'metadata') restore(draft, previous, key);
  }
  // A custom resource's status write changes no metadata but managed fields.
  if (definition.custom !== undefined) draft.metadata = { ...previous.metadata };
}

function restore(draft: ApiObject, previous: ApiObject, key: string): void {
  if (previous[key] === undefined) delete draft[key];
  else draft[key] = previous[key];
}

function countGeneration({ definition }: Target, draft: ApiObject, previous: ApiObject): void {
  if (!definition.generation && definition.custom === undefined) return;
  const hasStatus = definition.subresources.includes('status');
  const substance = ({ metadata: _metadata, status, ...rest }: ApiObject): unknown =>
    hasStatus ? rest : { ...rest, status };
  if (equalJson(substance(draft), substance(previous))) return;
  (draft.metadata as { generation?: number }).generation = (previous.metadata.generation ?? 0) + 1;
}

/** Deleted, nothing holds it any more, and nobody has to shut it down gracefully. */
function isFinished(object: ApiObject): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds, finalizers } = object.metadata;
  const spec = object['spec'] as { finalizers?: readonly string[] } | undefined;
  const held = (finalizers?.length ?? 0) > 0 || (object.kind === 'Namespace' && (spec?.finalizers?.length ?? 0) > 0);
  return deletionTimestamp !== undefined && !held && (deletionGracePeriodSeconds ?? 0) === 0;
}

function removeFinished(context: ApiContext, { definition, namespace, name }: Target, last: ApiObject): Entry {
  const removed = context.store.delete(bucketOf(definition), namespace, name, last);
  strategyOf(definition).afterDelete?.(last, context);
  return removed ?? entryOf(namespace, name, last, context.store.revision);
}
