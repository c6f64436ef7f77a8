import { explain, formatExplanation } from '../../core/policy/explain.ts';
import type { Headline } from '../../core/policy/explain.ts';
import type { Language } from '../../core/policy/messages/catalogue.ts';
import { nearestMisses } from '../../core/policy/near-miss.ts';
import type { PolicyEngine } from '../../core/policy/evaluate.ts';
import type { Answer, Question } from '../judge.ts';
import { describePlace } from '../place.ts';
import { formatExtent, formatPortRanges, type Outcome } from './outcome.ts';

/** The explanation of an answer, as text; when it is not one verdict for all, first which is for which. */
export function answerText(engine: PolicyEngine, question: Question, answer: Answer, language: Language): string {
  const { outcomes, remarks } = answer;
  const [only] = outcomes;
  const whole = outcomes.length === 1 ? wholeQuestion(question, only!) : undefined;
  const texts = outcomes.map((outcome) => {
    const { verdict } = outcome;
    const headline = () => whole ?? headlineOf(outcome, answer);
    return formatExplanation(explain(verdict, nearestMisses(engine, verdict), language, headline));
  });
  return [...remarks, ...texts].join('\n');
}

/** One outcome is for everything that was asked, and needs no list; a single pod behind a title is still worth its name. */
function wholeQuestion(question: Question, outcome: Outcome): Headline {
  const name = (place: Question['from'], extent: Outcome['sources']) =>
    extent.names.length === 1 && place.kind !== 'block' ? formatExtent(extent) : describePlace(place);
  const isService = question.to.kind === 'service' && outcome.destinations.names.length > 1;
  const destination = isService ? formatExtent(outcome.destinations) : name(question.to, outcome.destinations);
  return { source: name(question.from, outcome.sources), destination, port: portOf(outcome) };
}

function headlineOf(outcome: Outcome, { outcomes }: Answer): Headline {
  const mixed = new Set(outcomes.flatMap(({ families }) => families)).size > 1 && outcome.families.length === 1;
  const port = mixed ? `${portOf(outcome)} (IPv${outcome.families[0]})` : portOf(outcome);
  return { source: formatExtent(outcome.sources), destination: formatExtent(outcome.destinations), port };
}

function portOf({ verdict, ports }: Outcome): string {
  const { protocol } = verdict.flow;
  return ports.length === 0 ? protocol : `${protocol} ${formatPortRanges(ports)}`;
}
