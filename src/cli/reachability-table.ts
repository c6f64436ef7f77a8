import type { Comparison } from './reachability.ts';
import { table } from './table.ts';

/** What became of a connection, in one sign. */
const SIGNS = { allowed: '✓', denied: '✗', error: '?' } as const;

/**
 * One row for each pair of pods, one column for each protocol: the ports with `✓` (got through) or `✗` (did not), an undeclared port in
 * brackets, and `≠` where the prediction was another.
 */
export function reachabilityTable(comparisons: readonly Comparison[]): string {
  const pairs = Map.groupBy(comparisons, ({ probe }) => `${probe.from.key} ${probe.to.key}`);
  const rows = [...pairs.values()].map((pair) => {
    const { from, to } = pair[0]!.probe;
    const cell = (protocol: string): string =>
      pair
        .filter(({ probe }) => probe.protocol === protocol)
        .map(sign)
        .join('  ');
    return [from.key, to.key, cell('TCP'), cell('UDP'), cell('ICMP')];
  });
  return table(['FROM', 'TO', 'TCP', 'UDP', 'ICMP'], rows);
}

/** One connection: `80 ✓`, `[49000] ✗`, `≠` in front when it was predicted otherwise. */
export function sign({ probe, observed, agrees }: Comparison): string {
  const port = probe.port === undefined ? '' : probe.declared ? `${probe.port} ` : `[${probe.port}] `;
  const family = probe.address.family === 6 ? 'v6 ' : '';
  return `${agrees ? '' : '≠ '}${family}${port}${SIGNS[observed.verdict]}`;
}
