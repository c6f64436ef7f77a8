import { isGone } from './errors.ts';
import type { KubeClient, KubeObject, ListOptions, Resource } from './types.ts';

/** A whole collection at one version. */
export interface Listing<P> {
  readonly items: readonly P[];
  /** The position to watch from. */
  readonly resourceVersion: string;
}

/**
 * Every item of a collection, page by page (500 unless `limit` says otherwise), projected as its page arrives. When a
 * continue token expires half way, what was read is dropped and everything is read again in one unpaged list.
 */
export async function listAll<T extends KubeObject, P = T>(
  client: KubeClient,
  resource: Resource,
  options: ListOptions = {},
  project: (item: T) => P = (item) => item as unknown as P,
): Promise<Listing<P>> {
  const items: P[] = [];
  let page = await client.list<T>(resource, { limit: 500, ...options });
  for (;;) {
    for (const item of page.items) items.push(project(item));
    const token = page.metadata.continue;
    if (token === undefined || token === '') return { items, resourceVersion: page.metadata.resourceVersion };
    try {
      page = await client.list<T>(resource, { limit: 500, ...options, continue: token });
    } catch (error) {
      if (!isGone(error)) throw error;
      items.length = 0;
      const { limit: _limit, continue: _continue, ...whole } = options;
      page = await client.list<T>(resource, whole);
    }
  }
}
