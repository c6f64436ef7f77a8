import type { Transaction } from '../nft/model.ts';
import { CHAINS, SETS } from '../nft/names.ts';
import type { Dispatch } from './dispatch.ts';
import { HOSTS } from './host-filter.ts';
import type { PolicyChains } from './policy-chains.ts';

/** Local endpoints whose permissions a transaction may have taken away or given. */
export interface Impact {
  readonly shrunk: ReadonlySet<string>;
  readonly grown: ReadonlySet<string>;
}

/** Chains that packets of every local pod may pass. */
const FOR_ALL: ReadonlySet<string> = new Set([
  CHAINS.endpointToHost,
  CHAINS.hostForward,
  CHAINS.hostRawIn,
  CHAINS.hostPreDnat,
]);

const VERDICT_MAPS: ReadonlySet<string> = new Set([
  SETS.ingress,
  SETS.egress,
  SETS.ownNode,
  ...(['ingress', 'egress', 'ownNode'] as const).flatMap((way) => [SETS.shared(way, 4), SETS.shared(way, 6)]),
]);

/**
 * Reads off a transaction whose verdicts it can change. Generous, never short: what is named may have changed, what is
 * not named has not.
 */
export function impactOf(transaction: Transaction, chains: PolicyChains, dispatch: Dispatch): Impact {
  const shrunk = new Set<string>();
  const grown = new Set<string>();
  const rewritten = new Set<string>();
  const lost = new Set<string>();
  const gained = new Set<string>();
  for (const op of transaction) {
    if (op.op === 'add-rule') rewritten.add(op.chain);
    else if (op.op === 'flush-chain' || op.op === 'delete-chain') rewritten.add(op.name);
    else if (op.op === 'add-elements' || op.op === 'delete-elements') {
      const { name } = op.spec;
      if (VERDICT_MAPS.has(name)) {
        for (const [key] of op.elements) {
          const endpoint = dispatch.endpointAt(key);
          if (endpoint === undefined) continue;
          shrunk.add(endpoint);
          grown.add(endpoint);
        }
      } else
        for (const chain of chains.readersOf(name)) {
          // Where rules deny, pass on, or ask who is not in a set, more members can mean less permission.
          if (op.op === 'add-elements' || !chains.onlyAllows(chain)) gained.add(chain);
          if (op.op === 'delete-elements' || !chains.onlyAllows(chain)) lost.add(chain);
        }
    }
  }
  const concerned = (chain: string): Iterable<string> => {
    const endpoints = chains.endpointsOf(chain);
    return FOR_ALL.has(chain) || endpoints.has(HOSTS) ? dispatch.endpoints() : endpoints;
  };
  for (const chain of rewritten.union(lost)) for (const each of concerned(chain)) shrunk.add(each);
  for (const chain of rewritten.union(gained)) for (const each of concerned(chain)) grown.add(each);
  return { shrunk, grown };
}
