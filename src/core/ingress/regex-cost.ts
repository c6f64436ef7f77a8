import type { CharacterSet, RegexNode } from './regex-syntax.ts';

/** Repetitions that can end in several places of the same text, besides the last: each costs a factor of the path's length. */
const MAX_FREE_LOOPS = 1;

const NESTED = 'repeats what repeats itself: on some paths that takes time without end';
const FREE =
  'has several repetitions that can match the same text: put a character between them that they do not match';

/** What makes the expression too expensive; undefined when its cost is bounded by the square of the path's length. */
export function sequenceProblem(tree: RegexNode): string | undefined {
  const steps: Step[] = [];
  if (!collect(tree, true, steps)) return NESTED;
  return freeLoops(steps) > MAX_FREE_LOOPS ? FREE : undefined;
}

/** In the order of the text: a loop over characters, or a character that must be there. */
interface Step {
  readonly kind: 'loop' | 'must';
  readonly members: CharacterSet;
}

/** Lists the loops of a node; false when one of them is not safe in itself. */
function collect(node: RegexNode, mandatory: boolean, steps: Step[]): boolean {
  switch (node.kind) {
    case 'end':
      return true;
    case 'set':
      if (mandatory) steps.push({ kind: 'must', members: node.members });
      return true;
    case 'sequence':
      return node.items.every((item) => collect(item, mandatory, steps));
    case 'choice':
      return node.branches.every((branch) => collect(branch, false, steps));
    case 'repeat':
      // Counted repetitions of a fixed text are no loop; all others are treated as if they had no end.
      if (node.least === node.most && isFixed(node.body)) return collect(node.body, mandatory && node.least > 0, steps);
      if (node.most === 1) return collect(node.body, false, steps);
      if (!isPlainLoop(node.body)) return false;
      if (node.least > 0 && mandatory) collectMust(node.body, steps);
      steps.push({ kind: 'loop', members: alphabet(node.body) });
      return true;
  }
}

function collectMust(body: RegexNode, steps: Step[]): void {
  const inside: Step[] = [];
  collect(body, true, inside);
  steps.push(...inside.filter(({ kind }) => kind === 'must'));
}

function isFixed(node: RegexNode): boolean {
  if (node.kind === 'set') return true;
  return node.kind === 'sequence' && node.items.every(isFixed);
}

/**
 * Whether repeating the body has one way only to divide a text: it is of fixed length, or has a character that
 * must come once in each round and that nothing else in it can be.
 */
function isPlainLoop(body: RegexNode): boolean {
  if (isFixed(body)) return true;
  if (body.kind === 'choice') return areDisjointCharacters(body.branches);
  if (body.kind !== 'sequence') return false;
  const { items } = body;
  if (items.length === 1) return items[0]!.kind === 'choice' && isPlainLoop(items[0]!);
  if (!items.every((item) => item.kind === 'set' || (item.kind === 'repeat' && item.body.kind === 'set'))) return false;
  return items.some(
    (item, index) =>
      item.kind === 'set' && items.every((other, at) => at === index || disjoint(item.members, alphabet(other))),
  );
}

function areDisjointCharacters(branches: readonly RegexNode[]): boolean {
  const sets = branches.map(alphabet);
  return (
    branches.every((branch) => isFixed(branch) && (branch.kind === 'set' || width(branch) === 1)) &&
    sets.every((set, index) => sets.slice(index + 1).every((other) => disjoint(set, other)))
  );
}

function width(node: RegexNode): number {
  return node.kind === 'sequence' ? node.items.length : 1;
}

function alphabet(node: RegexNode): CharacterSet {
  switch (node.kind) {
    case 'end':
      return new Set();
    case 'set':
      return node.members;
    case 'sequence':
      return new Set(node.items.flatMap((item) => [...alphabet(item)]));
    case 'choice':
      return new Set(node.branches.flatMap((branch) => [...alphabet(branch)]));
    case 'repeat':
      return alphabet(node.body);
  }
}

function disjoint(a: CharacterSet, b: CharacterSet): boolean {
  return [...a].every((each) => !b.has(each));
}

/**
 * Loops whose end their start does not decide: between each and the next comes no character that the loop itself could
 * not take. What follows the last loop is tried once for each of its ends, which is the path's length once more.
 */
function freeLoops(steps: readonly Step[]): number {
  const loops = steps.flatMap(({ kind }, index) => (kind === 'loop' ? [index] : []));
  return loops.slice(0, -1).filter((at, order) => {
    const between = steps.slice(at + 1, loops[order + 1]);
    return !between.some(({ members }) => disjoint(members, steps[at]!.members));
  }).length;
}
