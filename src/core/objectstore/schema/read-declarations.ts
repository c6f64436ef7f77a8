import { listTraitsOf } from './list-traits.ts';
import { REF_PREFIX, type Schema } from './schema.ts';

/**
 * Reads one `.d.ts` file of the `kubernetes-types` package into schemas by full name. `path` is the file's path inside
 * the package without its ending, such as `networking/v1`. The files are machine-made and very regular (one property per
 * line, a doc comment above each), so a line reader is enough; a line that it does not understand throws.
 */
export function readDeclarations(path: string, text: string): Record<string, Schema> {
  const scope = importsOf(path, text);
  const found: Record<string, Schema> = {};
  const lines = text.split('\n');
  let comment = '';
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at]!;
    if (line.startsWith('/**')) {
      const block = readComment(lines, at);
      comment = block.text;
      at = block.last;
      continue;
    }
    const opened = /^export interface (\w+) \{$/.exec(line);
    if (opened !== null) {
      const body = readInterface(lines, at + 1, scope, opened[1]!);
      found[fullName(path, opened[1]!)] = { ...(comment === '' ? {} : { description: comment }), ...body.schema };
      at = body.last;
    }
    const alias = /^export type (\w+) = (.+);$/.exec(line);
    if (alias !== null) found[fullName(path, alias[1]!)] = aliasSchema(alias[1]!, comment);
    if (line !== '') comment = '';
  }
  return found;
}

/** Names that a file uses without a path → their full names. */
type Scope = (name: string) => string;

function importsOf(path: string, text: string): Scope {
  const imported = new Map<string, string>();
  for (const [, names, from] of text.matchAll(/^import \{ ([^}]+) \} from "([^"]+)";$/gm)) {
    const target = joinPath(path, from!);
    for (const name of names!.split(',')) imported.set(name.trim(), fullName(target, name.trim()));
  }
  return (name) => imported.get(name) ?? fullName(path, name);
}

function joinPath(from: string, relative: string): string {
  const parts = from.split('/').slice(0, -1);
  for (const part of relative.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '.') parts.push(part);
  }
  return parts.join('/');
}

/** Package names of the published OpenAPI documents. */
function fullName(path: string, name: string): string {
  const dotted = path.replaceAll('/', '.');
  if (path === 'meta/v1') return `io.k8s.apimachinery.pkg.apis.${dotted}.${name}`;
  if (path === 'runtime' || path === 'version' || path === 'api/resource') {
    return `io.k8s.apimachinery.pkg.${dotted}.${name}`;
  }
  if (path.startsWith('apiextensions/')) return `io.k8s.apiextensions-apiserver.pkg.apis.${dotted}.${name}`;
  return `io.k8s.api.${dotted}.${name}`;
}

function readComment(lines: readonly string[], first: number): { readonly text: string; readonly last: number } {
  let last = first;
  while (!lines[last]!.trimEnd().endsWith('*/')) last += 1;
  const text = lines
    .slice(first, last + 1)
    .map((line) =>
      line
        .trim()
        .replace(/^\/\*\*\s?/, '')
        .replace(/\s*\*\/$/, '')
        .replace(/^\* ?/, ''),
    )
    .join('\n')
    .trim();
  return { text, last };
}

function readInterface(
  lines: readonly string[],
  first: number,
  scope: Scope,
  name: string,
): { readonly schema: Schema; readonly last: number } {
  const properties: Record<string, Schema> = {};
  const required: string[] = [];
  const literals: Record<string, string> = {};
  let comment = '';
  let at = first;
  for (; lines[at] !== '}'; at += 1) {
    const line = lines[at]!.trim();
    if (line.startsWith('/**')) {
      const block = readComment(lines, at);
      comment = block.text;
      at = block.last;
      continue;
    }
    const property = /^(?:readonly )?"?([$\w-]+)"?(\??): (.+)$/.exec(line);
    if (property === null) throw new Error(`cannot read ${name}: ${line}`);
    const [, key, optional, rest] = property as unknown as [string, string, string, string];
    let type = rest.replace(/;$/, '');
    if (type === '{') {
      type = `map ${/^\[name: string\]: (.+);$/.exec(lines[at + 1]!.trim())?.[1] ?? ''}`;
      at += 2;
    }
    const literal = /^"(.*)"$/.exec(type);
    if (literal !== null) literals[key] = literal[1]!;
    properties[key] = property2schema(name, key, type, comment, scope);
    if (optional === '') required.push(key);
    comment = '';
  }
  return { schema: objectSchema(name, properties, required, literals), last: at };
}

function objectSchema(
  name: string,
  read: Record<string, Schema>,
  required: readonly string[],
  literals: Readonly<Record<string, string>>,
): Schema {
  if (ANYTHING.has(name)) return {};
  const properties = { ...read, ...LEFT_OUT[name] };
  const { apiVersion, kind } = literals;
  return {
    type: 'object',
    ...(Object.keys(properties).length === 0 ? {} : { properties }),
    ...(required.length === 0 ? {} : { required }),
    ...(ATOMIC_STRUCTS.has(name) ? { 'x-kubernetes-map-type': 'atomic' } : {}),
    ...(apiVersion === undefined || kind === undefined
      ? {}
      : { 'x-kubernetes-group-version-kind': [groupVersionKind(apiVersion, kind)] }),
  };
}

function groupVersionKind(apiVersion: string, kind: string): { group: string; version: string; kind: string } {
  const [group, version] = apiVersion.includes('/') ? (apiVersion.split('/') as [string, string]) : ['', apiVersion];
  return { group, version, kind };
}

/** Types whose JSON may be anything at all. */
const ANYTHING = new Set(['JSON', 'RawExtension', 'FieldsV1', 'JSONSchemaPropsOrArray', 'JSONSchemaPropsOrBool']);

/** Structs that server-side apply replaces whole, as the published documents mark them. */
const ATOMIC_STRUCTS = new Set([
  'LabelSelector',
  'LocalObjectReference',
  'ObjectReference',
  'SecretReference',
  'TypedLocalObjectReference',
  'NodeSelector',
  'NodeSelectorTerm',
  'ConfigMapKeySelector',
  'SecretKeySelector',
  'ObjectFieldSelector',
  'ResourceFieldSelector',
  'RoleRef',
  'Subject',
]);

function property2schema(owner: string, key: string, type: string, comment: string, scope: Scope): Schema {
  const described = comment === '' ? {} : { description: comment };
  const schema = typeSchema(owner, key, type, scope);
  const traits = listTraitsOf(owner, key);
  // A `$ref` may have no siblings; the published documents wrap it the same way.
  return schema.$ref === undefined
    ? { ...described, ...schema, ...traits }
    : { ...described, allOf: [schema], ...traits };
}

function typeSchema(owner: string, key: string, type: string, scope: Scope): Schema {
  const array = /^Array<(.+)>$/.exec(type) ?? /^(.+)\[\]$/.exec(type);
  if (array !== null) return { type: 'array', items: typeSchema(owner, key, array[1]!, scope) };
  if (type.startsWith('map ')) {
    return { type: 'object', additionalProperties: typeSchema(owner, key, type.slice(4), scope) };
  }
  if (type.startsWith('"')) return { type: 'string' };
  switch (type) {
    case 'string':
      return BYTES.has(`${owner}.${key}`) ? { type: 'string', format: 'byte' } : { type: 'string' };
    case 'boolean':
      return { type: 'boolean' };
    case 'number':
      return owner === 'JSONSchemaProps' && FLOATS.has(key)
        ? { type: 'number', format: 'double' }
        : { type: 'integer', format: INT64.has(key) ? 'int64' : 'int32' };
    case 'number | string':
      return { $ref: `${REF_PREFIX}${INT_OR_STRING}` };
    default:
      if (!/^\w+$/.test(type)) throw new Error(`cannot read the type of ${owner}.${key}: ${type}`);
      return { $ref: `${REF_PREFIX}${scope(type)}` };
  }
}

/** Full name of the one type that the package spells as a union. */
const INT_OR_STRING = 'io.k8s.apimachinery.pkg.util.intstr.IntOrString';

/** Types that the package has no declaration of. */
export const EXTRA_DEFINITIONS: Readonly<Record<string, Schema>> = {
  [INT_OR_STRING]: {
    description: 'IntOrString is a type that can hold an int32 or a string.',
    format: 'int-or-string',
    oneOf: [{ type: 'integer' }, { type: 'string' }],
  },
  [fullName('discovery/v1', 'ForNode')]: {
    description: 'ForNode names a node whose clients should use the endpoint.',
    type: 'object',
    required: ['name'],
    properties: { name: { description: 'The name of the node.', type: 'string' } },
  },
};

/** Fields of JSONSchemaProps that the package leaves out, and CustomResourceDefinitions are full of. */
const SCHEMA_EXTENSIONS: Readonly<Record<string, Schema>> = {
  'x-kubernetes-embedded-resource': { type: 'boolean' },
  'x-kubernetes-int-or-string': { type: 'boolean' },
  'x-kubernetes-list-map-keys': { type: 'array', items: { type: 'string' } },
  'x-kubernetes-list-type': { type: 'string' },
  'x-kubernetes-map-type': { type: 'string' },
  'x-kubernetes-preserve-unknown-fields': { type: 'boolean' },
  'x-kubernetes-validations': {
    type: 'array',
    items: { $ref: `${REF_PREFIX}${fullName('apiextensions/v1', 'ValidationRule')}` },
  },
};

/** Fields that the package does not have, by type. */
const LEFT_OUT: Readonly<Record<string, Readonly<Record<string, Schema>>>> = {
  JSONSchemaProps: SCHEMA_EXTENSIONS,
  // Of Kubernetes 1.33.
  EndpointHints: {
    forNodes: {
      description: 'The nodes whose clients should use the endpoint; they count before forZones.',
      type: 'array',
      items: { $ref: `${REF_PREFIX}${fullName('discovery/v1', 'ForNode')}` },
    },
  },
};

const BYTES = new Set([
  'Secret.data',
  'ConfigMap.binaryData',
  'WebhookClientConfig.caBundle',
  'CertificateSigningRequestSpec.request',
  'CertificateSigningRequestStatus.certificate',
]);

const FLOATS = new Set(['maximum', 'minimum', 'multipleOf']);

/** Integer fields of 64 bits; everything else is int32. */
const INT64 = new Set([
  'activeDeadlineSeconds',
  'deletionGracePeriodSeconds',
  'expirationSeconds',
  'fsGroup',
  'generation',
  'gracePeriodSeconds',
  'maxItems',
  'maxLength',
  'maxProperties',
  'minItems',
  'minLength',
  'minProperties',
  'observedGeneration',
  'remainingItemCount',
  'resourceVersion',
  'runAsGroup',
  'runAsUser',
  'sizeBytes',
  'startingDeadlineSeconds',
  'supplementalGroups',
  'terminationGracePeriodSeconds',
  'tolerationSeconds',
]);

function aliasSchema(name: string, comment: string): Schema {
  const described = comment === '' ? {} : { description: comment };
  if (name === 'Time' || name === 'MicroTime') return { ...described, type: 'string', format: 'date-time' };
  if (name === 'Quantity') return { ...described, oneOf: [{ type: 'string' }, { type: 'number' }] };
  return described;
}
