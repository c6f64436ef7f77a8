import type { Direction, Policy } from '../policy/model.ts';
import type { Phase } from './compile-policy.ts';
import type { Chain, Rule, Verdict } from './model.ts';
import { digest, policyChainName } from './names.ts';
import { clearMark, hasMark, PACKET_MARK, verdict } from './statements.ts';

/** The policies of one tier that apply to some endpoints in a direction, and what becomes of packets that no rule matches. */
export interface Stage {
  /** In order of evaluation; at least one. */
  readonly policies: readonly Policy[];
  readonly noMatch: 'deny' | 'pass';
}

/** Where stages are walked, and what becomes of packets that all of them pass on. */
export interface Course {
  readonly direction: Direction;
  readonly phase: Phase;
  readonly end: Verdict;
}

/** Whether some rule of the policy passes packets on to the next stage. */
export function passes(policy: Policy, direction: Direction): boolean {
  return policy[direction].some((rule) => rule.action === 'pass');
}

/**
 * The chain of the first of the stages: it jumps to the policies in turn and goes on to the chain of the other stages, or
 * to the course's end after the last one. Its name stands for its content, so endpoints with equal stages share it, and a
 * stage's chain serves all that come to it, whatever stages they had before. Policies' chains are the same for all: where
 * one can pass, it says so by a mark that is looked at here.
 */
export function stageChain(stages: readonly Stage[], course: Course): Chain {
  const { direction, phase, end } = course;
  const [{ policies, noMatch }, ...rest] = stages as readonly [Stage, ...Stage[]];
  const onwards: Verdict = rest.length === 0 ? end : `goto ${stageChainName(rest, course)}`;
  const jumps = policies.flatMap((policy): Rule[] => {
    const jump: Rule = [verdict(`jump ${policyChainName(direction, policy.key, phase)}`)];
    if (!passes(policy, direction)) return [jump];
    return [jump, [hasMark(PACKET_MARK.PASS), clearMark(PACKET_MARK.PASS), verdict(onwards)]];
  });
  // Whoever had the packet before may have marked it.
  const first: Rule[] = jumps.length > policies.length ? [[clearMark(PACKET_MARK.PASS)]] : [];
  return {
    name: stageChainName(stages, course),
    rules: [...first, ...jumps, [verdict(noMatch === 'deny' ? 'drop' : onwards)]],
  };
}

/** Name of the chain that {@link stageChain} makes. */
export function stageChainName(stages: readonly Stage[], { direction, phase, end }: Course): string {
  const text = stages.map(({ policies, noMatch }) => {
    const keys = policies.map((policy) => `${policy.key}${passes(policy, direction) ? ' passes' : ''}\n`);
    return `${keys.join('')}${noMatch}`;
  });
  return `${direction}-${digest([...text, `${phase} ${end}`].join('\n\n'))}`;
}
