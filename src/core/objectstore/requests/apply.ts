import type { ApiContext, Target, WriteRequest } from '../api-context.ts';
import type { Json } from '../api-object.ts';
import { bucketOf } from '../resource-definition.ts';
import type { Entry } from '../versioned-store.ts';
import { create } from './create.ts';
import { decodeBody } from './decode-body.ts';
import { patch } from './patch.ts';
import type { WrittenPart } from './update.ts';

/** Server-side apply. */
export function apply(
  context: ApiContext,
  target: Target,
  body: Json,
  part: WrittenPart,
  request: WriteRequest & { readonly force: boolean },
): { readonly entry: Entry; readonly created: boolean } {
  const { definition, namespace, name } = target;
  const stored = context.store.get(bucketOf(definition), namespace, name);
  if (stored === undefined) {
    const draft = decodeBody(context, definition, body, request);
    return { entry: create(context, definition, namespace, draft, request), created: true };
  }
  return {
    entry: patch(context, target, definition.custom === undefined ? 'strategic' : 'merge', body, part, request),
    created: false,
  };
}
