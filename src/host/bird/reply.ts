/** One line of a reply: what kind it is (RFC-like code of four digits) and what it says. */
export interface ReplyLine {
  readonly code: number;
  readonly text: string;
}

/**
 * Puts BIRD's answers together. A line begins with a code and `-` when more follow or a space when it is the last; one that
 * begins with a space goes on with the code before; `+` marks messages that answer nothing.
 */
export class ReplyReader {
  #rest = '';
  #lines: ReplyLine[] = [];

  /** The answers that are complete with this piece of the stream. */
  read(piece: string): readonly (readonly ReplyLine[])[] {
    const lines = (this.#rest + piece).split('\n');
    this.#rest = lines.pop() ?? '';
    return lines.flatMap((line) => this.#line(line));
  }

  #line(line: string): readonly (readonly ReplyLine[])[] {
    if (line.startsWith('+')) return [];
    if (line.startsWith(' ')) {
      this.#lines.push({ code: this.#lines.at(-1)?.code ?? 0, text: line.slice(1) });
      return [];
    }
    const [, code = '0', more = ' ', text = ''] = /^(\d{4})([- ])(.*)$/.exec(line) ?? [];
    this.#lines.push({ code: Number(code), text });
    if (more === '-') return [];
    const complete = this.#lines;
    this.#lines = [];
    return [complete];
  }
}
