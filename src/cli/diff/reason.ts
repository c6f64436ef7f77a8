import { explain } from '../../core/policy/explain.ts';
import { DIRECTIONS } from '../../core/policy/flow.ts';
import type { DirectionVerdict, Flow, Party, Verdict } from '../../core/policy/flow.ts';
import type { PolicyEngine } from '../../core/policy/evaluate.ts';
import type { Language } from '../../core/policy/messages/catalogue.ts';
import { flowText } from '../test/witness-flow.ts';
import type { Reason, ResponsiblePolicy } from './model.ts';

/** The two states of a comparison. */
export interface Engines {
  readonly before: PolicyEngine;
  readonly now: PolicyEngine;
}

/** Why `flow`, which `make` builds of either state's own parties, is judged otherwise than before; undefined when it is not. */
export function reasonFor(
  engines: Engines,
  make: (engine: PolicyEngine) => Flow | undefined,
  language: Language,
): Reason | undefined {
  const [old, now] = [make(engines.before), make(engines.now)];
  if (old === undefined || now === undefined) return undefined;
  const [was, is] = [engines.before.evaluate(old), engines.now.evaluate(now)];
  if (was.allowed === is.allowed) return undefined;
  const changed = DIRECTIONS.filter((direction) => was[direction].allowed !== is[direction].allowed);
  const [wasLines, isLines] = [sideLines(was, language), sideLines(is, language)];
  const sides = changed.map((direction) => ({ before: wasLines[direction] ?? '', now: isLines[direction] ?? '' }));
  const policies = changed.flatMap((direction) => responsible(was[direction], is[direction]));
  return { flow: flowText(now), sides, policies };
}

/** The line of each direction: the two below the headline; an exempt flow has one for both. */
function sideLines(verdict: Verdict, language: Language): { readonly egress?: string; readonly ingress?: string } {
  const [egress, ingress = egress] = explain(verdict, [], language)
    .filter(({ depth }) => depth === 1)
    .map(({ text }) => text);
  return { ...(egress === undefined ? {} : { egress }), ...(ingress === undefined ? {} : { ingress }) };
}

/** Whose doing it is: a rule that decides now, else one that did, else the policies that let nothing through. */
function responsible(was: DirectionVerdict, is: DirectionVerdict): readonly ResponsiblePolicy[] {
  if (is.kind === 'rule') return decidedBy(is, 'now');
  if (was.kind === 'rule') return decidedBy(was, 'before');
  return is.kind === 'default' ? decidedBy(is, 'now') : decidedBy(was, 'before');
}

function decidedBy(side: DirectionVerdict, state: ResponsiblePolicy['state']): readonly ResponsiblePolicy[] {
  if (side.kind === 'rule') return [{ key: side.policy.key, source: side.rule.source, state }];
  return side.kind === 'default' ? side.policies.map(({ key, source }) => ({ key, source, state })) : [];
}

/** Whether anything can be asked of the two: a pod and itself never differ. */
export function isSame(a: Party, b: Party): boolean {
  return a.kind === 'pod' && b.kind === 'pod' && a.pod.key === b.pod.key;
}
