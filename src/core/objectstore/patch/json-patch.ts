import { applyPatch, type Operation } from 'rfc6902';
import { ApiError, badRequest } from '../api-error.ts';
import { draftOf, isJsonObject, type Json } from '../api-object.ts';

/** RFC 6902. The target is not changed. An operation that cannot be applied is an ApiError with reason Invalid. */
export function jsonPatch(target: Json, patch: Json): Json {
  if (!Array.isArray(patch) || !patch.every(isJsonObject)) {
    throw badRequest('error decoding patch: a JSON patch is a list of operations');
  }
  const result = { root: draftOf(target) };
  // `rfc6902` cannot replace the whole document in place, so the document hangs under a key.
  const operations = patch.map((operation) => ({
    ...operation,
    path: `/root${text(operation['path'])}`,
    ...(operation['from'] === undefined ? {} : { from: `/root${text(operation['from'])}` }),
  })) as unknown as Operation[];
  const failed = applyPatch(result, operations).findIndex((error) => error !== null);
  if (failed >= 0) {
    const operation = patch[failed]!;
    throw new ApiError(
      'Invalid',
      `the server rejected our request due to an error in our request: ${text(operation['op'])} operation does not apply: path ${text(operation['path'])} is missing or its value does not match`,
    );
  }
  return result.root;
}

function text(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}
