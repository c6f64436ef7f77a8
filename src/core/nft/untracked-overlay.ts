import type { Family } from '../../base/ip/index.ts';
import type { BaseOptions } from './base-options.ts';
import type { Chain, Rule, Statement, Verdict } from './model.ts';
import { CHAINS, SETS } from './names.ts';
import { looksLike } from './overlay.ts';
import { destination, inSet, isFamily, source } from './statements.ts';

/**
 * Packets that carry others from node to node stay out of connection tracking, so that what they carry is tracked alone.
 * Only those of tunnels whose two directions are no answers to each other: each such packet would be the first of its
 * connection for ever, and be asked about all that new connections are asked about. What comes from or goes to others
 * than nodes is tracked, so that host endpoints judge it.
 */
export function rawOverlay(options: BaseOptions): { readonly chains: readonly Chain[]; readonly elsewhere: Verdict } {
  const { families, tunnels } = options;
  const outers = tunnels.flatMap(({ oneWay, outer }) => (oneWay === true ? [outer] : []));
  const to = (family: Family): Statement => inSet([destination(family)], SETS.nodes(family));
  const from = (family: Family): Statement => inSet([source(family)], SETS.nodes(family));
  const ways = (ends: (family: Family) => readonly Statement[]): Rule[] =>
    outers.flatMap((outer) =>
      families.map((family): Rule => [...looksLike(outer), isFamily(family), ...ends(family), { kind: 'notrack' }]),
    );
  if (outers.length === 0) return { chains: [], elsewhere: 'accept' };
  return {
    elsewhere: `goto ${CHAINS.rawElsewhere}`,
    chains: [
      { name: CHAINS.rawElsewhere, rules: ways((family) => [to(family), from(family)]) },
      {
        name: CHAINS.rawOutput,
        hook: { type: 'filter', hook: 'output', priority: -300 },
        // What the node itself sends, it sends as itself.
        rules: ways((family) => [to(family)]),
      },
    ],
  };
}
