import type { Family } from '../../base/ip/index.ts';
import type { Action, Direction, Policy, Rule as PolicyRule } from '../policy/model.ts';
import { conditionMatches, peerMatches, portMatches } from './condition-matches.ts';
import type { SetNames } from './condition-matches.ts';
import { ANYTHING, product, ruleOf } from './match.ts';
import type { Rule, Statement } from './model.ts';
import { PACKET_MARK, setMark, verdict } from './statements.ts';

/**
 * Where on a packet's way a policy is asked. Before connection tracking and before translation are for host endpoints
 * only; what is allowed there is marked, so that later phases leave it alone.
 */
export type Phase = 'raw' | 'pre-dnat' | 'filter';

/** How many lines a rule that logs may write a second, and how many at once: floods of packets must not fill the log. */
const LOG_LIMIT = { perSecond: 10, burst: 5 } as const;
/** The kernel keeps 127 bytes of a prefix; the text ends in a colon and a space. */
const LOG_PREFIX = 120;

/**
 * The rules of one policy in one direction. A packet that a rule allows is accepted, one that a rule denies is dropped;
 * one that a rule passes returns with `PACKET_MARK.PASS` set, and any other falls through. The number of rules is peers ×
 * ports × ways to meet the conditions, whatever number of endpoints they stand for.
 */
export function compilePolicy(
  policy: Policy,
  direction: Direction,
  families: readonly Family[],
  names: SetNames,
  phase: Phase = 'filter',
): readonly Rule[] {
  const name = `sluice ${direction} ${policy.key}`;
  return compileRules(policy[direction], direction, families, names, (action) => endOf(action, phase, name));
}

/** Like {@link compilePolicy}, for rules whose actions the caller gives a meaning. */
export function compileRules(
  rules: readonly PolicyRule[],
  direction: Direction,
  families: readonly Family[],
  names: SetNames,
  end: (action: Action) => readonly Statement[],
): readonly Rule[] {
  const other = direction === 'ingress' ? 'source' : 'destination';
  return rules.flatMap(({ action, peers, ports, conditions = [] }) => {
    const ways = product([
      ports === 'any' ? [ANYTHING] : portMatches(ports, 'destination', families, names),
      peers === 'any' ? [ANYTHING] : peers.flatMap((peer) => peerMatches(peer, other, families, names)),
      ...conditions.map((condition) => conditionMatches(condition, families, names)),
    ]);
    const statements = end(action);
    return ways.map((way) => ruleOf(way, statements));
  });
}

function endOf(action: Action, phase: Phase, name: string): readonly Statement[] {
  switch (action) {
    case 'allow':
      return [
        ...(phase === 'filter' ? [] : [setMark(PACKET_MARK.HOST_ALLOWED)]),
        ...(phase === 'raw' ? [NOTRACK] : []),
        verdict('accept'),
      ];
    case 'deny':
      return [verdict('drop')];
    case 'pass':
      return [setMark(PACKET_MARK.PASS), verdict('return')];
    case 'log':
      return logStatements(name);
  }
}

const NOTRACK: Statement = { kind: 'notrack' };

/** Writes a line that begins with the text, unless there are too many. */
export function logStatements(text: string): readonly Statement[] {
  const printable = text.replaceAll(/[^ !#-[\]-~]/g, '_').slice(0, LOG_PREFIX);
  return [
    { kind: 'limit', ...LOG_LIMIT },
    { kind: 'log', prefix: `${printable}: ` },
  ];
}
