import type { ListOptions, ObjectName, Resource } from './types.ts';

/** Path of a collection, or of one object in it, as the API serves it: `/api/v1/…` or `/apis/<group>/<version>/…`. */
export function pathOf(resource: Resource, name: Partial<ObjectName> = {}, subresource?: string): string {
  const root = resource.group === '' ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`;
  const scope =
    resource.namespaced && name.namespace !== undefined ? `/namespaces/${encodeURIComponent(name.namespace)}` : '';
  const object = name.name === undefined ? '' : `/${encodeURIComponent(name.name)}`;
  return `${root}${scope}/${resource.plural}${object}${subresource === undefined ? '' : `/${subresource}`}`;
}

/** The query string of a list or watch, with its `?`, or '' when there is nothing to say. */
export function queryOf(parameters: Readonly<Record<string, string | number | boolean | undefined>>): string {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(parameters)) if (value !== undefined) query.set(key, String(value));
  const text = query.toString();
  return text === '' ? '' : `?${text}`;
}

/** The query parameters of a list. */
export function listQuery(options: ListOptions): string {
  const { labelSelector, fieldSelector, limit, resourceVersion } = options;
  return queryOf({ labelSelector, fieldSelector, limit, continue: options.continue, resourceVersion });
}
