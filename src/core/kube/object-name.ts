import type { ObjectMeta } from './types.ts';

/** The object's name; empty when it has none, or something that is no text. */
export function nameOf({ metadata }: { readonly metadata?: ObjectMeta }): string {
  const name: unknown = metadata?.name;
  return typeof name === 'string' ? name : '';
}

/** The namespace of a namespaced object: `default` when it names none, as for kubectl. */
export function namespaceNameOf({ metadata }: { readonly metadata?: ObjectMeta }): string {
  const namespace: unknown = metadata?.namespace;
  return typeof namespace === 'string' && namespace !== '' ? namespace : 'default';
}
