import { formatSource } from '../explain.ts';
import type { Language } from '../messages/catalogue.ts';
import { DESCRIBE_PHRASES } from './describe-policy.ts';
import type { PolicyDescription, RuleDescription } from './description.ts';

/** Names of pods that are spelled out; of more only the number. */
const NAMED = 10;

/** A description as text for a terminal. */
export function formatDescription(description: PolicyDescription, language: Language = 'en'): string {
  const say = DESCRIBE_PHRASES[language];
  const { subject, place, directions, limits } = description;
  const now = subject.now ?? [];
  const lines = [
    formatSource(description.source),
    `  ${say.finish(say.appliesTo(subject.text))}`,
    ...(now.length === 0 ? [] : [`  ${say.finish(say.now(now.slice(0, NAMED), Math.max(0, now.length - NAMED)))}`]),
    ...(place === undefined ? [] : [`  ${place}`]),
    ...directions.flatMap(({ text, rules }) => [`  ${text}`, ...rules.map((rule) => `    - ${ruleLine(rule)}`)]),
    `  ${say.doesNot()}`,
    ...limits.map(({ text }) => `    - ${text}`),
  ];
  return lines.join('\n');
}

function ruleLine({ text, name, source }: RuleDescription): string {
  const position = source.line === undefined ? '' : `:${source.line}`;
  return `${text}  [${name === undefined ? '' : `${name}, `}${source.path}${position}]`;
}
