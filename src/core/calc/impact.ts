import type { Transaction } from '../nft/model.ts';
import { SETS } from '../nft/names.ts';
import type { Dispatch } from './dispatch.ts';
import type { PolicyChains } from './policy-chains.ts';

/** Local endpoints whose permissions a transaction may have taken away or given. */
export interface Impact {
  readonly shrunk: ReadonlySet<string>;
  readonly grown: ReadonlySet<string>;
}

/**
 * Reads off a transaction whose verdicts it can change. Generous, never short: what is named may have changed, what is
 * not named has not.
 */
export function impactOf(transaction: Transaction, chains: PolicyChains, dispatch: Dispatch): Impact {
  const shrunk = new Set<string>();
  const grown = new Set<string>();
  const addAll = (target: Set<string>, endpoints: Iterable<string> | undefined): void => {
    for (const endpoint of endpoints ?? []) target.add(endpoint);
  };
  for (const op of transaction) {
    if (op.op === 'add-rule' || op.op === 'flush-chain') {
      const chain = op.op === 'add-rule' ? op.chain : op.name;
      addAll(shrunk, chains.endpointsOf(chain));
      addAll(grown, chains.endpointsOf(chain));
    } else if (op.op === 'add-elements' || op.op === 'delete-elements') {
      const { name } = op.spec;
      if (name === SETS.ingress || name === SETS.egress) {
        for (const [key] of op.elements) {
          const endpoint = dispatch.endpointAt(key);
          if (endpoint === undefined) continue;
          shrunk.add(endpoint);
          grown.add(endpoint);
        }
      } else {
        const target = op.op === 'add-elements' ? grown : shrunk;
        for (const chain of chains.readersOf(name)) addAll(target, chains.endpointsOf(chain));
      }
    }
  }
  return { shrunk, grown };
}
