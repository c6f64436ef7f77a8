import {
  closure,
  OBJECT_META,
  refOf,
  type ApiContext,
  type ResourceDefinition,
  type Schema,
} from '../../../core/objectstore/index.ts';
import { ProtoWriter } from '../../../host/protobuf/proto-writer.ts';
import { customName, customSchema, rootOf, schemaName } from './openapi.ts';

/** Media type of the only form in which clients fetch OpenAPI v2 (they ask for `v2@v1.0`, which is no legal answer). */
export const OPENAPI_V2_TYPE = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';

const rendered = new WeakMap<ApiContext, { readonly generation: number; readonly document: Buffer }>();

/**
 * The OpenAPI v2 document in protobuf form (message `openapi.v2.Document` of google/gnostic): types and what a PATCH takes.
 * kubectl asks for it where v3 does not answer: `kind: List` files, kinds that are not served yet, and before 1.29 always.
 */
export function openapiV2(context: ApiContext): Buffer {
  const { generation } = context.registry;
  const known = rendered.get(context);
  if (known?.generation === generation) return known.document;
  const document = documentOf(context);
  rendered.set(context, { generation, document });
  return document;
}

function documentOf(context: ApiContext): Buffer {
  const { definitions: known } = context.schemas();
  const all = context.registry.all();
  const roots = all.map((each) => schemaName(each, known)).filter((each) => each !== undefined);
  const definitions = new ProtoWriter();
  for (const name of closure([...roots, OBJECT_META], known)) {
    definitions.message(1, named(name, schemaMessage(asV2(name, known[name]!))));
  }
  const paths = new ProtoWriter();
  for (const definition of all) {
    if (definition.custom !== undefined) {
      definitions.message(1, named(customName(definition), schemaMessage(customSchema(definition))));
    }
    paths.message(2, named(pathOf(definition), pathItem(definition)));
  }
  return new ProtoWriter()
    .text(1, '2.0')
    .message(2, new ProtoWriter().text(1, 'Kubernetes').text(2, 'v1.32.4'))
    .message(8, paths)
    .message(9, definitions)
    .finish();
}

function pathOf(definition: ResourceDefinition): string {
  return `/${rootOf(definition)}${definition.namespaced ? '/namespaces/{namespace}' : ''}/${definition.plural}/{name}`;
}

/** `NamedSchema`, `NamedPathItem` and their like: name = 1, value = 2. */
function named(name: string, value: ProtoWriter): ProtoWriter {
  return new ProtoWriter().text(1, name).message(2, value);
}

/** A vendor extension: a `NamedAny` whose value is YAML text (JSON is YAML too). */
function extension(name: string, value: unknown): ProtoWriter {
  return named(name, new ProtoWriter().text(2, JSON.stringify(value)));
}

/** `PathItem.patch = 8` with the parameters that kubectl looks for. */
function pathItem({ group, version, kind }: ResourceDefinition): ProtoWriter {
  const patch = new ProtoWriter();
  for (const name of ['dryRun', 'fieldManager', 'fieldValidation', 'force']) {
    const query = new ProtoWriter()
      .text(2, 'query')
      .text(4, name)
      .text(6, name === 'force' ? 'boolean' : 'string');
    const parameter = new ProtoWriter().message(2, new ProtoWriter().message(3, query));
    patch.message(8, new ProtoWriter().message(1, parameter));
  }
  patch.message(13, extension('x-kubernetes-group-version-kind', { group, version, kind }));
  return new ProtoWriter().message(8, patch);
}

/** OpenAPI v2 has no unions: the two that Kubernetes has are strings there, by convention. */
function asV2(name: string, schema: Schema): Schema {
  if (schema.oneOf === undefined) return schema;
  const { oneOf: _oneOf, ...rest } = schema;
  return { ...rest, type: 'string', ...(name.endsWith('.IntOrString') ? { format: 'int-or-string' } : {}) };
}

/** `openapi.v2.Schema`. */
function schemaMessage(schema: Schema): ProtoWriter {
  const reference = refOf(schema);
  const message = new ProtoWriter();
  if (reference !== undefined) message.text(1, `#/definitions/${reference}`);
  message.text(2, schema.format).text(4, schema.description).texts(19, schema.required);
  const { additionalProperties, type, items, properties } = schema;
  if (typeof additionalProperties === 'object') {
    message.message(21, new ProtoWriter().message(1, schemaMessage(additionalProperties)));
  }
  if (type !== undefined) message.message(22, new ProtoWriter().text(1, type));
  if (items !== undefined) message.message(23, new ProtoWriter().message(1, schemaMessage(items)));
  if (properties !== undefined) {
    const all = new ProtoWriter();
    for (const [name, property] of Object.entries(properties)) all.message(1, named(name, schemaMessage(property)));
    message.message(25, all);
  }
  for (const [name, value] of Object.entries(schema)) {
    if (name.startsWith('x-kubernetes-')) message.message(31, extension(name, value));
  }
  return message;
}
