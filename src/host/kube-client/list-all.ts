import { isGone } from './errors.ts';
import type { KubeClient, KubeObject, ListOptions, Resource } from './types.ts';

/**
 * Every item of a collection, page by page (500 unless `limit` says otherwise), handed to `each` as its page arrives.
 * Returns the resourceVersion to watch from. When a continue token expires half way, the rest is read in one
 * unpaged list, so an item may be handed over twice.
 */
export async function listAll<T extends KubeObject>(
  client: KubeClient,
  resource: Resource,
  options: ListOptions,
  each: (item: T) => void,
): Promise<string> {
  let page = await client.list<T>(resource, { limit: 500, ...options });
  for (;;) {
    for (const item of page.items) each(item);
    const token = page.metadata.continue;
    if (token === undefined || token === '') return page.metadata.resourceVersion;
    try {
      page = await client.list<T>(resource, { limit: 500, ...options, continue: token });
    } catch (error) {
      if (!isGone(error)) throw error;
      const { limit: _limit, continue: _continue, ...whole } = options;
      page = await client.list<T>(resource, whole);
    }
  }
}
