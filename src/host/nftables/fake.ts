import { EMPTY_RULESET, targetOf } from '../../core/nft/diff.ts';
import type {
  Chain,
  ElementData,
  ElementKey,
  NftOp,
  Rule,
  Ruleset,
  SetSpec,
  Transaction,
} from '../../core/nft/model.ts';
import { ERRNO, errnoError } from '../errno.ts';
import { describeOp } from './batch.ts';
import type { Nftables } from './port.ts';

type Errno = keyof typeof ERRNO;

interface FakeSet {
  readonly spec: SetSpec;
  readonly elements: Map<ElementKey, ElementData>;
}

interface State {
  readonly chains: Map<string, Chain>;
  readonly sets: Map<string, FakeSet>;
}

/** The packet filter in memory: takes and refuses transactions as the kernel does, and keeps what it took. */
export class FakeNftables implements Nftables {
  #state: State | undefined;
  /** Transactions that were taken, oldest first. */
  readonly applied: Transaction[] = [];

  apply(transaction: Transaction): void {
    let state = this.#state === undefined ? undefined : copyOf(this.#state);
    for (const op of transaction) {
      if (op.op === 'destroy-table') state = undefined;
      else if (op.op === 'add-table') state ??= { chains: new Map(), sets: new Map() };
      else {
        const errno = state === undefined ? 'ENOENT' : step(state, op);
        if (errno !== undefined) throw errnoError(ERRNO[errno], describeOp(op), { op });
      }
    }
    this.#state = state;
    if (transaction.length > 0) this.applied.push(transaction);
  }

  actual(_expected: Ruleset): Ruleset | undefined {
    return this.#state === undefined ? undefined : copyOf(this.#state);
  }

  /** No packet comes by here. */
  forget(): number {
    return 0;
  }

  /** What the table holds; empty when it is missing. */
  get ruleset(): Ruleset {
    return this.#state ?? EMPTY_RULESET;
  }

  [Symbol.dispose](): void {}
}

/** Makes one step, or returns the errno of the kernel's refusal. */
function step(state: State, op: Exclude<NftOp, { op: 'add-table' | 'destroy-table' }>): Errno | undefined {
  const { chains, sets } = state;
  switch (op.op) {
    case 'add-set':
      if (sets.has(op.spec.name)) return 'EEXIST';
      sets.set(op.spec.name, { spec: op.spec, elements: new Map() });
      return undefined;
    case 'delete-set':
      if (!sets.has(op.name)) return 'ENOENT';
      if (isReferenced(state, op.name)) return 'EBUSY';
      sets.delete(op.name);
      return undefined;
    case 'add-elements':
      return addElements(state, op.spec.name, op.elements);
    case 'delete-elements': {
      const set = sets.get(op.spec.name);
      for (const [key] of op.elements) if (set?.elements.delete(key) !== true) return 'ENOENT';
      return undefined;
    }
    case 'add-chain':
      if (chains.has(op.name)) return 'EEXIST';
      chains.set(op.name, { name: op.name, rules: [], ...(op.hook === undefined ? {} : { hook: op.hook }) });
      return undefined;
    case 'flush-chain':
    case 'add-rule': {
      const chain = chains.get(op.op === 'add-rule' ? op.chain : op.name);
      if (chain === undefined) return 'ENOENT';
      if (op.op === 'flush-chain') chains.set(chain.name, { ...chain, rules: [] });
      else if (!referencesOf(op.rule).every((name) => chains.has(name) || sets.has(name))) return 'ENOENT';
      else chains.set(chain.name, { ...chain, rules: [...chain.rules, op.rule] });
      return undefined;
    }
    case 'delete-chain':
      if (!chains.has(op.name)) return 'ENOENT';
      if (isReferenced(state, op.name, op.name)) return 'EBUSY';
      chains.delete(op.name);
      return undefined;
  }
}

function addElements(
  { chains, sets }: State,
  name: string,
  elements: readonly (readonly [ElementKey, ElementData])[],
): Errno | undefined {
  const set = sets.get(name);
  if (set === undefined) return 'ENOENT';
  for (const [key, data] of elements) {
    const target = set.spec.data === 'verdict' ? targetOf(data) : undefined;
    if (target !== undefined && !chains.has(target)) return 'ENOENT';
    if (set.elements.has(key) || overlaps(set, key)) return 'EEXIST';
    set.elements.set(key, data);
  }
  return undefined;
}

/** Ranges of a lone field must be disjoint; keys of equal length compare as text. */
function overlaps({ spec, elements }: FakeSet, key: ElementKey): boolean {
  if (spec.interval !== true || spec.key.length > 1) return false;
  const [first, last] = endsOf(key);
  return [...elements.keys()].some((other) => {
    const [otherFirst, otherLast] = endsOf(other);
    return first <= otherLast && otherFirst <= last;
  });
}

function endsOf(key: ElementKey): readonly [first: string, last: string] {
  const dash = key.indexOf('-');
  return dash < 0 ? [key, key] : [key.slice(0, dash), key.slice(dash + 1)];
}

/** Chains and sets that a rule names. */
function referencesOf(rule: Rule): string[] {
  return rule.flatMap((statement) => {
    if (statement.kind === 'remember') return [statement.map, statement.from];
    if (statement.kind === 'vmap' && statement.through !== undefined) return [statement.map, statement.through];
    if ('set' in statement) return [statement.set];
    if ('map' in statement) return [statement.map];
    return statement.kind === 'verdict' ? (targetOf(statement.verdict) ?? []) : [];
  });
}

/** Whether a rule outside chain `except`, or a verdict map, names the chain or set. */
function isReferenced({ chains, sets }: State, name: string, except?: string): boolean {
  for (const chain of chains.values())
    if (chain.name !== except && chain.rules.some((rule) => referencesOf(rule).includes(name))) return true;
  for (const { spec, elements } of sets.values())
    if (spec.data === 'verdict' && [...elements.values()].some((data) => targetOf(data) === name)) return true;
  return false;
}

function copyOf({ chains, sets }: State): State {
  return {
    chains: new Map(chains),
    sets: new Map([...sets].map(([name, { spec, elements }]) => [name, { spec, elements: new Map(elements) }])),
  };
}
