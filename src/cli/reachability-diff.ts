import { probeKey, probeText, type Comparison } from './reachability.ts';

/** What changed between two tables of reachability: one line for each connection that went from one verdict to another. */
export function reachabilityDiff(before: readonly Comparison[], after: readonly Comparison[]): string[] {
  const earlier = new Map(before.map((each) => [probeKey(each.probe), each.observed.verdict]));
  const changed = after.filter(({ probe, observed }) => {
    const was = earlier.get(probeKey(probe));
    return was !== undefined && was !== observed.verdict;
  });
  const lines = Map.groupBy(
    changed,
    ({ probe, observed }) => `${probe.from.key} → ${probe.to.key} ${observed.verdict}`,
  );
  return [...lines.values()].map((group) => {
    const { probe, observed } = group[0]!;
    const what = group.map((each) => probeText(each.probe)).join(', ');
    const sign = observed.verdict === 'allowed' ? '+' : '-';
    return `${sign} ${probe.from.key} → ${probe.to.key}: ${what} ${observed.verdict === 'allowed' ? 'now gets through' : 'no longer gets through'}`;
  });
}
