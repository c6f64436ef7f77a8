import { ApiError, badRequest, expired } from '../api-error.ts';
import type { ApiContext } from '../api-context.ts';
import { bucketOf, type ResourceDefinition } from '../resource-definition.ts';
import { selectionTest, type Selection } from '../select/selection.ts';
import type { Entry } from '../versioned-store.ts';

/** What a list request asks for, beside the selection. */
export interface ListRequest extends Selection {
  readonly limit?: number;
  readonly continue?: string;
}

/** One page, with the version to watch from. */
export interface Page {
  readonly entries: readonly Entry[];
  readonly revision: number;
  readonly continue?: string;
  readonly remaining?: number;
}

/**
 * Lists by namespace and name. Later pages show the present state but carry the version of the first, so that a watch
 * from there repeats rather than misses changes.
 */
export function list(context: ApiContext, definition: ResourceDefinition, request: ListRequest): Page {
  const { store } = context;
  const test = selectionTest(definition, request);
  let entries = store.list(bucketOf(definition), request.namespace).filter((entry) => test(entry.object));
  const start = request.continue === undefined || request.continue === '' ? undefined : readToken(request.continue);
  const revision = start?.revision ?? store.revision;
  if (start !== undefined) {
    if (revision > store.revision) throw expired(revision, store.revision);
    entries = entries.filter((entry) => keyOf(entry) > start.after);
  }
  const limit = request.limit ?? 0;
  if (limit <= 0 || entries.length <= limit) return { entries, revision };
  const page = entries.slice(0, limit);
  return {
    entries: page,
    revision,
    continue: writeToken(revision, keyOf(page.at(-1)!)),
    remaining: entries.length - limit,
  };
}

/** Orders like the store: a namespace's objects stand together. U+0001 sorts before everything a name may hold. */
function keyOf({ namespace, name }: Entry): string {
  return `${namespace}\u0001${name}`;
}

function writeToken(revision: number, after: string): string {
  return encodeURIComponent(JSON.stringify([revision, after]));
}

function readToken(token: string): { readonly revision: number; readonly after: string } {
  try {
    const [revision, after] = JSON.parse(decodeURIComponent(token)) as unknown[];
    if (typeof revision === 'number' && typeof after === 'string') return { revision, after };
  } catch (error) {
    if (error instanceof ApiError) throw error;
  }
  throw badRequest('continue key is not valid: it does not come from this server');
}
