import type { Backend, Endpoint } from './model.ts';

/** The servers of one backend by their place; undefined is a free place. Places are what a reload changes the number of. */
export type Slots = readonly (Endpoint | undefined)[];

/** The fewest places of a backend. */
const LEAST = 4;

/**
 * Gives each server of each backend a place: the one that it had, where it had one, else a free one. There are more
 * places than servers, so that most changes need none; a backend that has far too many gets fewer.
 */
export function assignSlots(
  backends: readonly Backend[],
  previous: ReadonlyMap<string, Slots>,
): ReadonlyMap<string, Slots> {
  return new Map(backends.map(({ name, endpoints }) => [name, assign(endpoints, previous.get(name) ?? [])]));
}

function assign(endpoints: readonly Endpoint[], previous: Slots): Slots {
  const wanted = new Map(endpoints.map((endpoint) => [keyOf(endpoint), endpoint]));
  const size = sizeFor(wanted.size, previous.length);
  const slots: (Endpoint | undefined)[] = Array.from({ length: size }, (_, place) => {
    const before = previous[place];
    const key = before === undefined ? '' : keyOf(before);
    return wanted.delete(key) ? before : undefined;
  });
  for (const endpoint of wanted.values()) slots[slots.indexOf(undefined)] = endpoint;
  return slots;
}

function sizeFor(count: number, previous: number): number {
  const generous = Math.max(LEAST, 2 ** Math.ceil(Math.log2(count + 2)));
  return previous >= LEAST && count <= previous && previous <= generous * 4 ? previous : generous;
}

function keyOf({ host, port }: Endpoint): string {
  return `${host} ${port}`;
}
