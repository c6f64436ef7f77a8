/** A place in a file; both count from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Positions of the fields of one object. */
export class PositionTable {
  readonly #positions = new Map<string, Position>();

  /** Records where the field at `segments` stands; the first record wins. */
  set(segments: readonly string[], position: Position): void {
    const key = segments.join('\0');
    if (!this.#positions.has(key)) this.#positions.set(key, position);
  }

  /**
   * Where the field at `path` stands, in the notation of field errors (`spec.ports[0].name`, `metadata.labels[a/b]`); when
   * the field is missing there, its nearest container. `under` are segments to put in front.
   */
  find(path: string, under: readonly string[] = []): Position | undefined {
    for (let segments = [...under, ...segmentsOf(path)]; ; segments = segments.slice(0, -1)) {
      const found = this.#positions.get(segments.join('\0'));
      if (found !== undefined || segments.length === 0) return found;
    }
  }
}

/** Where a value stands: the offset of its key, or of the list item itself; and the places inside it. */
export interface Place {
  readonly offset: number;
  /** By key, or by index for a list; absent for scalars. */
  readonly inner?: ReadonlyMap<string, Place> | readonly Place[];
}

/** The offset of the field at `path`, as {@link PositionTable.find} finds it. */
export function placeOf(root: Place, path: string, under: readonly string[] = []): number {
  let place = root;
  for (const segment of [...under, ...segmentsOf(path)]) {
    const { inner } = place;
    const next = inner instanceof Map ? inner.get(segment) : (inner as readonly Place[] | undefined)?.[Number(segment)];
    if (next === undefined) break;
    place = next;
  }
  return place.offset;
}

/** The offsets at which lines begin, found when they are first asked for. */
export function lazyLineStarts(text: string): () => readonly number[] {
  let starts: number[] | undefined;
  return () => {
    if (starts !== undefined) return starts;
    starts = [0];
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
    return starts;
  };
}

/** Line and column of an offset; binary search. */
export function positionAt(starts: readonly number[], offset: number): Position {
  let [low, high] = [0, starts.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (starts[middle]! <= offset) low = middle;
    else high = middle - 1;
  }
  return { line: low + 1, column: offset - starts[low]! + 1 };
}

/** The segments of a field path: `a.b[0][c/d]` → a, b, 0, c/d. */
export function segmentsOf(path: string): string[] {
  return [...path.matchAll(/\[([^\]]*)\]|[^.[\]]+/g)].map((match) => match[1] ?? match[0]);
}
