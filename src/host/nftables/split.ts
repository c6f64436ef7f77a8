import type { NftOp, Transaction } from '../../core/nft/model.ts';
import { encodeBatch } from './batch.ts';

/** Elements of one step that is divided: about 20 KB of them. */
const ELEMENTS_PER_STEP = 250;

/**
 * Cuts a transaction into batches of at most `limit` bytes. First, in as many batches as it takes, what nothing in force
 * refers to yet: new sets with their elements, new chains and their rules. Then the rest in its own order, which is one
 * batch, and so atomic, whenever it fits.
 */
export function splitTransaction(transaction: Transaction, limit: number): Transaction[] {
  const steps = transaction.flatMap(divide);
  const hidden = steps.filter(hiddenSteps(steps));
  const chosen = new Set(hidden);
  return [
    ...pack(hidden, limit),
    ...pack(
      steps.filter((step) => !chosen.has(step)),
      limit,
    ),
  ];
}

/** Steps that only build what is new and not attached to a hook. A new verdict map waits: its targets may come later. */
function hiddenSteps(steps: Transaction): (step: NftOp) => boolean {
  const sets = new Set<string>();
  const chains = new Set<string>();
  for (const step of steps) {
    if (step.op === 'add-set' && step.spec.data !== 'verdict') sets.add(step.spec.name);
    if (step.op === 'add-chain' && step.hook === undefined) chains.add(step.name);
  }
  // A chain's rules keep their order, so none may go ahead of one that waits.
  const waiting = new Set<string>();
  return (step) => {
    if (step.op === 'add-table') return true;
    if (step.op === 'add-set' || step.op === 'add-elements') return sets.has(step.spec.name);
    if (step.op === 'add-chain') return chains.has(step.name);
    if (step.op !== 'add-rule') return false;
    if (usesVerdictMap(step)) waiting.add(step.chain);
    return chains.has(step.chain) && !waiting.has(step.chain);
  };
}

function usesVerdictMap(step: Extract<NftOp, { op: 'add-rule' }>): boolean {
  return step.rule.some(({ kind }) => kind === 'vmap');
}

function divide(step: NftOp): NftOp[] {
  if (step.op !== 'add-elements' && step.op !== 'delete-elements') return [step];
  const parts: NftOp[] = [];
  for (let at = 0; at < step.elements.length; at += ELEMENTS_PER_STEP)
    parts.push({ ...step, elements: step.elements.slice(at, at + ELEMENTS_PER_STEP) });
  return parts;
}

/** Greedy: as many steps per batch as fit. Set ids only need to be unique within a batch, so order is all that matters. */
function pack(steps: Transaction, limit: number): Transaction[] {
  const batches: NftOp[][] = [];
  let current: NftOp[] = [];
  let size = 0;
  for (const step of steps) {
    const bytes = encodeBatch([step], 1).bytes.length;
    if (current.length > 0 && size + bytes > limit) {
      batches.push(current);
      current = [];
      size = 0;
    }
    current.push(step);
    size += bytes;
  }
  if (current.length > 0) batches.push(current);
  return batches;
}
