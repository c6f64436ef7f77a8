import { badRequest, type Json, type JsonObject } from '../../../core/objectstore/index.ts';
import { ProtoReader } from '../../../host/protobuf/proto-reader.ts';
import { MESSAGES } from './messages.ts';

/** `k8s\0`, then a `runtime.Unknown` (k8s.io/apimachinery/pkg/runtime/serializer/protobuf). */
const MAGIC = Buffer.from([0x6b, 0x38, 0x73, 0x00]);

/** Reads a Kubernetes protobuf body as the JSON that it stands for; throws BadRequest when it is not one or not known. */
export function decodeProtobuf(body: Buffer): JsonObject {
  if (!body.subarray(0, 4).equals(MAGIC)) throw badRequest('provided data does not appear to be a protobuf message');
  try {
    return decodeUnknown(body.subarray(MAGIC.length));
  } catch (error) {
    throw error instanceof RangeError ? badRequest(`protobuf: ${error.message}`) : error;
  }
}

function decodeUnknown(body: Buffer): JsonObject {
  let apiVersion = '';
  let kind = '';
  let raw: Buffer = Buffer.alloc(0);
  for (const { number, bytes } of new ProtoReader(body).fields()) {
    if (number === 2) raw = bytes;
    if (number !== 1) continue;
    for (const field of new ProtoReader(bytes).fields()) {
      if (field.number === 1) apiVersion = field.bytes.toString('utf8');
      if (field.number === 2) kind = field.bytes.toString('utf8');
    }
  }
  const message = messages().get(messageName(apiVersion, kind));
  if (message === undefined)
    throw badRequest(`no kind "${kind}" of version "${apiVersion}" is known in protobuf form; send JSON`);
  return { apiVersion, kind, ...decodeMessage(raw, message) };
}

/** `rbac.authorization.k8s.io/v1` Role → `rbac.v1.Role`. DeleteOptions come in the version of what is deleted. */
function messageName(apiVersion: string, kind: string): string {
  if (kind === 'DeleteOptions') return 'meta.DeleteOptions';
  const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') : ['core', apiVersion];
  return `${group!.split('.')[0]}.${version}.${kind}`;
}

interface Field {
  readonly name: string;
  readonly shape: ':' | '*' | '{';
  readonly type: string;
}

type Message = ReadonlyMap<number, Field>;

let parsed: ReadonlyMap<string, Message> | undefined;

/** The table, parsed when the first such body arrives: most servers never see one. */
function messages(): ReadonlyMap<string, Message> {
  parsed ??= new Map(
    MESSAGES.trim()
      .split('\n')
      .map((line) => {
        const [name, ...fields] = line.split(' ');
        return [name!, new Map(fields.map(parseField))] as const;
      }),
  );
  return parsed;
}

function parseField(text: string): [number, Field] {
  const match = /^(\w+)=(\d+)([:*{])(.+)$/.exec(text)!;
  return [Number(match[2]), { name: match[1]!, shape: match[3] as Field['shape'], type: match[4]! }];
}

/** Go structs that are embedded: their fields stand in the JSON of the outer one. */
const INLINE = new Set([
  'volumeSource',
  'localObjectReference',
  'handler',
  'ephemeralContainerCommon',
  'ingressRuleValue',
]);

/** Numbers that are pointers in Go: a zero of theirs was really said. */
const MEANT_ZEROS = new Set([
  'replicas',
  'parallelism',
  'completions',
  'backoffLimit',
  'gracePeriodSeconds',
  'terminationGracePeriodSeconds',
  'ttlSecondsAfterFinished',
  'revisionHistoryLimit',
  'value',
]);

function decodeMessage(bytes: Buffer, message: Message): JsonObject {
  const result: JsonObject = {};
  for (const entry of new ProtoReader(bytes).fields()) {
    const field = message.get(entry.number);
    if (field === undefined) continue;
    const { name, shape, type } = field;
    if (shape === '{') {
      const [key, value] = decodeMapEntry(entry.bytes, type);
      result[name] = { ...(result[name] as JsonObject | undefined), [key]: value };
      continue;
    }
    const value = decodeValue(type, entry.bytes, entry.varint);
    if (shape === '*') result[name] = [...((result[name] as Json[] | undefined) ?? []), value ?? ''];
    else if (INLINE.has(name)) Object.assign(result, value);
    else if (!isUnset(name, value)) result[name] = value!;
  }
  return result;
}

/** Go always writes what is no pointer, so an empty value says nothing. */
function isUnset(name: string, value: Json | undefined): boolean {
  if (value === undefined || value === '' || value === false) return true;
  return value === 0 && !MEANT_ZEROS.has(name);
}

function decodeMapEntry(bytes: Buffer, type: string): readonly [string, Json] {
  let key = '';
  let value: Json = type === 'bytes' || type === 'string' ? '' : {};
  for (const entry of new ProtoReader(bytes).fields()) {
    if (entry.number === 1) key = entry.bytes.toString('utf8');
    if (entry.number === 2) value = decodeValue(type, entry.bytes, entry.varint) ?? '';
  }
  return [key, value];
}

function decodeValue(type: string, bytes: Buffer, varint: number): Json | undefined {
  switch (type) {
    case 'string':
      return bytes.toString('utf8');
    case 'bytes':
      return bytes.toString('base64');
    case 'bool':
      return varint !== 0;
    case 'int':
      return varint;
    case 'Time':
    case 'MicroTime':
      return decodeTime(bytes, type === 'MicroTime');
    case 'Quantity':
      return fieldOf(bytes, 1)?.bytes.toString('utf8');
    case 'IntOrString':
      return fieldOf(bytes, 1)?.varint === 1
        ? fieldOf(bytes, 3)!.bytes.toString('utf8')
        : (fieldOf(bytes, 2)?.varint ?? 0);
    case 'RawExtension':
    case 'FieldsV1':
      return JSON.parse(fieldOf(bytes, 1)?.bytes.toString('utf8') || '{}') as Json;
    default:
      return decodeMessage(bytes, messages().get(type) ?? new Map<number, Field>());
  }
}

function fieldOf(bytes: Buffer, number: number): { readonly bytes: Buffer; readonly varint: number } | undefined {
  return [...new ProtoReader(bytes).fields()].find((each) => each.number === number);
}

function decodeTime(bytes: Buffer, micro: boolean): string | undefined {
  const seconds = fieldOf(bytes, 1)?.varint;
  if (seconds === undefined) return undefined;
  const nanos = fieldOf(bytes, 2)?.varint ?? 0;
  const text = new Date(seconds * 1000).toISOString().slice(0, 19);
  return micro ? `${text}.${String(Math.floor(nanos / 1000)).padStart(6, '0')}Z` : `${text}Z`;
}
