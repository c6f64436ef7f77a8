import { TABLE } from './model.ts';
import type {
  Chain,
  ElementData,
  ElementKey,
  Elements,
  NamedSet,
  NftOp,
  Ruleset,
  SetSpec,
  Transaction,
} from './model.ts';

/** What became of one chain or set; absent on a side where it did not exist. */
export interface ChainChange {
  readonly before?: Chain | undefined;
  readonly after?: Chain | undefined;
}

/** Elements of a set that exists on both sides, or that appears (`removed` is then empty). */
export interface SetChange {
  readonly before?: SetSpec | undefined;
  readonly after?: SetSpec | undefined;
  readonly removed: readonly (readonly [ElementKey, ElementData])[];
  readonly added: readonly (readonly [ElementKey, ElementData])[];
}

/** The ruleset with nothing in it. */
export const EMPTY_RULESET: Ruleset = { chains: new Map(), sets: new Map() };

/**
 * The transaction that turns `before` into `after`. When a chain's hook or a set's type differs under one name, as after
 * an upgrade, nothing less than replacing the whole table will do.
 */
export function diff(before: Ruleset, after: Ruleset): Transaction {
  if (!isEditable(before, after)) return replaceAll(after);
  const chains: ChainChange[] = [];
  for (const name of new Set([...before.chains.keys(), ...after.chains.keys()]))
    chains.push({ before: before.chains.get(name), after: after.chains.get(name) });
  const sets: SetChange[] = [];
  for (const name of new Set([...before.sets.keys(), ...after.sets.keys()]))
    sets.push(setChange(before.sets.get(name), after.sets.get(name)));
  return transactionOf(chains, sets);
}

function isEditable(before: Ruleset, after: Ruleset): boolean {
  for (const [name, chain] of before.chains)
    if (!same(chain.hook, after.chains.has(name) ? after.chains.get(name)!.hook : chain.hook)) return false;
  for (const [name, { spec }] of before.sets) if (!same(spec, after.sets.get(name)?.spec ?? spec)) return false;
  return true;
}

/** Whether two pieces of plain data are equal, whatever the order of their fields. */
function same(a: object | undefined, b: object | undefined): boolean {
  if (a === b) return true;
  const text = (value: object | undefined) =>
    JSON.stringify(Object.entries(value ?? {}).sort(([x], [y]) => (x < y ? -1 : 1)));
  return text(a) === text(b);
}

/** The transaction that makes the table equal to `ruleset` whatever it holds; atomic, so there is no open moment. */
export function replaceAll(ruleset: Ruleset): Transaction {
  return [{ op: 'destroy-table' }, { op: 'add-table' }, ...diff(EMPTY_RULESET, ruleset)];
}

/** The change of one set from its two states. */
export function setChange(before: NamedSet | undefined, after: NamedSet | undefined): SetChange {
  const specs = { before: before?.spec, after: after?.spec };
  if (after === undefined) return { ...specs, removed: [], added: [] };
  return { ...specs, ...elementChange(before?.elements ?? new Map(), after.elements) };
}

function elementChange(before: Elements, after: Elements): Pick<SetChange, 'removed' | 'added'> {
  const removed: [ElementKey, ElementData][] = [];
  const added: [ElementKey, ElementData][] = [];
  for (const [key, data] of before) if (after.get(key) !== data) removed.push([key, data]);
  for (const [key, data] of after) if (before.get(key) !== data) added.push([key, data]);
  return { removed, added };
}

/**
 * Puts changes in an order that the kernel accepts: what is referred to comes first and leaves last, and every removed
 * element leaves before a new one comes, because intervals must not overlap and a replaced key must be free.
 */
export function transactionOf(chains: readonly ChainChange[], sets: readonly SetChange[]): Transaction {
  const rewritten = chains.filter((change) => !sameRules(change));
  const ops: NftOp[] = [];
  for (const { before, after } of sets) if (before === undefined && after !== undefined) ops.push(addSet(after));
  for (const { before, after } of rewritten) if (before === undefined && after !== undefined) ops.push(addChain(after));
  for (const { before } of rewritten) if (before !== undefined) ops.push({ op: 'flush-chain', name: before.name });
  for (const { after, removed } of sets)
    if (after !== undefined && removed.length > 0) ops.push({ op: 'delete-elements', spec: after, elements: removed });
  for (const { after } of rewritten)
    for (const rule of after?.rules ?? []) ops.push({ op: 'add-rule', chain: after!.name, rule });
  for (const { after, added } of sets)
    if (after !== undefined && added.length > 0) ops.push({ op: 'add-elements', spec: after, elements: added });
  for (const { before, after } of sets)
    if (before !== undefined && after === undefined) ops.push({ op: 'delete-set', name: before.name });
  for (const { before, after } of rewritten)
    if (before !== undefined && after === undefined) ops.push({ op: 'delete-chain', name: before.name });
  return ops;
}

/** The ruleset after `transaction`: what the kernel will hold. Throws an Error where the kernel would refuse. */
export function applyTransaction(ruleset: Ruleset, transaction: Transaction): Ruleset {
  let chains = new Map(ruleset.chains);
  let sets = new Map<string, { spec: SetSpec; elements: Map<ElementKey, ElementData> }>();
  for (const [name, { spec, elements }] of ruleset.sets) sets.set(name, { spec, elements: new Map(elements) });
  for (const op of transaction) {
    switch (op.op) {
      case 'add-table':
        break;
      case 'destroy-table':
        chains = new Map();
        sets = new Map();
        break;
      case 'add-set':
        refuseIf(sets.has(op.spec.name), op);
        sets.set(op.spec.name, { spec: op.spec, elements: new Map() });
        break;
      case 'delete-set':
        refuseIf(!sets.delete(op.name) || isReferenced(chains, op.name), op);
        break;
      case 'add-elements':
        for (const [key, data] of op.elements) {
          refuseIf(sets.get(op.spec.name)?.elements.has(key) !== false, op);
          refuseIf(targetOf(data) !== undefined && !chains.has(targetOf(data)!), op);
          sets.get(op.spec.name)!.elements.set(key, data);
        }
        break;
      case 'delete-elements':
        for (const [key] of op.elements) refuseIf(sets.get(op.spec.name)?.elements.delete(key) !== true, op);
        break;
      case 'add-chain':
        refuseIf(chains.has(op.name), op);
        chains.set(op.name, { name: op.name, rules: [], ...(op.hook === undefined ? {} : { hook: op.hook }) });
        break;
      case 'flush-chain':
        refuseIf(!chains.has(op.name), op);
        chains.set(op.name, { ...chains.get(op.name)!, rules: [] });
        break;
      case 'add-rule': {
        const chain = chains.get(op.chain);
        refuseIf(chain === undefined || !referencesExist(op.rule, chains, sets), op);
        chains.set(op.chain, { ...chain!, rules: [...chain!.rules, op.rule] });
        break;
      }
      case 'delete-chain':
        refuseIf(!chains.delete(op.name) || isReferenced(chains, op.name) || isTarget(sets, op.name), op);
        break;
    }
  }
  return { chains, sets };
}

function addSet(spec: SetSpec): NftOp {
  return { op: 'add-set', spec };
}

function addChain({ name, hook }: Chain): NftOp {
  return hook === undefined ? { op: 'add-chain', name } : { op: 'add-chain', name, hook };
}

function sameRules({ before, after }: ChainChange): boolean {
  if (before === after) return true;
  if (before === undefined || after === undefined) return false;
  return JSON.stringify(before.rules) === JSON.stringify(after.rules);
}

function refuseIf(condition: boolean, op: NftOp): void {
  if (condition) throw new Error(`table ${TABLE.name} refuses ${JSON.stringify(op)}`);
}

/** Chains and sets that a statement names. */
export function referencesOf(rule: Chain['rules'][number]): string[] {
  return rule.flatMap((statement) => {
    if (statement.kind === 'lookup') return [statement.set];
    if (statement.kind === 'remember') return [statement.map, statement.from];
    if (statement.kind === 'vmap' && statement.through !== undefined) return [statement.map, statement.through];
    if (statement.kind === 'vmap' || statement.kind === 'dnat-map') return [statement.map];
    if (statement.kind === 'verdict') return targetOf(statement.verdict) ?? [];
    return [];
  });
}

function isReferenced(chains: ReadonlyMap<string, Chain>, name: string): boolean {
  return [...chains.values()].some((chain) => chain.rules.some((rule) => referencesOf(rule).includes(name)));
}

function isTarget(sets: ReadonlyMap<string, NamedSet>, chain: string): boolean {
  return [...sets.values()].some(({ spec, elements }) =>
    spec.data === 'verdict' ? [...elements.values()].some((data) => targetOf(data) === chain) : false,
  );
}

function referencesExist(
  rule: Chain['rules'][number],
  chains: ReadonlyMap<string, Chain>,
  sets: ReadonlyMap<string, NamedSet>,
): boolean {
  return referencesOf(rule).every((name) => chains.has(name) || sets.has(name));
}

/** The chain that a verdict leads to. */
export function targetOf(verdict: string): string | undefined {
  return verdict.startsWith('goto ') || verdict.startsWith('jump ') ? verdict.slice(5) : undefined;
}
