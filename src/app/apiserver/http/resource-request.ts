import {
  ApiError,
  apply,
  badRequest,
  bind,
  create,
  decodeBody,
  evict,
  existing,
  finalize,
  isJsonObject,
  list,
  patch,
  remove,
  scaleOf,
  setScale,
  SUCCESS,
  update,
  type ApiObject,
  type DeleteRequest,
  type Entry,
  type Json,
  type ResourceDefinition,
  type WriteRequest,
} from '../../../core/objectstore/index.ts';
import { issueToken } from '../service-account-token.ts';
import type { ServerContext } from '../server-context.ts';
import { selectionOf, targetOf, type Call } from './call.ts';
import { addWarnings, contentType, header, parseJson, readText, send } from './exchange.ts';
import { proxyToKubelet } from './kubelet-proxy.ts';
import type { ResourceRequest } from './request-info.ts';
import { renderEntry, renderObject, renderPage } from './render.ts';
import { review } from './reviews.ts';
import { serveWatch } from './watch.ts';
import { parseYamlText, readBody } from './read-body.ts';
import { writeOptions } from './write-options.ts';

/** Answers a request for a resource or one of its subresources. Failures are thrown as ApiErrors. */
export async function handleResource(call: Call): Promise<void> {
  const { definition, info } = call;
  if (info.subresource !== '' && !definition.subresources.includes(info.subresource)) {
    throw notFoundPath();
  }
  if (info.subresource === '' && !definition.verbs.includes(info.verb)) throw notAllowed();
  if (info.subresource !== '' && !SUBRESOURCE_VERBS.has(info.verb)) throw notAllowed();
  if (definition.namespaced && info.namespace === '' && info.name !== '') throw badRequest('a namespace is required');
  switch (info.subresource) {
    case '':
    case 'status':
    case 'ephemeralcontainers':
      return await handleObject(call);
    case 'scale':
      return await handleScale(call);
    case 'log':
      return proxyToKubelet(call);
    case 'exec':
    case 'attach':
    case 'portforward':
      throw badRequest('Upgrade request required');
    default:
      return await handleAction(call);
  }
}

/** A part of an object cannot be listed, watched or deleted by itself. */
const SUBRESOURCE_VERBS = new Set(['create', 'get', 'patch', 'update']);

function notAllowed(): ApiError {
  return new ApiError('MethodNotAllowed', 'the server does not allow this method on the requested resource');
}

async function handleObject(call: Call): Promise<void> {
  const { server, definition, info, query, response } = call;
  switch (info.verb) {
    case 'get':
      return renderEntry(call, existing(server.api, targetOf(call)), 200);
    case 'list':
      return renderPage(call, list(server.api, definition, { ...selectionOf(call), ...pagingOf(query) }));
    case 'watch':
      return serveWatch(call);
    case 'create':
      if (info.name !== '') throw notAllowed();
      return await handleCreate(call);
    case 'update': {
      const request = optionsOf(call);
      const draft = await readDraft(call, request);
      const entry = update(server.api, targetOf(call), draft, partOf(info), request);
      addWarnings(response, request.warnings);
      return renderEntry(call, entry, 200);
    }
    case 'patch':
      return await handlePatch(call);
    case 'delete': {
      const { removed, entry } = remove(server.api, targetOf(call), await deleteOptions(call));
      return removed ? send(response, 200, JSON.stringify(deletedStatus(call, entry))) : renderEntry(call, entry, 200);
    }
    case 'deletecollection': {
      const options = await deleteOptions(call);
      const page = list(server.api, definition, selectionOf(call));
      for (const { namespace, name } of page.entries) remove(server.api, { definition, namespace, name }, options);
      return renderPage(call, page);
    }
    default:
      throw notAllowed();
  }
}

async function handleCreate(call: Call): Promise<void> {
  const { server, definition, info, response } = call;
  const answer = await review(call);
  if (answer !== undefined) return renderObject(call, answer, 201);
  const request = optionsOf(call);
  const draft = await readDraft(call, request);
  if (definition.plural === 'bindings' && definition.group === '') return bindPod(call, draft);
  const entry = create(server.api, definition, info.namespace, draft, request);
  addWarnings(response, request.warnings);
  renderEntry(call, entry, 201);
}

/** `POST bindings` is the old form of `POST pods/NAME/binding`. */
function bindPod(call: Call, binding: ApiObject): void {
  const { server, info, response } = call;
  const definition = server.api.registry.find('', 'v1', 'pods')!;
  const name = binding.metadata.name ?? '';
  bind(server.api, { definition, namespace: info.namespace, name }, binding as unknown as Json);
  send(response, 201, JSON.stringify(SUCCESS));
}

async function handlePatch(call: Call): Promise<void> {
  const { server, info, request: incoming, response, query } = call;
  const type = contentType(incoming);
  const text = await readText(incoming);
  const request = optionsOf(call);
  if (type === 'application/apply-patch+yaml' || type === 'application/apply-patch+cbor') {
    const manager = query.get('fieldManager') ?? '';
    if (manager === '')
      throw badRequest(
        'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
      );
    const body = parseYamlText(text);
    const result = apply(server.api, targetOf(call), body, partOf(info), {
      ...request,
      fieldManager: manager,
      force: query.get('force') === 'true',
    });
    addWarnings(response, request.warnings);
    return renderEntry(call, result.entry, result.created ? 201 : 200);
  }
  const kind = PATCH_TYPES[type];
  if (kind === undefined) {
    throw new ApiError(
      'UnsupportedMediaType',
      `the body of the request was in an unknown format - accepted media types include: ${Object.keys(PATCH_TYPES).join(', ')}, application/apply-patch+yaml`,
    );
  }
  const entry = patch(server.api, targetOf(call), kind, parseJson(text) as Json, partOf(info), request);
  addWarnings(response, request.warnings);
  renderEntry(call, entry, 200);
}

const PATCH_TYPES: Readonly<Record<string, 'json' | 'merge' | 'strategic'>> = {
  'application/json-patch+json': 'json',
  'application/merge-patch+json': 'merge',
  'application/strategic-merge-patch+json': 'strategic',
};

async function handleScale(call: Call): Promise<void> {
  const { server, definition, info, request: incoming } = call;
  const target = targetOf(call);
  if (info.verb === 'get') return renderObject(call, scaleOf(definition, existing(server.api, target).object), 200);
  if (info.verb !== 'update' && info.verb !== 'patch') throw notAllowed();
  const type = PATCH_TYPES[contentType(incoming)] ?? 'merge';
  const body = await readBody(call.request);
  const scale = setScale(server.api, target, info.verb === 'update' ? 'update' : type, body.value, optionsOf(call));
  renderObject(call, scale, 200);
}

async function handleAction(call: Call): Promise<void> {
  const { server, info, response } = call;
  const target = targetOf(call);
  if (info.subresource === 'finalize') {
    if (info.verb !== 'update' && info.verb !== 'patch') throw notAllowed();
    // Only `spec.finalizers` counts here, so a merge patch of it is as good as the whole.
    const { value } = await readBody(call.request);
    const entry = finalize(server.api, target, value as unknown as ApiObject);
    return renderEntry(call, entry, 200);
  }
  if (info.verb !== 'create') throw notAllowed();
  const { value } = await readBody(call.request);
  switch (info.subresource) {
    case 'binding':
      bind(server.api, target, value);
      return send(response, 201, JSON.stringify(SUCCESS));
    case 'eviction':
      evict(server.api, target, value);
      return send(response, 201, JSON.stringify(SUCCESS));
    case 'token':
      return renderObject(call, issueToken(server, target, value), 201);
    default:
      throw notFoundPath();
  }
}

function partOf({ subresource }: ResourceRequest): 'main' | 'status' {
  return subresource === 'status' ? 'status' : 'main';
}

function pagingOf(query: URLSearchParams): { readonly limit: number; readonly continue: string } {
  return { limit: Number(query.get('limit') ?? 0) || 0, continue: query.get('continue') ?? '' };
}

function optionsOf({ query, request }: Call): WriteRequest {
  return writeOptions(query, header(request, 'user-agent'));
}

async function readDraft(call: Call, request: WriteRequest): Promise<ApiObject> {
  const { value, duplicates } = await readBody(call.request);
  return decodeBody(call.server.api, call.definition, value, request, duplicates);
}

async function deleteOptions(call: Call): Promise<DeleteRequest> {
  const { value } = await readBody(call.request);
  const given = isJsonObject(value) ? value : {};
  const { query } = call;
  const grace = query.get('gracePeriodSeconds');
  const policy = query.get('propagationPolicy');
  const dryRun =
    query.getAll('dryRun').includes('All') || (Array.isArray(given['dryRun']) && given['dryRun'].length > 0);
  const named = given['gracePeriodSeconds'];
  if (typeof named === 'number' && named < 0) throw badRequest('gracePeriodSeconds must be non-negative');
  return {
    ...(given as DeleteRequest),
    ...(grace === null ? {} : { gracePeriodSeconds: Number(grace) }),
    ...(policy === null ? {} : { propagationPolicy: policy }),
    dryRun,
  };
}

function deletedStatus({ definition }: Call, entry: Entry): object {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: {
      name: entry.name,
      ...(definition.group === '' ? {} : { group: definition.group }),
      kind: definition.plural,
      uid: entry.object.metadata.uid,
    },
  };
}

/** The definition that a request path names, or NotFound. */
export function definitionFor(server: ServerContext, info: ResourceRequest): ResourceDefinition {
  const definition = server.api.registry.find(info.group, info.version, info.plural);
  if (definition === undefined) throw notFoundPath();
  return definition;
}

function notFoundPath(): ApiError {
  return new ApiError('NotFound', 'the server could not find the requested resource');
}
