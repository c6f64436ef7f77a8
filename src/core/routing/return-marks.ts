/** Bits of the packet and connection mark that name the peer whose clients' answers go back through it (CT_MARK.PEER). */
export const RETURN_MARK_MASK = 0xffff00;
const SHIFT = 8;
const COUNT = 0xffff;

/** Number of the first routing table of return paths, less one; a peer's table is this plus its number. */
const TABLES = 800_000;

/**
 * A mark for each node, within {@link RETURN_MARK_MASK} and never 0: made from the name, so that it stays the same while
 * connections that carry it live, whichever nodes come and go; only nodes whose names collide can move. (FNV-1a.)
 */
export function returnMarks(nodes: Iterable<string>): ReadonlyMap<string, number> {
  const taken = new Set<number>();
  const marks = new Map<string, number>();
  for (const node of [...nodes].sort()) {
    if (taken.size === COUNT) break;
    let number = hash(node) % COUNT;
    while (taken.has(number)) number = (number + 1) % COUNT;
    taken.add(number);
    marks.set(node, (number + 1) << SHIFT);
  }
  return marks;
}

/** The routing table that a mark leads to. */
export function returnTable(mark: number): number {
  return TABLES + (mark >> SHIFT);
}

/** Whether the table is one of {@link returnTable}'s. */
export function isReturnTable(table: number): boolean {
  return table > TABLES && table <= TABLES + COUNT;
}

function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const char of text) value = Math.imul(value ^ char.codePointAt(0)!, 0x01000193) >>> 0;
  return value;
}
