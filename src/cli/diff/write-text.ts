import { portsText } from '../reach/port-text.ts';
import type { Change, DiffReport, Side } from './model.ts';

/** The report for a terminal: `+` what opens, `-` what closes, each with a flow that shows it and why. */
export function textDiff(report: DiffReport): string {
  const { opened, closed, added, removed } = report;
  const blocks = [
    ...opened.map((change) => block('+', change)),
    ...closed.map((change) => block('-', change)),
    ...(added.length === 0 ? [] : [`new: ${added.join(', ')}`]),
    ...(removed.length === 0 ? [] : [`gone: ${removed.join(', ')}`]),
  ];
  return [...blocks, summary(report)].join('\n\n');
}

/** `2 changes open connections, 1 closes some.` */
export function summary({ opened, closed }: DiffReport): string {
  if (opened.length === 0 && closed.length === 0) return 'Nothing that was there can reach more or less than before.';
  return `${opened.length} opened, ${closed.length} closed.`;
}

function block(sign: '+' | '-', change: Change): string {
  const { from, to, reason } = change;
  const lines = [`${sign} ${sidesText(from)} → ${sidesText(to)}: ${changeText(change)}`];
  if (reason !== undefined) {
    lines.push(`    for example ${reason.flow}`);
    for (const { before, now } of reason.sides) lines.push(`      now     ${now}`, `      before  ${before}`);
  }
  return lines.join('\n');
}

/** The ports of a change, and what there is to say of it besides. */
export function changeText({ ports, ownNode }: Change): string {
  return `${portsText(ports)}${ownNode === true ? ' (only of a pod and its own node)' : ''}`;
}

/** Names that are spelled out; of more only the number. */
const NAMED = 12;

/** The names, with how many of a workload's pods are meant when not all are. */
export function sidesText(sides: readonly Side[], quote: (name: string) => string = (name) => name): string {
  const texts = sides.map(
    ({ name, some }) => quote(name) + (some === undefined ? '' : ` (${some.count} of ${some.of})`),
  );
  if (texts.length <= NAMED + 1) return texts.join(', ');
  return `${texts.slice(0, NAMED).join(', ')} and ${texts.length - NAMED} more`;
}
