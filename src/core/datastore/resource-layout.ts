import type { EtcdLayout, StoredObject } from './stored-object.ts';

/** Where Calico keeps the resources that people write (libcalico-go/lib/backend/model/resource.go). */
const ROOT = '/calico/resources/v3/projectcalico.org';

/** `apiVersion` as these values carry it, whatever group they are served in. */
const API_VERSION = 'projectcalico.org/v3';

/** A kind that lies in etcd as it is written: `<root>/<plural>/[<namespace>/]<name>` with the object as JSON. */
export function resourceLayout(plural: string, kind: string, namespaced: boolean): EtcdLayout {
  const root = `${ROOT}/${plural}/`;
  const scope = (namespace: string | undefined): string => (namespaced ? `${namespace ?? 'default'}/` : '');
  return {
    whole: true,
    prefix: (namespace) => (namespace === undefined || !namespaced ? root : `${root}${namespace}/`),
    keyOf: ({ metadata }) => `${root}${scope(metadata.namespace)}${metadata.name}`,
    keysOf: (name, namespace) => [`${root}${scope(namespace)}${name}`],
    encode: ({ apiVersion: _version, kind: _kind, metadata, ...rest }) => {
      const { resourceVersion: _revision, ...kept } = metadata;
      return JSON.stringify({ kind, apiVersion: API_VERSION, metadata: kept, ...rest });
    },
    decode: (key, value) => {
      const parts = key.startsWith(root) ? key.slice(root.length).split('/') : [];
      if (parts.length !== (namespaced ? 2 : 1)) return undefined;
      const object = parseObject(value);
      if (object === undefined) return undefined;
      // The key is what the object is called; a value that says something else was written by mistake.
      const name = namespaced ? { namespace: parts[0]!, name: parts[1]! } : { name: parts[0]! };
      return { ...object, metadata: { ...(object['metadata'] as object | undefined), ...name } } as StoredObject;
    },
  };
}

/** JSON that is an object; undefined when it is anything else. */
export function parseObject(value: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const parsed = JSON.parse(value) as unknown;
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)
      ? (parsed as Readonly<Record<string, unknown>>)
      : undefined;
  } catch {
    return undefined;
  }
}
