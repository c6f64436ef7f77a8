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
    for (let segments = [...under, ...splitPath(path)]; ; segments = segments.slice(0, -1)) {
      const found = this.#positions.get(segments.join('\0'));
      if (found !== undefined || segments.length === 0) return found;
    }
  }
}

/** The segments of a field path: `a.b[0][c/d]` → a, b, 0, c/d. */
function splitPath(path: string): string[] {
  return [...path.matchAll(/\[([^\]]*)\]|[^.[\]]+/g)].map((match) => match[1] ?? match[0]);
}
