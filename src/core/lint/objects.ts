import type { ObjectRef } from './model.ts';

type Fields = Readonly<Record<string, unknown>>;

/** The value as a map; empty when it is none, so that reading on finds nothing. */
export function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

/** The value as a list; empty when it is none. */
export function itemsOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : [];
}

/** What stands at the end of the way, through maps and lists; undefined when the way ends earlier. */
export function valueAt(object: unknown, ...way: readonly string[]): unknown {
  return way.reduce<unknown>(
    (value, name) => (Array.isArray(value) ? (value as unknown[])[Number(name)] : fieldsOf(value)[name]),
    object,
  );
}

/** The text there, or undefined. */
export function textAt(object: unknown, ...way: readonly string[]): string | undefined {
  const value = valueAt(object, ...way);
  return typeof value === 'string' ? value : undefined;
}

/** `kind`, or empty text. */
export function kindOf(object: Fields): string {
  return textAt(object, 'kind') ?? '';
}

/** API group of `apiVersion`; empty for the core group. */
export function groupOf(object: Fields): string {
  const version = textAt(object, 'apiVersion') ?? '';
  return version.includes('/') ? version.slice(0, version.indexOf('/')) : '';
}

/** `metadata.name`, or empty text. */
export function nameOf(object: Fields): string {
  return textAt(object, 'metadata', 'name') ?? '';
}

/** The namespace that a namespaced object gets. */
export function namespaceOf(object: Fields): string {
  return textAt(object, 'metadata', 'namespace') || 'default';
}

/** Equal for objects of which one replaces the other. Cluster-scoped ones have no namespace, which is taken for `default`. */
export function identityOf(object: Fields): string {
  return [groupOf(object), kindOf(object), namespaceOf(object), nameOf(object)].join('\0');
}

/** The object's identity, for findings. */
export function refOf(object: Fields): ObjectRef {
  const namespace = textAt(object, 'metadata', 'namespace');
  return { kind: kindOf(object), ...(namespace === undefined ? {} : { namespace }), name: nameOf(object) };
}

/** Whether it is Kubernetes' own NetworkPolicy, of the current or the old group. */
export function isNetworkPolicy(object: Fields): boolean {
  return kindOf(object) === 'NetworkPolicy' && ['networking.k8s.io', 'extensions'].includes(groupOf(object));
}
