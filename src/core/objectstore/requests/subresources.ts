import type { Pod } from 'kubernetes-types/core/v1.d.ts';
import { badRequest, conflict } from '../api-error.ts';
import type { ApiContext, Target, WriteRequest } from '../api-context.ts';
import { draftOf, isJsonObject, type ApiObject, type Json, type JsonObject } from '../api-object.ts';
import { bucketOf, type ResourceDefinition } from '../resource-definition.ts';
import type { Entry } from '../versioned-store.ts';
import { mergePatch } from '../patch/merge-patch.ts';
import { jsonPatch } from '../patch/json-patch.ts';
import type { PatchType } from './patch.ts';
import { existing, update } from './update.ts';

/** Success without an object, as `binding` and `eviction` answer. */
export const SUCCESS = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 } as const;

/** `POST pods/NAME/binding`: gives an unscheduled pod its node. */
export function bind(context: ApiContext, target: Target, body: Json): void {
  const node = at(body, 'target', 'name');
  if (typeof node !== 'string' || node === '') throw badRequest('a binding names its node in target.name');
  const entry = existing(context, target);
  const draft = draftOf(entry.object);
  const pod = draft as unknown as Pod;
  const uid = at(body, 'metadata', 'uid');
  if (typeof uid === 'string' && uid !== '' && uid !== pod.metadata?.uid) {
    throw conflict(target.definition, target.name, `Precondition failed: UID in precondition: ${uid}`);
  }
  if (pod.metadata?.deletionTimestamp !== undefined) {
    throw conflict(target.definition, target.name, `pod ${target.name} is being deleted, cannot be assigned to a host`);
  }
  if ((pod.spec?.nodeName ?? '') !== '') {
    throw conflict(
      target.definition,
      target.name,
      `pod ${target.name} is already assigned to node "${pod.spec!.nodeName}"`,
    );
  }
  pod.spec!.nodeName = node;
  const others = (pod.status?.conditions ?? []).filter((each) => each.type !== 'PodScheduled');
  const scheduled = { type: 'PodScheduled', status: 'True', lastTransitionTime: context.surroundings.now() };
  draft['status'] = { ...pod.status, conditions: [...others, scheduled] };
  context.store.put(bucketOf(target.definition), target.namespace, target.name, draft);
}

/** `PUT namespaces/NAME/finalize`: sets the finalizers of a namespace; taking the last off a deleted one removes it. */
export function finalize(context: ApiContext, target: Target, body: ApiObject): Entry {
  const draft = draftOf(existing(context, target).object);
  const spec = draft['spec'] as { finalizers?: unknown };
  const finalizers = at(body as unknown as Json, 'spec', 'finalizers');
  if (Array.isArray(finalizers) && finalizers.length > 0) spec.finalizers = finalizers;
  else delete spec.finalizers;
  if (spec.finalizers === undefined && draft.metadata.deletionTimestamp !== undefined) {
    if ((draft.metadata.finalizers?.length ?? 0) === 0) {
      return context.store.delete(bucketOf(target.definition), target.namespace, target.name, draft)!;
    }
  }
  return context.store.put(bucketOf(target.definition), target.namespace, target.name, draft);
}

/** The `autoscaling/v1` Scale of an object. */
export function scaleOf(definition: ResourceDefinition, object: ApiObject): ApiObject {
  const paths = definition.scale!;
  const source = object as unknown as Json;
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  return {
    apiVersion: 'autoscaling/v1',
    kind: 'Scale',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp } as ApiObject['metadata'],
    spec: { replicas: at(source, ...steps(paths.specReplicas)) ?? 0 },
    status: {
      replicas: at(source, ...steps(paths.statusReplicas)) ?? 0,
      ...selectorOf(source, paths.labelSelector),
    },
  };
}

function selectorOf(source: Json, path: string | undefined): { selector?: string } {
  const value = at(source, ...(path === undefined ? ['spec', 'selector'] : steps(path)));
  if (typeof value === 'string') return { selector: value };
  if (!isJsonObject(value)) return {};
  const labels = isJsonObject(value['matchLabels']) ? value['matchLabels'] : value;
  const clauses = Object.entries(labels).filter(([, each]) => typeof each === 'string');
  return { selector: clauses.map(([key, each]) => `${key}=${each as string}`).join(',') };
}

/** Replaces or patches the Scale of an object; only `spec.replicas` counts. */
export function setScale(
  context: ApiContext,
  target: Target,
  type: 'update' | PatchType,
  body: Json,
  request: WriteRequest,
): ApiObject {
  const { definition } = target;
  const { object } = existing(context, target);
  const current = scaleOf(definition, object) as unknown as Json;
  const wanted = type === 'update' ? body : type === 'json' ? jsonPatch(current, body) : mergePatch(current, body);
  const replicas = at(wanted, 'spec', 'replicas') ?? 0;
  if (typeof replicas !== 'number' || !Number.isInteger(replicas) || replicas < 0) {
    throw badRequest(`Scale: spec.replicas must be a whole number of at least 0, not ${JSON.stringify(replicas)}`);
  }
  const draft = draftOf(object);
  set(draft as unknown as JsonObject, steps(definition.scale!.specReplicas), replicas);
  const version = at(wanted, 'metadata', 'resourceVersion');
  const meta = draft.metadata as { resourceVersion?: string };
  if (typeof version === 'string' && version !== '') meta.resourceVersion = version;
  return scaleOf(definition, update(context, target, draft, 'main', request).object);
}

function steps(path: string): string[] {
  return path.replace(/^\./, '').split('.');
}

function at(value: Json | undefined, ...path: readonly string[]): Json | undefined {
  let current: Json | undefined = value;
  for (const step of path) current = isJsonObject(current) ? current[step] : undefined;
  return current;
}

function set(target: JsonObject, path: readonly string[], value: Json): void {
  let current = target;
  for (const step of path.slice(0, -1)) {
    const next = current[step];
    current = isJsonObject(next) ? next : (current[step] = {});
  }
  current[path.at(-1)!] = value;
}
