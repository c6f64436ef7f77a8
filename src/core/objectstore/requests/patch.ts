import { ApiError, badRequest } from '../api-error.ts';
import type { ApiContext, Target, WriteRequest } from '../api-context.ts';
import type { ApiObject, Json } from '../api-object.ts';
import { jsonPatch } from '../patch/json-patch.ts';
import { mergePatch } from '../patch/merge-patch.ts';
import { strategicMerge } from '../patch/strategic-merge.ts';
import { apiVersionOf } from '../resource-definition.ts';
import type { Entry } from '../versioned-store.ts';
import { decodeBody, schemaOf } from './decode-body.ts';
import { asServed } from './served.ts';
import type { WrittenPart } from './managed-fields.ts';
import { existing, update } from './update.ts';

/** How a patch is to be read. Server-side apply is `apply.ts`. */
export type PatchType = 'json' | 'merge' | 'strategic';

/** Applies a patch to the stored object and updates it; the patch may name the resourceVersion it expects. */
export function patch(
  context: ApiContext,
  target: Target,
  type: PatchType,
  body: Json,
  part: WrittenPart,
  request: WriteRequest,
): Entry {
  const { definition } = target;
  const current = asServed(existing(context, target).object, definition) as unknown as Json;
  const patched = applyTo(context, target, type, current, body);
  const draft = decodeBody(context, definition, patched, request);
  // A custom resource's patch is always on top of the current version: the stored object was read just now.
  if (draft.metadata.resourceVersion === undefined) {
    (draft.metadata as { resourceVersion?: string }).resourceVersion = (
      current as unknown as ApiObject
    ).metadata.resourceVersion!;
  }
  return update(context, target, draft, part, request);
}

function applyTo(context: ApiContext, { definition }: Target, type: PatchType, current: Json, body: Json): Json {
  switch (type) {
    case 'json':
      return jsonPatch(current, body);
    case 'merge':
      checkObject(body);
      return mergePatch(current, body);
    case 'strategic':
      checkObject(body);
      if (definition.custom !== undefined) {
        throw new ApiError(
          'UnsupportedMediaType',
          `the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml (${apiVersionOf(definition)} ${definition.kind} is a custom resource)`,
        );
      }
      return strategicMerge(current, body, schemaOf(context, definition), context.schemas().definitions);
  }
}

function checkObject(body: Json): void {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw badRequest('error decoding patch: the patch is not an object');
  }
}
