import { badRequest } from '../api-error.ts';
import { isJsonObject, type ApiObject, type Json } from '../api-object.ts';
import type { ApiContext, WriteRequest } from '../api-context.ts';
import { decodeCustom } from '../custom/decode-custom.ts';
import { apiVersionOf, type ResourceDefinition } from '../resource-definition.ts';
import { decode } from '../schema/decode.ts';
import type { Schema } from '../schema/schema.ts';

/**
 * Reads a request's JSON as an object of `definition`: typed, without unknown fields (an error, a warning or nothing, as
 * the client chose), with apiVersion and kind in place. Throws BadRequest in the words of the real server.
 */
export function decodeBody(
  context: ApiContext,
  definition: ResourceDefinition,
  body: Json,
  request: WriteRequest,
  duplicates: readonly string[] = [],
): ApiObject {
  if (!isJsonObject(body)) throw cannotHandle(definition, 'json: cannot unmarshal into an object');
  checkKind(definition, body);
  const typed =
    definition.custom === undefined
      ? decode(body, schemaOf(context, definition), context.schemas().definitions)
      : decodeCustom(body, definition.custom, context.schemas().definitions);
  if (typed.typeError !== undefined) throw cannotHandle(definition, typed.typeError);
  reportFields([...typed.unknownFields, ...duplicates], definition, request);
  const { metadata, ...rest } = typed.value as Record<string, unknown>;
  return {
    ...rest,
    apiVersion: apiVersionOf(definition),
    kind: definition.kind,
    metadata: isJsonObject(metadata) ? metadata : {},
  } as ApiObject;
}

/** The type of a built-in resource; a kind without one is taken as it is. */
export function schemaOf(context: ApiContext, { group, version, kind }: ResourceDefinition): Schema {
  return context.schemas().ofKind(group, version, kind) ?? {};
}

function reportFields(problems: readonly string[], definition: ResourceDefinition, request: WriteRequest): void {
  if (problems.length === 0 || request.fieldValidation === 'Ignore') return;
  if (request.fieldValidation === 'Warn') {
    request.warnings.push(...problems);
    return;
  }
  const strict = `strict decoding error: ${problems.join(', ')}`;
  throw definition.custom === undefined ? cannotHandle(definition, strict) : badRequest(strict);
}

function checkKind(definition: ResourceDefinition, body: Record<string, Json>): void {
  const { apiVersion, kind } = body;
  if (kind !== undefined && kind !== '' && kind !== definition.kind) {
    throw cannotHandle(definition, `the object's kind is ${JSON.stringify(kind)}, not "${definition.kind}"`);
  }
  const expected = apiVersionOf(definition);
  if (apiVersion !== undefined && apiVersion !== '' && apiVersion !== expected) {
    throw badRequest(
      `the API version in the data (${typeof apiVersion === 'string' ? apiVersion : JSON.stringify(apiVersion)}) does not match the expected API version (${expected})`,
    );
  }
}

function cannotHandle({ kind, version }: ResourceDefinition, why: string): Error {
  return badRequest(`${kind} in version "${version}" cannot be handled as a ${kind}: ${why}`);
}
