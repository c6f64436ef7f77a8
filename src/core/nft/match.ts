import type { Family } from '../../base/ip/index.ts';
import type { Rule, Statement } from './model.ts';
import { isFamily, isNotProtocol, isProtocol } from './statements.ts';

/**
 * One way for a packet to match: a conjunction. Family and protocol are kept apart, so that ways which contradict each
 * other are found and no rule asks for either twice.
 */
export interface Match {
  readonly family?: Family | undefined;
  /** IANA number. */
  readonly protocol?: number | undefined;
  /** Protocols that it is none of. */
  readonly notProtocols?: readonly number[] | undefined;
  /** In the order in which the kernel looks. */
  readonly statements: readonly Statement[];
}

/** The way that every packet takes. */
export const ANYTHING: Match = { statements: [] };

/** The ways in which a packet can match one of each of the lists; those that no packet can take are left out. */
export function product(lists: readonly (readonly Match[])[]): readonly Match[] {
  let ways: readonly Match[] = [ANYTHING];
  for (const list of lists) ways = ways.flatMap((way) => list.flatMap((each) => both(way, each) ?? []));
  return ways;
}

/** The rule that does `end` with the packets that match. */
export function ruleOf({ family, protocol, notProtocols, statements }: Match, end: readonly Statement[]): Rule {
  return [
    ...(family === undefined ? [] : [isFamily(family)]),
    ...(protocol === undefined ? (notProtocols ?? []).map(isNotProtocol) : [isProtocol(protocol)]),
    ...statements,
    ...end,
  ];
}

/** Undefined when no packet matches both. */
function both(a: Match, b: Match): Match | undefined {
  if (a === ANYTHING) return b;
  if (b === ANYTHING) return a;
  const family = a.family ?? b.family;
  const protocol = a.protocol ?? b.protocol;
  const notProtocols = [...new Set([...(a.notProtocols ?? []), ...(b.notProtocols ?? [])])];
  if ((b.family ?? family) !== family || (b.protocol ?? protocol) !== protocol) return undefined;
  if (protocol !== undefined && notProtocols.includes(protocol)) return undefined;
  return { family, protocol, notProtocols, statements: [...a.statements, ...b.statements] };
}
