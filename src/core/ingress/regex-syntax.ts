/**
 * A node of a regular expression that ignores case. A set is of the ASCII characters that it matches, letters in both
 * cases; all others count as one, 128.
 */
export type RegexNode =
  | { readonly kind: 'set'; readonly members: CharacterSet }
  | { readonly kind: 'sequence'; readonly items: readonly RegexNode[] }
  | { readonly kind: 'choice'; readonly branches: readonly RegexNode[] }
  | { readonly kind: 'repeat'; readonly body: RegexNode; readonly least: number; readonly most: number }
  /** `$`. */
  | { readonly kind: 'end' };

/** ASCII codes, and {@link BEYOND} for every other character. */
export type CharacterSet = ReadonlySet<number>;

/** The character that stands for all beyond ASCII. */
const BEYOND = 128;

/** Repetitions that may be counted out. */
const MAX_COUNT = 64;

/** What POSIX writes within brackets. Elsewhere it is no class of its characters for PCRE2, but refused. */
const POSIX = /^\[([:.=])(?:\\[\]\\]|(?!\1\]|\[\1|\\[\]\\])[^\]])*\1\]/;

class Refused extends Error {
  readonly at: number;

  constructor(problem: string, at: number) {
    super(problem);
    this.at = at;
  }
}

/**
 * Parses the part of PCRE that is taken; what it does not know it refuses, and says at which character, counted from 1. A
 * `^` at the start is allowed.
 */
export function parseRegex(
  text: string,
): { readonly problem: string } | { readonly tree: RegexNode; readonly groups: number } {
  const parser = new Parser(text);
  try {
    return { tree: parser.whole(), groups: parser.groups };
  } catch (error) {
    if (error instanceof Refused) return { problem: `${error.message} (character ${error.at + 1})` };
    throw error;
  }
}

class Parser {
  groups = 0;
  readonly #text: string;
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  whole(): RegexNode {
    const strange = this.#text.search(/[^\x21-\x7e]/);
    if (strange !== -1) throw new Refused('has a character other than printable ASCII', strange);
    this.#take('^');
    const tree = this.#choice();
    if (this.#at < this.#text.length) throw new Refused("has a ')' too many", this.#at);
    return tree;
  }

  #choice(): RegexNode {
    const branches = [this.#sequence()];
    while (this.#take('|')) branches.push(this.#sequence());
    return branches.length === 1 ? branches[0]! : { kind: 'choice', branches };
  }

  #sequence(): RegexNode {
    const items: RegexNode[] = [];
    while (this.#at < this.#text.length && !'|)'.includes(this.#peek())) items.push(this.#quantified());
    return { kind: 'sequence', items };
  }

  #quantified(): RegexNode {
    const start = this.#at;
    const body = this.#atom();
    const counts = this.#quantifier();
    if (counts === undefined) return body;
    if (body.kind === 'end') throw new Refused("repeats '$'", start);
    this.#take('?');
    if (this.#at < this.#text.length && '*+?{'.includes(this.#peek()))
      throw new Refused('has one repetition directly after another', this.#at);
    return { kind: 'repeat', body, ...counts };
  }

  #quantifier(): { readonly least: number; readonly most: number } | undefined {
    if (this.#take('*')) return { least: 0, most: Infinity };
    if (this.#take('+')) return { least: 1, most: Infinity };
    if (this.#take('?')) return { least: 0, most: 1 };
    if (!this.#take('{')) return undefined;
    const [whole, low, comma, high] = /^(\d{1,9})(,?)(\d{0,9})\}/.exec(this.#text.slice(this.#at)) ?? [];
    const start = this.#at - 1;
    if (whole === undefined) throw new Refused("has a '{' that counts nothing: write \\{", start);
    this.#at += whole.length;
    const least = Number(low);
    const most = comma === '' ? least : high === '' ? Infinity : Number(high);
    if (least > MAX_COUNT || (most !== Infinity && most > MAX_COUNT))
      throw new Refused(`counts beyond ${MAX_COUNT}`, start);
    if (most < least) throw new Refused('counts from more to less', start);
    return { least, most };
  }

  #atom(): RegexNode {
    const start = this.#at;
    const character = this.#next();
    switch (character) {
      case '(':
        return this.#group();
      case '[':
        return { kind: 'set', members: folded(this.#bracket()) };
      case '.':
        return { kind: 'set', members: inverted(new Set()) };
      case '$':
        return { kind: 'end' };
      case '\\':
        return { kind: 'set', members: folded(this.#escape()) };
      case '*':
      case '+':
      case '?':
      case '{':
        throw new Refused(`has a '${character}' that repeats nothing`, start);
      case '^':
        throw new Refused("has a '^' that is not at the start", start);
      default:
        return { kind: 'set', members: folded(new Set([character.charCodeAt(0)])) };
    }
  }

  #group(): RegexNode {
    const start = this.#at - 1;
    if (++this.#depth > 20) throw new Refused('nests too deeply', start);
    if (this.#take('?')) {
      if (!this.#take(':')) throw new Refused('looks ahead, looks behind or sets options with (?…)', start);
    } else if (this.#take('*')) throw new Refused('has a verb (*…)', start);
    else this.groups++;
    const inside = this.#choice();
    if (!this.#take(')')) throw new Refused("has a '(' that is not closed", start);
    this.#depth--;
    return inside;
  }

  #bracket(): CharacterSet {
    const start = this.#at - 1;
    this.#refusePosix(start);
    const negated = this.#take('^');
    const members = new Set<number>();
    for (let first = true; first || this.#peek() !== ']'; first = false) {
      if (this.#at >= this.#text.length) throw new Refused("has a '[' that is not closed", start);
      for (const each of this.#members()) members.add(each);
    }
    this.#next();
    return negated ? inverted(members) : members;
  }

  /** One character, a range or a class of characters within brackets. */
  #members(): CharacterSet {
    const start = this.#at;
    if (this.#peek() === '[') {
      this.#refusePosix(start);
      throw new Refused("has a '[' inside of [ ]: write \\[", start);
    }
    const from = this.#member();
    if (this.#peek() !== '-' || [']', undefined].includes(this.#text[this.#at + 1])) return from;
    if (from.size !== 1) throw new Refused("has a '-' between a class and something else: write it last", this.#at);
    this.#next();
    this.#refusePosix(this.#at);
    const [low] = from;
    const to = this.#member();
    const [high] = to;
    if (to.size !== 1 || high! < low!) throw new Refused('has a range that is none', start);
    return new Set(Array.from({ length: high! - low! + 1 }, (_, index) => low! + index));
  }

  #refusePosix(start: number): void {
    const [posix] = POSIX.exec(this.#text.slice(start)) ?? [];
    if (posix !== undefined)
      throw new Refused(`has ${posix}, and POSIX's classes are not supported: write which characters`, start);
  }

  #member(): CharacterSet {
    const character = this.#next();
    return character === '\\' ? this.#escape() : new Set([character.charCodeAt(0)]);
  }

  #escape(): CharacterSet {
    const start = this.#at - 1;
    const character = this.#next();
    if (character === '') throw new Refused("ends with a '\\'", start);
    const named = CLASSES[character.toLowerCase()];
    if (named !== undefined) return character === character.toLowerCase() ? named : inverted(named);
    if (/[a-z0-9]/i.test(character)) throw new Refused(`has '\\${character}', which is not supported`, start);
    return new Set([character.charCodeAt(0)]);
  }

  /** Empty at the end. */
  #peek(): string {
    return this.#text[this.#at] ?? '';
  }

  #next(): string {
    const character = this.#peek();
    this.#at++;
    return character;
  }

  #take(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }
}

const CLASSES: Readonly<Record<string, CharacterSet>> = {
  d: matching(/\d/),
  w: matching(/\w/),
  s: matching(/[ \t\n\v\f\r]/),
};

function matching(pattern: RegExp): CharacterSet {
  return new Set(
    Array.from({ length: BEYOND }, (_, code) => code).filter((code) => pattern.test(String.fromCharCode(code))),
  );
}

function inverted(set: CharacterSet): CharacterSet {
  return new Set(Array.from({ length: BEYOND + 1 }, (_, code) => code).filter((code) => !set.has(code)));
}

function folded(set: CharacterSet): CharacterSet {
  const cases = [...set].flatMap((code) => {
    const character = String.fromCharCode(code);
    return [code, character.toLowerCase().charCodeAt(0), character.toUpperCase().charCodeAt(0)];
  });
  return new Set(cases);
}
