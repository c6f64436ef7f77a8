import type { Direction, Policy } from '../policy/model.ts';
import type { Chain, Rule, Statement, Verdict } from './model.ts';
import { digest, policyChainName } from './names.ts';
import { isPassed, setPassed, verdict } from './statements.ts';

/** The policies of one tier that apply to some endpoints in a direction, and what becomes of packets that no rule matches. */
export interface Stage {
  /** In order of evaluation; at least one. */
  readonly policies: readonly Policy[];
  readonly noMatch: 'deny' | 'pass';
}

/** Whether some rule of the policy passes packets on to the next stage. */
export function passes(policy: Policy, direction: Direction): boolean {
  return policy[direction].some((rule) => rule.action === 'pass');
}

/**
 * The chain of the first of the stages: it jumps to the policies in turn and goes on to the chain of the other stages, or
 * accepts after the last one. Its name stands for its content, so endpoints with equal stages share it, and a stage's
 * chain serves all that come to it, whatever stages they had before. Policies' chains are the same for all: where one can
 * pass, it says so by a mark that is looked at here.
 */
export function stageChain(direction: Direction, stages: readonly Stage[]): Chain {
  const [{ policies, noMatch }, ...rest] = stages as readonly [Stage, ...Stage[]];
  const onwards: Verdict = rest.length === 0 ? 'accept' : `goto ${stageChainName(direction, rest)}`;
  const jumps = policies.flatMap((policy): Rule[] => {
    const jump: Rule = [verdict(`jump ${policyChainName(direction, policy.key)}`)];
    return passes(policy, direction) ? [jump, [isPassed, setPassed(false), verdict(onwards)]] : [jump];
  });
  // Whoever had the packet before may have marked it.
  const first: Statement[][] = jumps.length > policies.length ? [[setPassed(false)]] : [];
  return {
    name: stageChainName(direction, stages),
    rules: [...first, ...jumps, [verdict(noMatch === 'deny' ? 'drop' : onwards)]],
  };
}

/** Name of the chain that {@link stageChain} makes. */
export function stageChainName(direction: Direction, stages: readonly Stage[]): string {
  const text = stages.map(({ policies, noMatch }) => {
    const keys = policies.map((policy) => `${policy.key}${passes(policy, direction) ? ' passes' : ''}\n`);
    return `${keys.join('')}${noMatch}`;
  });
  return `${direction}-${digest(text.join('\n\n'))}`;
}
