import { convertObject } from '../../kube/convert/convert-object.ts';
import { badRequest } from '../api-error.ts';
import { isJsonObject, type ApiObject, type Json, type JsonObject } from '../api-object.ts';
import type { ApiContext, WriteRequest } from '../api-context.ts';
import { decodeCustom } from '../custom/decode-custom.ts';
import { apiVersionOf, storedVersionOf, type ResourceDefinition } from '../resource-definition.ts';
import { decode } from '../schema/decode.ts';
import type { Schema } from '../schema/schema.ts';

/**
 * Reads a request's JSON as an object of `definition`: typed, without unknown fields (an error, a warning or nothing, as
 * the client chose), with apiVersion and kind in place, an old version brought to the one it is kept in. Throws
 * BadRequest in the words of the real server.
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
  const current = definition.storedAs === undefined ? body : converted(definition, body);
  const typed =
    definition.custom === undefined
      ? decode(current, schemaOf(context, definition), context.schemas().definitions)
      : decodeCustom(current, definition.custom, context.schemas().definitions);
  if (typed.typeError !== undefined) throw cannotHandle(definition, typed.typeError);
  reportFields([...typed.unknownFields, ...duplicates], definition, request);
  const { metadata, ...rest } = typed.value as Record<string, unknown>;
  return {
    ...rest,
    apiVersion: storedVersionOf(definition),
    kind: definition.kind,
    metadata: isJsonObject(metadata) ? metadata : {},
  } as ApiObject;
}

function converted(definition: ResourceDefinition, body: JsonObject): JsonObject {
  const conversion = convertObject({ ...body, apiVersion: apiVersionOf(definition), kind: definition.kind });
  if (conversion.kind === 'converted') return conversion.object as JsonObject;
  const problems = conversion.kind === 'refused' ? conversion.problems : [];
  throw cannotHandle(definition, problems.map(({ path, message }) => `${path} ${message}`).join(', '));
}

/** The type in which objects of a built-in resource are kept; a kind without one is taken as it is. */
export function schemaOf(context: ApiContext, definition: ResourceDefinition): Schema {
  const { kind, storedAs: { group, version } = definition } = definition;
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
