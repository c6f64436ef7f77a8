import { formatPorts } from '../../core/reach/index.ts';
import type { Deviation, Generated } from '../../core/reach/index.ts';

/** What is to be known beside the policies themselves, line by line; nothing when they are exactly what was wished. */
export function remarksOn(generated: Generated): string[] {
  const { inexpressible, widened, missing, excess } = generated;
  return [
    ...unique(widened.map(({ text, to }) => `note: ${text}: granted to all pods of ${to}, which bear the same labels`)),
    ...inexpressible.map(({ text, reason }) => `not granted: ${text}: ${reason}`),
    ...missing.map((each) => `not allowed though wished: ${deviationText(each)}`),
    ...excess.map((each) => `allowed though not wished: ${deviationText(each)}`),
  ];
}

function deviationText({ from, to, ports }: Deviation): string {
  return `${from} > ${to}: ${formatPorts(ports)}`;
}

function unique(lines: readonly string[]): string[] {
  return [...new Set(lines)];
}
