import type { CharacterSet, RegexNode } from './regex-syntax.ts';

/**
 * PCRE2 compiles an expression to 64 KiB at most (its links have two bytes, as Debian builds it); the rest is left for the
 * host that comes before a path.
 */
const MAX_COMPILED = 60_000;

/** The beginning and the end of a group that captures and repeats, and what follows a single item that repeats. */
const GROUP = 16;
const ITEM = 12;
/** A set of characters is a table of 256 bits. */
const TABLE = 33;

/** Why PCRE2 cannot hold the expression: a group that is counted is written out as often as it is counted. */
export function sizeProblem(tree: RegexNode): string | undefined {
  const size = compiledSize(tree);
  if (size <= MAX_COMPILED) return undefined;
  return `counts too much too often: written out it is of some ${size} bytes, and of ${MAX_COMPILED} at most it may be`;
}

/** Bytes, rather too many than too few. */
function compiledSize(node: RegexNode): number {
  switch (node.kind) {
    case 'end':
      return 1;
    case 'set':
      return isOneCharacter(node.members) ? 2 : TABLE;
    case 'sequence':
      return node.items.reduce((sum, item) => sum + compiledSize(item), GROUP);
    case 'choice':
      return node.branches.reduce((sum, branch) => sum + compiledSize(branch), GROUP);
    case 'repeat': {
      const body = compiledSize(node.body);
      if (node.body.kind === 'set') return body + ITEM;
      return (body + GROUP) * Math.max(1, node.most === Infinity ? node.least : node.most);
    }
  }
}

function isOneCharacter(members: CharacterSet): boolean {
  return new Set([...members].map((code) => String.fromCharCode(code).toLowerCase())).size === 1;
}
