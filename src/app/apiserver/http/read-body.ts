import { parse as parseYaml } from 'yaml';
import { ApiError, badRequest, duplicateFields, type Json } from '../../../core/objectstore/index.ts';
import { decodeProtobuf } from '../protobuf/decode-protobuf.ts';
import { contentType, parseJson, readBytes, type Request } from './exchange.ts';

/** A request's body as JSON, with the fields that its text had twice. */
export interface Body {
  readonly value: Json;
  readonly duplicates: readonly string[];
}

/** Reads a body of any type that the API takes; an empty one is an empty object. */
export async function readBody(request: Request): Promise<Body> {
  const type = contentType(request);
  const bytes = await readBytes(request);
  if (bytes.length === 0) return { value: {}, duplicates: [] };
  if (type === 'application/vnd.kubernetes.protobuf') return { value: decodeProtobuf(bytes), duplicates: [] };
  const text = bytes.toString('utf8');
  if (type === 'application/yaml') return { value: parseYamlText(text), duplicates: [] };
  if (type !== '' && !type.endsWith('json') && type !== 'application/x-www-form-urlencoded') {
    throw new ApiError(
      'UnsupportedMediaType',
      'the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf',
    );
  }
  return { value: parseJson(text) as Json, duplicates: duplicateFields(text) };
}

/** Parses a YAML body. */
export function parseYamlText(text: string): Json {
  try {
    return parseYaml(text) as Json;
  } catch (error) {
    throw badRequest(`error decoding YAML: ${String(error)}`);
  }
}
