import {
  apiVersionOf,
  asServed,
  servedJson,
  tableOf,
  type ApiObject,
  type Entry,
  type Page,
  type ResourceDefinition,
} from '../../../core/objectstore/index.ts';
import { header, send, type Request } from './exchange.ts';
import { negotiate, type Form } from './negotiate.ts';
import type { Call } from './call.ts';

/** Answers with one stored object, in the form that the client asked for. */
export function renderEntry(call: Call, entry: Entry, code: number): void {
  const form = formOf(call.request);
  if (form.kind === 'plain') send(call.response, code, servedJson(entry, call.definition));
  else renderObject(call, asServed(entry.object, call.definition), code);
}

/** Answers with an object that is not stored as it is. */
export function renderObject(call: Call, object: ApiObject, code: number): void {
  const form = formOf(call.request);
  const { revision } = call.server.api.store;
  switch (form.kind) {
    case 'plain':
      return send(call.response, code, JSON.stringify(object));
    case 'table': {
      const list = { resourceVersion: object.metadata.resourceVersion ?? String(revision) };
      return send(call.response, code, JSON.stringify(renderTable(call, [object], list, form)));
    }
    case 'partial':
      return send(call.response, code, JSON.stringify(partial(object, form.version)));
  }
}

/** Answers with a page of a list. */
export function renderPage(call: Call, page: Page): void {
  const form = formOf(call.request);
  const { definition } = call;
  const metadata = {
    resourceVersion: String(page.revision),
    ...(page.continue === undefined ? {} : { continue: page.continue, remainingItemCount: page.remaining }),
  };
  switch (form.kind) {
    case 'plain': {
      const head = JSON.stringify({ kind: `${definition.kind}List`, apiVersion: apiVersionOf(definition), metadata });
      // Items are rendered already: the list is glued together from their texts.
      const items = page.entries.map((entry) => servedJson(entry, definition)).join(',');
      return send(call.response, 200, `${head.slice(0, -1)},"items":[${items}]}`);
    }
    case 'table': {
      const objects = page.entries.map(({ object }) => asServed(object, definition));
      return send(call.response, 200, JSON.stringify(renderTable(call, objects, metadata, form)));
    }
    case 'partial': {
      const items = page.entries.map(({ object }) => partial(object, form.version));
      const list = { kind: 'PartialObjectMetadataList', apiVersion: `meta.k8s.io/${form.version}`, metadata, items };
      return send(call.response, 200, JSON.stringify(list));
    }
  }
}

/** The form that a request's Accept header asks for. */
export function formOf(request: Request): Form {
  return negotiate(header(request, 'accept'));
}

/** A Table of `objects`; `headers: false` leaves the column definitions out, as later events of a watch do. */
export function renderTable(
  call: { readonly server: Call['server']; readonly definition: ResourceDefinition; readonly query: URLSearchParams },
  objects: readonly ApiObject[],
  metadata: object,
  form: { readonly version: string },
  headers = true,
): object {
  const { columns, rows } = tableOf(call.definition, objects, call.server.nowMs());
  const include = call.query.get('includeObject') ?? 'Metadata';
  return {
    kind: 'Table',
    apiVersion: `meta.k8s.io/${form.version}`,
    metadata,
    columnDefinitions: headers ? columns : null,
    rows: rows.map((cells, i) => ({
      cells,
      object: include === 'None' ? null : include === 'Object' ? objects[i] : partial(objects[i]!, form.version),
    })),
  };
}

/** An object's metadata alone. */
export function partial(object: ApiObject, version: string): object {
  return { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${version}`, metadata: object.metadata };
}
