import { strategyOf } from '../admission/strategies.ts';
import { conflict, forbidden } from '../api-error.ts';
import type { ApiContext, Target } from '../api-context.ts';
import { draftOf, type ApiObject } from '../api-object.ts';
import { bucketOf } from '../resource-definition.ts';
import type { Entry } from '../versioned-store.ts';
import { existing } from './update.ts';

/** `metav1.DeleteOptions`, as far as it matters here. */
export interface DeleteRequest {
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: string;
  readonly orphanDependents?: boolean;
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly dryRun?: boolean;
}

/** `removed`: gone from the store. Otherwise the object waits for finalizers or a graceful end. */
export interface Deletion {
  readonly removed: boolean;
  readonly entry: Entry;
}

/** Deletes an object, or marks it deleted while finalizers or a grace period hold it. */
export function remove(context: ApiContext, target: Target, request: DeleteRequest): Deletion {
  const entry = existing(context, target);
  checkPreconditions(target, entry, request);
  const refusal = strategyOf(target.definition).refusesDelete?.(entry.object);
  if (refusal !== undefined) throw forbidden(target.definition, target.name, refusal);
  if (request.dryRun === true) return { removed: true, entry };
  const { definition, namespace, name } = target;
  const bucket = bucketOf(definition);
  const draft = draftOf(entry.object);
  setFinalizers(draft, request);
  const grace = strategyOf(definition).gracePeriod?.(draft, request.gracePeriodSeconds) ?? 0;
  const held = (draft.metadata.finalizers?.length ?? 0) > 0 || isHeldNamespace(draft);
  if (grace === 0 && !held) {
    const removed = context.store.delete(bucket, namespace, name) ?? entry;
    strategyOf(definition).afterDelete?.(removed.object, context);
    return { removed: true, entry: removed };
  }
  return { removed: false, entry: mark(context, target, entry, draft, grace) };
}

function checkPreconditions({ definition, name }: Target, entry: Entry, { preconditions }: DeleteRequest): void {
  const { uid, resourceVersion } = entry.object.metadata;
  if (preconditions?.uid !== undefined && preconditions.uid !== uid) {
    throw conflict(
      definition,
      name,
      `Precondition failed: UID in precondition: ${preconditions.uid}, UID in object meta: ${uid}`,
    );
  }
  if (preconditions?.resourceVersion !== undefined && preconditions.resourceVersion !== resourceVersion) {
    throw conflict(
      definition,
      name,
      `Precondition failed: ResourceVersion in precondition: ${preconditions.resourceVersion}, ResourceVersion in object meta: ${resourceVersion}`,
    );
  }
}

const FOREGROUND = 'foregroundDeletion';
const ORPHAN = 'orphan';

/** Dependents are the garbage collector's work; these finalizers tell it what the client wants. */
function setFinalizers(draft: ApiObject, request: DeleteRequest): void {
  const policy = request.propagationPolicy ?? (request.orphanDependents === true ? 'Orphan' : undefined);
  if (policy === undefined) return;
  const others = (draft.metadata.finalizers ?? []).filter((each) => each !== FOREGROUND && each !== ORPHAN);
  const wanted = policy === 'Foreground' ? [...others, FOREGROUND] : policy === 'Orphan' ? [...others, ORPHAN] : others;
  if (wanted.length > 0) draft.metadata.finalizers = wanted;
  else delete draft.metadata.finalizers;
}

function isHeldNamespace(object: ApiObject): boolean {
  const spec = object['spec'] as { finalizers?: readonly string[] } | undefined;
  return object.kind === 'Namespace' && (spec?.finalizers?.length ?? 0) > 0;
}

function mark(context: ApiContext, target: Target, entry: Entry, draft: ApiObject, grace: number): Entry {
  const { surroundings, store } = context;
  const { deletionTimestamp, deletionGracePeriodSeconds } = entry.object.metadata;
  const sooner = deletionTimestamp === undefined || grace < (deletionGracePeriodSeconds ?? 0);
  if (sooner) {
    const meta = draft.metadata as Record<string, unknown>;
    meta['deletionTimestamp'] = surroundings.now(grace);
    meta['deletionGracePeriodSeconds'] = grace;
    if (draft.metadata.generation !== undefined && deletionTimestamp === undefined)
      meta['generation'] = draft.metadata.generation + 1;
  }
  strategyOf(target.definition).onMarked?.(draft);
  if (JSON.stringify(draft) === entry.json) return entry;
  return store.put(bucketOf(target.definition), target.namespace, target.name, draft);
}
