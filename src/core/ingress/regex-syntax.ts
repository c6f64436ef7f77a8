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

export type CharacterSet = ReadonlySet<number>;

/** The character that stands for all beyond ASCII. */
const BEYOND = 128;

/** Repetitions that may be counted out. */
const MAX_COUNT = 64;

class Refused extends Error {}

/** Parses the part of PCRE that is taken; what it does not know it refuses. A `^` at the start is allowed. */
export function parseRegex(
  text: string,
): { readonly problem: string } | { readonly tree: RegexNode; readonly groups: number } {
  if (/[^\x21-\x7e]/.test(text)) return { problem: 'has a character other than printable ASCII' };
  const parser = new Parser(text.startsWith('^') ? text.slice(1) : text);
  try {
    return { tree: parser.whole(), groups: parser.groups };
  } catch (error) {
    if (error instanceof Refused) return { problem: error.message };
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
    const tree = this.#choice();
    if (this.#at < this.#text.length) throw new Refused("has a ')' too many");
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
    const body = this.#atom();
    const counts = this.#quantifier();
    if (counts === undefined) return body;
    if (body.kind === 'end') throw new Refused("repeats '$'");
    this.#take('?');
    if (this.#at < this.#text.length && '*+?{'.includes(this.#peek()))
      throw new Refused('has one repetition directly after another');
    return { kind: 'repeat', body, ...counts };
  }

  #quantifier(): { readonly least: number; readonly most: number } | undefined {
    if (this.#take('*')) return { least: 0, most: Infinity };
    if (this.#take('+')) return { least: 1, most: Infinity };
    if (this.#take('?')) return { least: 0, most: 1 };
    if (!this.#take('{')) return undefined;
    const [whole, low, comma, high] = /^(\d{1,3})(,?)(\d{0,3})\}/.exec(this.#text.slice(this.#at)) ?? [];
    if (whole === undefined) throw new Refused("has a '{' that counts nothing: write \\{");
    this.#at += whole.length;
    const least = Number(low);
    const most = comma === '' ? least : high === '' ? Infinity : Number(high);
    if (least > MAX_COUNT || (most !== Infinity && most > MAX_COUNT)) throw new Refused(`counts beyond ${MAX_COUNT}`);
    if (most < least) throw new Refused('counts from more to less');
    return { least, most };
  }

  #atom(): RegexNode {
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
        throw new Refused(`has a '${character}' that repeats nothing`);
      case '^':
        throw new Refused("has a '^' that is not at the start");
      default:
        return { kind: 'set', members: folded(new Set([character.charCodeAt(0)])) };
    }
  }

  #group(): RegexNode {
    if (++this.#depth > 20) throw new Refused('nests too deeply');
    if (this.#take('?')) {
      if (!this.#take(':')) throw new Refused('looks ahead, looks behind or sets options with (?…)');
    } else if (this.#take('*')) throw new Refused('has a verb (*…)');
    else this.groups++;
    const inside = this.#choice();
    if (!this.#take(')')) throw new Refused("has a '(' that is not closed");
    this.#depth--;
    return inside;
  }

  #bracket(): CharacterSet {
    const negated = this.#take('^');
    const members = new Set<number>();
    for (let first = true; first || this.#peek() !== ']'; first = false) {
      if (this.#peek() === '[') throw new Refused("has a '[' inside of [ ]: write \\[");
      const from = this.#member();
      if (from.size !== 1 || this.#peek() !== '-' || this.#text[this.#at + 1] === ']') {
        for (const each of from) members.add(each);
        continue;
      }
      this.#next();
      const [low] = from;
      const to = this.#member();
      const [high] = to;
      if (to.size !== 1 || high! < low!) throw new Refused('has a range that is none');
      for (let each = low!; each <= high!; each++) members.add(each);
    }
    this.#next();
    return negated ? inverted(members) : members;
  }

  #member(): CharacterSet {
    const character = this.#next();
    return character === '\\' ? this.#escape() : new Set([character.charCodeAt(0)]);
  }

  #escape(): CharacterSet {
    const character = this.#next();
    const named = CLASSES[character.toLowerCase()];
    if (named !== undefined) return character === character.toLowerCase() ? named : inverted(named);
    if (/[a-z0-9]/i.test(character)) throw new Refused(`has '\\${character}', which is not supported`);
    return new Set([character.charCodeAt(0)]);
  }

  #peek(): string {
    const character = this.#text[this.#at];
    if (character === undefined) throw new Refused('ends in the middle');
    return character;
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
